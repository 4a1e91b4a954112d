"""Times Google's dp_accounting on the queries that the bench sends, one JSON object a line."""
import json
import sys
import time

try:
    from dp_accounting import dp_event
    from dp_accounting.pld import pld_privacy_accountant
except ImportError:
    sys.exit(1)

print("ready", flush=True)
for line in sys.stdin:
    query = json.loads(line)
    event = dp_event.PoissonSampledDpEvent(query["q"], dp_event.GaussianDpEvent(query["s"]))
    start = time.perf_counter()
    accountant = pld_privacy_accountant.PLDAccountant(value_discretization_interval=1e-4)
    accountant.compose(event, query["steps"])
    accountant.get_epsilon(query["delta"])
    print((time.perf_counter() - start) * 1000, flush=True)

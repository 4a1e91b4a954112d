"""CPU time of Google's dp_accounting on the queries that the bench sends, one JSON object a line."""
import json
import sys
import time

try:
    import dp_accounting
    from dp_accounting import dp_event
    from dp_accounting.pld import pld_privacy_accountant
except ImportError:
    sys.exit(1)


def accountant():
    return pld_privacy_accountant.PLDAccountant(value_discretization_interval=1e-4)


def steps(query, noise_multiplier):
    event = dp_event.PoissonSampledDpEvent(query["q"], dp_event.GaussianDpEvent(noise_multiplier))
    return dp_event.SelfComposedDpEvent(event, query["steps"])


print("ready", flush=True)
for line in sys.stdin:
    query = json.loads(line)
    start = time.process_time()
    if "epsilon" in query:
        dp_accounting.calibrate_dp_mechanism(
            accountant, lambda s: steps(query, s), query["epsilon"], query["delta"],
            dp_accounting.ExplicitBracketInterval(2.0, 4.0), tol=1e-4)
    else:
        accountant().compose(steps(query, query["s"])).get_epsilon(query["delta"])
    print((time.process_time() - start) * 1000, flush=True)

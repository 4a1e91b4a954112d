/**
 * Time of the guard, on the real contract runtime over a ledger in memory: no wire and no disk is in the figures. Medians by the
 * wall: nothing is awaited that takes time, a call is shorter than a time slice, and asking for processor time would cost more
 * than the call itself.
 */
import type { ChaincodeInterface } from 'fabric-shim';

import { createChaincode } from '../src/chaincode-server.js';
import { createGuardMetrics } from '../src/metrics.js';
import {
  SESSION,
  createConsortium,
  ordinaryMorning,
  readArgs,
} from '../test/consortium-fixture.js';
import { CODE_HASH, START_MS, type Invocation } from '../test/memory-ledger.js';

const WARM_UP = 300;
const CALLS = 2_000;
const RUNS = 7;

/** Milliseconds by name, one value a run. */
export async function guardCpu(): Promise<ReadonlyMap<string, readonly number[]>> {
  const o = await createConsortium();
  await ordinaryMorning(o);
  for (let i = 0; i < 11; i++) {
    await o.submit(
      o.clerk,
      'RecordAccessContract:requestAccess',
      readArgs({ record: recordOf(i) }),
      {
        timestampMs: START_MS + 120_000 + i * 45_000,
      },
    );
  }

  let judgementMs: number[] = [];
  const metrics = {
    ...createGuardMetrics(),
    observeJudgement: (o: { readonly seconds: number }): void =>
      void judgementMs.push(o.seconds * 1000),
  };

  /** Milliseconds of one Invoke; the simulation around it is not counted. */
  async function invokeMs(chaincode: ChaincodeInterface, invocation: Invocation): Promise<number> {
    let spentMs = 0;
    await o.ledger.simulate(invocation, {
      Init: (stub) => chaincode.Init(stub),
      Invoke: async (stub) => {
        const start = performance.now();
        const response = await chaincode.Invoke(stub);
        spentMs = performance.now() - start;
        return response;
      },
    });
    return spentMs;
  }

  const timestampMs = START_MS + 120_000 + 11 * 45_000;
  const access: Invocation = {
    by: o.clerk,
    call: 'RecordAccessContract:requestAccess',
    args: readArgs({ record: recordOf(11) }),
    timestampMs,
  };
  const diverted: Invocation = {
    by: o.clerk,
    call: 'RecordAccessContract:export',
    args: [SESSION, 'e'.repeat(64), '900000', 'research', 'sensitive', ''],
    timestampMs,
  };
  const query: Invocation = { by: o.clerk, call: 'FederationContract:config', args: [] };

  const warm = createChaincode({ codeHash: CODE_HASH, metrics });
  for (let i = 0; i < WARM_UP; i++) {
    for (const invocation of [access, diverted, query]) await invokeMs(warm, invocation);
  }

  const arms = new Map<string, number[]>();
  const note = (name: string, values: readonly number[]): void => {
    const all = arms.get(name) ?? [];
    arms.set(name, [...all, ...values]);
  };
  for (let run = 0; run < RUNS; run++) {
    const callMs: number[] = [];
    judgementMs = [];
    for (let i = 0; i < CALLS / RUNS; i++) callMs.push(await invokeMs(warm, access));
    note('guarded call, 14 rows', [quantile(callMs, 0.5)]);
    note('features and score', [quantile(judgementMs, 0.5)]);
    const queryMs: number[] = [];
    for (let i = 0; i < CALLS / RUNS; i++) queryMs.push(await invokeMs(warm, query));
    note('contract runtime alone (a query)', [quantile(queryMs, 0.5)]);
    note('the guard itself', [quantile(callMs, 0.5) - quantile(queryMs, 0.5)]);
    const divertedMs: number[] = [];
    for (let i = 0; i < 50; i++) divertedMs.push(await invokeMs(warm, diverted));
    note('diverted call, with reasons', [quantile(divertedMs, 0.5)]);
    const cold = createChaincode({ codeHash: CODE_HASH, metrics });
    note('first call of a cold endorser', [await invokeMs(cold, access)]);
  }

  return arms;
}

/** One record after the other, as a clerk works through a list. */
function recordOf(index: number): string {
  return `H1-${(0xb000 + index).toString(16).padStart(16, '0')}`;
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
}

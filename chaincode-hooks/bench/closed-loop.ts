/**
 * A closed loop of clients: each sends its next call when the one before is committed. Latency is from the proposal to the
 * commit status; what fails is counted and has no latency.
 */
import { cpus } from 'node:os';

export interface CallOutcome {
  /** Fabric's validation code; null if the call failed before it was ordered. */
  readonly code: number | null;
  readonly disposition: string | null;
  /** Number of the block it was committed in; null if it was not. */
  readonly block: number | null;
}

export interface Sample extends CallOutcome {
  readonly client: number;
  readonly startMs: number;
  readonly ms: number;
}

/** Spent so far, in milliseconds. */
export interface ProcessorTime {
  readonly chaincodeMs: number;
  readonly ledgerMs: number;
}

export interface LoadFigures {
  readonly clients: number;
  readonly seconds: number;
  readonly committed: number;
  readonly failed: number;
  readonly quarantined: number;
  readonly perSecond: number;
  /** Ordering and committing a block costs the same whatever is in it, so a fuller one is cheaper a call. */
  readonly callsPerBlock: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  /** Processor time per committed call, of the chaincode processes together and of the ledger. */
  readonly chaincodeCpuMs: number;
  readonly ledgerCpuMs: number;
  /** Share of all cores that was busy, by whomever, while the load ran. */
  readonly busyShare: number;
  readonly samples: readonly Sample[];
}

export async function closedLoop(o: {
  readonly clients: number;
  readonly seconds: number;
  readonly call: (client: number) => Promise<CallOutcome>;
  readonly cpu: () => ProcessorTime;
  /** Spent in a second without any call; taken off. */
  readonly idle: ProcessorTime;
}): Promise<LoadFigures> {
  const samples: Sample[] = [];
  const busyBefore = cpuTimes();
  const cpuBefore = o.cpu();
  const startMs = performance.now();
  const endMs = startMs + o.seconds * 1000;
  const loop = async (client: number): Promise<void> => {
    while (performance.now() < endMs) {
      const sinceMs = performance.now();
      const outcome = await o.call(client);
      const nowMs = performance.now();
      samples.push({ client, startMs: sinceMs - startMs, ms: nowMs - sinceMs, ...outcome });
    }
  };
  await Promise.all(Array.from({ length: o.clients }, (_, client) => loop(client)));
  const seconds = (performance.now() - startMs) / 1000;
  const busyAfter = cpuTimes();
  const cpuAfter = o.cpu();
  const spent = (of: (time: ProcessorTime) => number): number =>
    of(cpuAfter) - of(cpuBefore) - seconds * of(o.idle);
  const valid = samples.filter(({ code }) => code === 0);
  const sorted = valid.map(({ ms }) => ms).sort((a, b) => a - b);
  const quantile = (q: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
  return {
    clients: o.clients,
    seconds,
    committed: valid.length,
    failed: samples.length - valid.length,
    quarantined: valid.filter(({ disposition }) => disposition === 'quarantined').length,
    perSecond: valid.length / seconds,
    callsPerBlock: valid.length / new Set(valid.map(({ block }) => block)).size,
    p50Ms: quantile(0.5),
    p95Ms: quantile(0.95),
    p99Ms: quantile(0.99),
    chaincodeCpuMs: spent((time) => time.chaincodeMs) / valid.length,
    ledgerCpuMs: spent((time) => time.ledgerMs) / valid.length,
    busyShare: (busyAfter.busy - busyBefore.busy) / (busyAfter.all - busyBefore.all),
    samples,
  };
}

function cpuTimes(): { readonly busy: number; readonly all: number } {
  let busy = 0;
  let all = 0;
  for (const { times } of cpus()) {
    const sum = times.user + times.nice + times.sys + times.irq + times.idle;
    busy += sum - times.idle;
    all += sum;
  }
  return { busy, all };
}

/**
 * From rounds to figures. Arms are interleaved, so each round of an arm is compared with the round of `off` beside it, and the
 * median of these ratios is what is promised: a busy machine slows both.
 */
import type { ArmName } from './arm.js';
import type { LoadFigures } from './closed-loop.js';

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** One arm under one load. */
export interface LoadResult {
  readonly load: string;
  readonly clients: number;
  readonly arm: ArmName;
  readonly rounds: number;
  /** Committed calls a second. */
  readonly perSecond: Spread;
  /** Of what `off` committed in the round beside; null for `off` itself and where it did not run. */
  readonly ofOff: Spread | null;
  /** Processor time a call, chaincodes, peers and orderers together, of that of `off`. */
  readonly processorOfOff: Spread | null;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly quarantineShare: number;
  /** Of all calls: refused by an endorser, or invalid at commit. */
  readonly failedShare: number;
  /** Committed calls of this load in one block. */
  readonly callsPerBlock: number;
  /** Processor time of the chaincode processes a committed call. */
  readonly chaincodeMs: number;
  /** Of peers and orderers, what they spend without any call taken off. */
  readonly ledgerMs: number;
  /** Share of all cores that was busy, by whomever. */
  readonly busyShare: number;
}

export function loadResult(
  o: { readonly load: string; readonly clients: number; readonly arm: ArmName },
  rounds: readonly LoadFigures[],
  off: readonly LoadFigures[] | undefined,
): LoadResult {
  const median = (pick: (one: LoadFigures) => number): number => spreadOf(rounds.map(pick)).median;
  const ofOff = (pick: (one: LoadFigures) => number): Spread | null =>
    off === undefined || o.arm === 'off'
      ? null
      : spreadOf(rounds.map((one, round) => pick(one) / pick(off[round]!)));
  return {
    ...o,
    rounds: rounds.length,
    perSecond: spreadOf(rounds.map((one) => one.perSecond)),
    ofOff: ofOff((one) => one.perSecond),
    processorOfOff: ofOff((one) => one.chaincodeCpuMs + one.ledgerCpuMs),
    p50Ms: median((one) => one.p50Ms),
    p95Ms: median((one) => one.p95Ms),
    p99Ms: median((one) => one.p99Ms),
    quarantineShare: median((one) => one.quarantined / one.committed),
    failedShare: median((one) => one.failed / one.samples.length),
    callsPerBlock: median((one) => one.callsPerBlock),
    chaincodeMs: median((one) => one.chaincodeCpuMs),
    ledgerMs: median((one) => one.ledgerCpuMs),
    busyShare: median((one) => one.busyShare),
  };
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number): number => Math.round((sorted[index] ?? NaN) * 10_000) / 10_000;
  return {
    median: at(Math.floor(sorted.length / 2)),
    min: at(0),
    max: at(sorted.length - 1),
  };
}

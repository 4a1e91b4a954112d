/**
 * What a node is asked to do, from the wire's form to ours.
 * @module
 */
import type { GetWorkResponse, WorkUnit as WireWorkUnit } from './generated/federation.js';
import type { Interval, RoundId } from './identifiers.js';
import { roundIdFromWire } from './wire.js';

/** What a node is asked to train. */
export interface WorkUnit {
  readonly roundId: RoundId;
  /** Canonical bytes of the privacy plan. */
  readonly plan: Uint8Array;
  readonly planHash: string;
  readonly layoutHash: string;
  /** Digest of the base model's int32 parameters; read it with `getObject`. */
  readonly baseModel: string;
  /** Log time, half open. */
  readonly interval: Interval;
  /** Milliseconds from now, to be counted on a monotonic clock. */
  readonly deadlineInMs: number;
  readonly submitNotBeforeInMs: number;
  readonly objectBytesMax: number;
}

export type Work = Readonly<{ pollAfterInMs: number }> &
  (
    | Readonly<{ kind: 'idle'; reason: string; nextSlotInMs: number }>
    | Readonly<{ kind: 'train'; unit: WorkUnit }>
    | Readonly<{ kind: 'upgrade'; level: number }>
    | Readonly<{ kind: 'renew'; expiresAtMs: number }>
  );

export function workFromWire(answer: GetWorkResponse): Work {
  const pollAfterInMs = Number(answer.pollAfterInMs);
  switch (answer.work?.$case) {
    case 'train':
      return { kind: 'train', unit: workUnitFromWire(answer.work.train), pollAfterInMs };
    case 'upgrade':
      return { kind: 'upgrade', level: answer.work.upgrade.level, pollAfterInMs };
    case 'renew':
      return { kind: 'renew', expiresAtMs: Number(answer.work.renew.expiresAtMs), pollAfterInMs };
    case 'idle':
      return {
        kind: 'idle',
        reason: answer.work.idle.reason,
        nextSlotInMs: Number(answer.work.idle.nextSlotInMs),
        pollAfterInMs,
      };
    // A kind of work that this build does not know: do nothing, poll again.
    case undefined:
      return { kind: 'idle', reason: 'unknown', nextSlotInMs: 0, pollAfterInMs };
  }
}

function workUnitFromWire(unit: WireWorkUnit): WorkUnit {
  return {
    roundId: roundIdFromWire(unit.roundId),
    plan: new Uint8Array(unit.plan),
    planHash: unit.planHash,
    layoutHash: unit.layoutHash,
    baseModel: unit.baseModel,
    interval: {
      fromMs: Number(unit.interval?.fromAtMs ?? 0n),
      toMs: Number(unit.interval?.toAtMs ?? 0n),
    },
    deadlineInMs: Number(unit.deadlineInMs),
    submitNotBeforeInMs: Number(unit.submitNotBeforeInMs),
    objectBytesMax: Number(unit.objectBytesMax),
  };
}

/**
 * The window that a guarded call was judged by, out of what its transaction wrote. The page computes with this very file,
 * so it needs nothing but the models.
 * @module
 */
import type { ScoredWindow } from '@bhschain/models/detector';
import {
  decodeCallContext,
  decodeRing,
  PEERLESS_MASK,
  TIMELESS_MASK,
  type Ring,
} from '@bhschain/models/features';

/** The value under `ctx~actor~session` ends with the first 8 bytes of the code hash of the guard that wrote it. */
const CODE_HASH_BYTES = 8;

export interface JudgedWindow {
  readonly ring: Ring;
  /** What the record's `ringDigest` is the hash of. */
  readonly ringBytes: Uint8Array;
  readonly window: ScoredWindow;
}

/**
 * @param stored - the value under `ctx~actor~session`
 * @param args - of the call, without the function's name
 * @throws {FeatureError} if ring or context do not decode
 */
export function judgedWindow(stored: Uint8Array, args: readonly string[]): JudgedWindow {
  const ringBytes = stored.subarray(0, stored.length - CODE_HASH_BYTES);
  const ring = decodeRing(ringBytes);
  return {
    ring,
    ringBytes,
    window: { rows: ring.rows.map((row) => row.columns), mask: maskOf(args) },
  };
}

/** The columns that were left out of the judgement: a coded source has no peers, a coarse clock no times. */
function maskOf(args: readonly string[]): number {
  const context = decodeCallContext(args.at(-1) ?? '');
  return (
    (context.code === null ? 0 : PEERLESS_MASK) |
    (context.timeGranularity === 'exact' ? 0 : TIMELESS_MASK)
  );
}

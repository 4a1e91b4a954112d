/**
 * A business rule said no. That is a successful transaction which writes `den~<txid>` and a ring row with outcome denied:
 * a throw would leave no trace, and probing for a consent or a batch would go unseen.
 * @module
 */
import type { JsonObject } from './canonical-json.js';
import type { GuardContext } from './guard-context.js';
import { denialKey } from './ledger-keys.js';
import { writeObject } from './ledger.js';

export const DENIAL_REASONS = [
  'not-found',
  'wrong-state',
  'wrong-organisation',
  'wrong-role',
  'same-person',
  'policy',
  'consent',
  'relation',
  'second-person',
  'not-yet-valid',
  'expired',
  'too-late',
  'widening',
  'recalled',
  'quantity',
  'duplicate',
  'no-encounter',
  'malformed',
] as const;
export type DenialReason = (typeof DENIAL_REASONS)[number];

/** Returned by a business function in place of its result, before it has written anything. */
export class Denial {
  readonly reason: DenialReason;

  constructor(reason: DenialReason) {
    this.reason = reason;
  }
}

export type BusinessResult = JsonObject | Denial;

export async function writeDenial(
  ctx: GuardContext,
  o: {
    readonly function: string;
    readonly actor: string;
    readonly record: string;
    readonly reason: DenialReason;
    readonly atMs: number;
  },
): Promise<void> {
  await writeObject(ctx, denialKey(ctx.stub.getTxID()), o);
}

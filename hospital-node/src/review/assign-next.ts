/**
 * "Give me the next one": the most urgent hold that nobody works on, claimed in the asker's name. Two who ask at once get two
 * holds, since the ledger lets one of them win.
 * @module
 */
import type { FabricIdentity } from '../fabric/identity.js';
import type { Decisions } from './decisions.js';
import { ReviewError } from './errors.js';
import type { Person } from './people.js';
import type { HoldDetail, ReviewStore } from './review-store.js';

const TRIED_MAX = 10;

/**
 * @returns null if nothing waits
 * @throws {ReviewError} what is not about a single hold: a ledger that does not take it will not take the next one either
 */
export async function assignNext(
  o: Readonly<{
    mspId: string;
    review: Pick<ReviewStore, 'list'>;
    decisions: Decisions;
    now: () => number;
  }>,
  asker: Readonly<{ identity: FabricIdentity; person: Person }>,
): Promise<HoldDetail | null> {
  const waiting = await o.review.list({
    mspId: o.mspId,
    states: ['open', 'escalated'],
    deferred: { only: false, nowMs: o.now() },
    limit: TRIED_MAX,
    after: null,
  });
  for (const { txId, version, actorId } of waiting) {
    if (actorId === asker.person.actor) continue;
    try {
      return await o.decisions.take({
        ...{ txId, expectedVersion: version, command: { step: 'claim' } },
        identity: asker.identity,
      });
    } catch (error) {
      if (!isOfThisHold(error)) throw error;
    }
  }
  return null;
}

/** Somebody else had it, or the contract does not give it to this person. */
function isOfThisHold(error: unknown): boolean {
  if (!(error instanceof ReviewError)) return false;
  if (error.code === 'ERR_HOLD_STALE') return true;
  return error.code === 'ERR_HOLD_REFUSED' && typeof error.facts['ledgerCode'] === 'string';
}

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
/** Somebody else had it, or it is no longer to be had. */
const NEXT_ONE: readonly string[] = ['ERR_HOLD_STALE', 'ERR_HOLD_REFUSED'];

/** @returns null if nothing waits */
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
      if (!(error instanceof ReviewError) || !NEXT_ONE.includes(error.code)) throw error;
    }
  }
  return null;
}

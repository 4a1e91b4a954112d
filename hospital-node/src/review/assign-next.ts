/**
 * "Give me the next one": the most urgent hold that nobody works on, claimed in the asker's name. Two who ask at once get two
 * holds, since the ledger lets one of them win.
 * @module
 */
import type { FabricIdentity } from '../fabric/identity.js';
import type { Decisions } from './decisions.js';
import { ReviewError } from './errors.js';
import type { HoldQuery } from './hold-query.js';
import type { Person } from './people.js';
import type { HoldDetail, HoldSummary, ReviewStore } from './review-store.js';

const PAGE = 10;
/** How many claims the ledger may turn down before the asker hears of it: each is a transaction. */
const TRIED_MAX = 10;

/**
 * @returns null if nothing waits that the asker may review
 * @throws {ReviewError} what is not about a single hold: a ledger that does not take it will not take the next one either;
 *   and the last refusal, once ten holds were refused
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
  let tried = 0;
  for await (const { txId, version, actorId } of waiting(o)) {
    if (actorId === asker.person.actor) continue;
    try {
      return await o.decisions.take({
        ...{ txId, expectedVersion: version, command: { step: 'claim' } },
        identity: asker.identity,
      });
    } catch (error) {
      tried += 1;
      if (!isOfThisHold(error) || tried === TRIED_MAX) throw error;
    }
  }
  return null;
}

/** Every hold that nobody works on, the most urgent first. */
async function* waiting(
  o: Readonly<{ mspId: string; review: Pick<ReviewStore, 'list'>; now: () => number }>,
): AsyncGenerator<HoldSummary> {
  let after: HoldQuery['after'] = null;
  for (;;) {
    const page = await o.review.list({
      mspId: o.mspId,
      states: ['open', 'escalated'],
      deferred: { only: false, nowMs: o.now() },
      limit: PAGE,
      after,
    });
    yield* page;
    const last = page.at(-1);
    if (page.length < PAGE || last === undefined) return;
    after = { deadlineMs: last.deadlineMs, number: last.number };
  }
}

/** Somebody else had it, or the contract does not give it to this person. */
function isOfThisHold(error: unknown): boolean {
  if (!(error instanceof ReviewError)) return false;
  if (error.code === 'ERR_HOLD_STALE') return true;
  return error.code === 'ERR_HOLD_REFUSED' && typeof error.facts['ledgerCode'] === 'string';
}

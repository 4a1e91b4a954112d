/** Which refusals send the asker to the next hold, and which are not about the hold at all. */
import { describe, expect, it } from 'vitest';
import { assignNext } from '../src/review/assign-next.js';
import { ReviewError } from '../src/review/errors.js';
import type { HoldQuery } from '../src/review/hold-query.js';
import type { HoldDetail } from '../src/review/review-store.js';

/**
 * What `claim` does, hold by hold; `own` calls are the asker's.
 * @param waiting - the most urgent first, pages of it as the store gives them
 */
function ask(
  waiting: readonly string[],
  refusals: Readonly<Record<string, Error>> = {},
): Promise<HoldDetail | null> {
  const holds = waiting.map((txId, number) => ({
    ...{ txId, number, version: 1, deadlineMs: 0 },
    actorId: txId.startsWith('own') ? 'ana' : 'somebody',
  }));
  return assignNext(
    {
      ...{ mspId: 'H1MSP', now: () => 0 },
      review: {
        list: ({ after, limit }: HoldQuery) => {
          const from = after === null ? 0 : after.number + 1;
          return Promise.resolve(holds.slice(from, from + limit) as never);
        },
      },
      decisions: {
        take: ({ txId }: { readonly txId: string }) =>
          refusals[txId] === undefined
            ? Promise.resolve({ txId } as HoldDetail)
            : Promise.reject(refusals[txId]),
      } as never,
    },
    { identity: {} as never, person: { actor: 'ana' } as never },
  );
}

const named = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i}`);

const stale = new ReviewError('ERR_HOLD_STALE', 'Somebody was faster.');
const state = new ReviewError('ERR_HOLD_REFUSED', 'The ledger refused: it is claimed.', {
  ledgerCode: 'ERR_REVIEW_STATE',
});
const gateway = new ReviewError('ERR_HOLD_REFUSED', 'The ledger’s gateway refused: no endorsers.');
const away = new ReviewError('ERR_LEDGER_AWAY', 'The ledger does not answer.');

describe('the next hold', () => {
  const waiting = ['first', 'own', 'second'];

  it.each([
    ['somebody was faster', stale],
    ['the contract refuses it', state],
  ])('is the one after it if %s, and never one’s own call', async (_, refusal) => {
    expect(await ask(waiting)).toMatchObject({ txId: 'first' });
    expect(await ask(waiting, { first: refusal })).toMatchObject({ txId: 'second' });
    expect(await ask(waiting, { first: refusal, second: refusal })).toBeNull();
  });

  it.each([
    ['the gateway refuses', gateway],
    ['the ledger is away', away],
    ['something else breaks', new Error('disk')],
  ])('is not said to be missing if %s', async (_, failure) => {
    await expect(ask(waiting, { first: failure })).rejects.toBe(failure);
  });

  it('is found behind any number of one’s own calls', async () => {
    expect(await ask([...named('own', 40), 'last'])).toMatchObject({ txId: 'last' });
    expect(await ask(named('own', 40))).toBeNull();
  });

  it('is not said to be missing after ten refusals: the tenth is told', async () => {
    const taken = named('taken', 10);
    const refusals = Object.fromEntries(taken.map((txId) => [txId, stale]));
    expect(await ask([...taken.slice(1), 'last'], refusals)).toMatchObject({ txId: 'last' });
    await expect(ask([...taken, 'last'], refusals)).rejects.toBe(stale);
  });
});

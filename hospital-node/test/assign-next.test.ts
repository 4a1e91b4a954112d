/** Which refusals send the asker to the next hold, and which are not about the hold at all. */
import { describe, expect, it } from 'vitest';
import { assignNext } from '../src/review/assign-next.js';
import { ReviewError } from '../src/review/errors.js';
import type { HoldDetail } from '../src/review/review-store.js';

const WAITING = ['first', 'own', 'second'].map((txId) => ({
  ...{ txId, version: 1, number: 1 },
  actorId: txId === 'own' ? 'ana' : 'somebody',
}));

/** What `claim` does, hold by hold. */
function ask(refusals: Readonly<Record<string, Error>>): Promise<HoldDetail | null> {
  return assignNext(
    {
      ...{ mspId: 'H1MSP', now: () => 0 },
      review: { list: () => Promise.resolve(WAITING as never) },
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

const stale = new ReviewError('ERR_HOLD_STALE', 'Somebody was faster.');
const state = new ReviewError('ERR_HOLD_REFUSED', 'The ledger refused: it is claimed.', {
  ledgerCode: 'ERR_REVIEW_STATE',
});
const gateway = new ReviewError('ERR_HOLD_REFUSED', 'The ledger’s gateway refused: no endorsers.');
const away = new ReviewError('ERR_LEDGER_AWAY', 'The ledger does not answer.');

describe('the next hold', () => {
  it.each([
    ['somebody was faster', stale],
    ['the contract refuses it', state],
  ])('is the one after it if %s, and never one’s own call', async (_, refusal) => {
    expect(await ask({})).toMatchObject({ txId: 'first' });
    expect(await ask({ first: refusal })).toMatchObject({ txId: 'second' });
    expect(await ask({ first: refusal, second: refusal })).toBeNull();
  });

  it.each([
    ['the gateway refuses', gateway],
    ['the ledger is away', away],
    ['something else breaks', new Error('disk')],
  ])('is not said to be missing if %s', async (_, failure) => {
    await expect(ask({ first: failure })).rejects.toBe(failure);
  });
});

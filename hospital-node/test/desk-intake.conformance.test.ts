/**
 * What the desk takes from blocks: the calls of this hospital with their scores, and new holds that meet a suppression.
 */
import { PUBLIC_CANARIES } from '@bhschain/models/detector';
import fc from 'fast-check';
import { sql } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';
import { applyBlock } from '../src/fabric/block-checkpoint.js';
import { thresholdAt } from '../src/review/alert-budget.js';
import { createCallIntake, KEPT_CALLS_MS } from '../src/review/call-intake.js';
import { openReviewStore, type ReviewStore } from '../src/review/review-store.js';
import { onEachEngine } from './engines.js';
import {
  approveSuppression,
  createSuppressionIntake,
  proposeSuppression,
  suppressionsOf,
} from '../src/review/suppressions.js';
import { detectorTransaction, ringBytesOf, scorerOfDetectorZero } from './evidence-fixture.js';
import {
  chainOf,
  hashOf,
  holdTransaction,
  NOW,
  recordOf,
  transactionOf,
  write,
} from './review-fixture.js';

onEachEngine((engine) => {
  const ACTOR = 'a'.repeat(32);
  const scorer = scorerOfDetectorZero();
  const windows = PUBLIC_CANARIES.windows.filter(({ mask }) => mask === 0).slice(0, 12);

  let review: ReviewStore;

  beforeAll(async () => {
    review = openReviewStore(await engine.database());
    const proposal = {
      ...{ mspId: 'H1MSP', owner: 'sam', nowMs: NOW, days: 7 },
      rule: { actor: ACTOR, topReason: 'distinct records', scoreBelow: 950_000 },
      reason: 'The ward moves this week.',
    };
    const { id } = await proposeSuppression(review.database, proposal);
    await approveSuppression(review.database, {
      ...{ mspId: 'H1MSP', id, by: 'oda', reason: 'Asked the ward myself.', nowMs: NOW },
    });
    // Nobody approves this one, so it takes nothing.
    await proposeSuppression(review.database, { ...proposal, rule: { actor: ACTOR } });
    const ran = (name: string, o: object = {}): ReturnType<typeof transactionOf> =>
      transactionOf({
        txId: hashOf(name),
        args: ['0123456789abcdef', hashOf('set'), ''],
        writes: [
          write(
            ['ctx', ACTOR, '0123456789abcdef'],
            Buffer.concat([ringBytesOf(windows[0]!), Buffer.alloc(8, 7)]),
          ),
        ],
        ...o,
      });
    const report = (name: string, actor: string): ReturnType<typeof transactionOf> =>
      transactionOf({
        txId: hashOf(`report ${name}`),
        function: 'QuarantineContract:report',
        args: [hashOf(name), actor, 'RecordAccessContract:export', hashOf('reason')],
        writes: [
          write(
            ['rev', hashOf(name)],
            recordOf({ txId: hashOf(name), actor, cause: 'second-line' }),
          ),
        ],
      });
    const blocks = chainOf([
      [detectorTransaction(), ran('very old', { timestampMs: NOW - KEPT_CALLS_MS - 1 })],
      windows.map((window, i) =>
        ran(`call ${i}`, {
          timestampMs: NOW - 3_600_000 * (i + 1),
          writes: [
            write(
              ['ctx', ACTOR, '0123456789abcdef'],
              Buffer.concat([ringBytesOf(window), Buffer.alloc(8, 7)]),
            ),
          ],
        }),
      ),
      [
        ran('invalid', { code: 11 }),
        ran('foreign', { creator: { mspId: 'H2MSP', certificatePem: '', actor: ACTOR } }),
        ran('garbled', { writes: [write(['ctx', ACTOR, 'x'], Uint8Array.of(1, 2, 3))] }),
        transactionOf({ txId: hashOf('no ring') }),
      ],
      [
        holdTransaction(recordOf({ txId: hashOf('alike'), filedMs: NOW + 1 })),
        holdTransaction(recordOf({ txId: hashOf('too strange'), score: 960_000 })),
        holdTransaction(recordOf({ txId: hashOf('somebody else'), actor: 'b'.repeat(32) })),
        holdTransaction(recordOf({ txId: hashOf('too late'), filedMs: NOW + 8 * 86_400_000 })),
      ],
      [
        report('of somebody who calls', ACTOR),
        report('of somebody unseen', 'c'.repeat(32)),
        report('call 3', ACTOR),
      ],
    ]);
    for (const [number, block] of blocks.entries()) {
      if (number === 4) {
        await sql`UPDATE guarded_call SET role = 'nurse', ward = 'ward-4B'`.execute(
          review.database,
        );
      }
      await applyBlock(review.database, {
        ...{ channel: 'consortium', block, atMs: NOW },
        consumers: [
          review.consumer,
          createSuppressionIntake({ mspId: 'H1MSP' }),
          createCallIntake({ mspId: 'H1MSP' }),
        ],
      });
    }
  });

  interface CallRow {
    readonly place: number;
    readonly score: number | null;
    readonly alpha_ppm: number | null;
  }
  const calls = async (): Promise<readonly CallRow[]> => {
    const statement = sql<CallRow>`SELECT place, score, alpha_ppm FROM guarded_call ORDER BY place`;
    return (await statement.execute(review.database)).rows.map((row) => ({ ...row }));
  };

  describe('a call that ran', () => {
    it('is kept with the score that the detector in force gave it', async () => {
      const inBlockOne = (await calls()).filter(({ place }) => Math.floor(place / 1_000_000) === 1);
      expect(inBlockOne.map(({ score }) => score)).toEqual(
        windows.map((window) => scorer.score(window).scoreMillionths),
      );
      expect(inBlockOne.every(({ alpha_ppm: alpha }) => alpha === scorer.table.alphaPpm)).toBe(
        true,
      );
    });

    it('is not kept if it was invalid, another hospital’s, or none, and stays without a score if its ring is garbled', async () => {
      const inBlockTwo = (await calls()).filter(({ place }) => Math.floor(place / 1_000_000) === 2);
      expect(inBlockTwo).toEqual([{ place: 2_000_002, score: null, alpha_ppm: null }]);
    });

    it('is forgotten after thirty days', async () => {
      expect((await calls()).some(({ place }) => place < 1_000_000)).toBe(false);
    });
  });

  describe('a call that the second line reports', () => {
    const holdOf = async (name: string): Promise<object> => {
      const statement = sql<{ kind: string; role: string; ward: string; arguments: string }>`
        SELECT kind, role, ward, arguments FROM hold WHERE tx_id = ${hashOf(name)}`;
      return { ...(await statement.execute(review.database)).rows[0]! };
    };

    it('is shown as its caller’s, not as the reporting node’s, and without the report’s arguments', async () => {
      expect(await holdOf('of somebody who calls')).toEqual({
        ...{ kind: 'review', role: 'nurse', ward: 'ward-4B', arguments: '[]' },
      });
      expect(await holdOf('of somebody unseen')).toEqual({
        ...{ kind: 'review', role: 'unknown', ward: '', arguments: '[]' },
      });
    });

    it('stands at its own time and place, so that its label and its peers are of the call, not of the report', async () => {
      const callMs = NOW - 4 * 3_600_000;
      const { atMs, filedMs } = await review.summary(hashOf('call 3'));
      expect([atMs, filedMs]).toEqual([callMs, NOW]);
      expect(await review.windowStateOf(ACTOR, callMs, callMs + 1)).toBe('pending');
      expect(await review.placeOfCall(hashOf('call 3'))).toBe(1_000_003);
      expect(await review.placeOfCall(hashOf('of somebody who calls'))).toBe(4_000_000);
    });
  });

  describe('a suppression in force', () => {
    it('takes a new hold that fits in every part, and no other', async () => {
      const waiting = async (name: string, nowMs = NOW + 1): Promise<number> =>
        (await suppressionsOf(review.database, hashOf(name), nowMs)).length;
      expect(await waiting('alike')).toBe(1);
      expect(await waiting('too strange')).toBe(0);
      expect(await waiting('somebody else')).toBe(0);
      expect(await waiting('too late')).toBe(0);
      expect(await waiting('alike', NOW + 7 * 86_400_000)).toBe(0);
    });
  });

  describe('the threshold of another alert budget', () => {
    it('rises as the budget shrinks, meets θ at the budget in force, and a score passes it as its p-value does', () => {
      const alpha = fc.integer({ min: 100, max: 500_000 });
      fc.assert(
        fc.property(alpha, alpha, alpha, (judgedAtPpm, one, other) => {
          const theta = 870_000;
          const at = (ppm: number): number => thresholdAt(ppm, { judgedAtPpm, theta });
          expect(at(judgedAtPpm)).toBe(theta);
          if (one < other) expect(at(one)).toBeGreaterThanOrEqual(at(other));
          const gamma = Math.log(0.13) / Math.log(judgedAtPpm / 1e6);
          const score = Math.round(1e6 * (1 - (other / 1e6) ** gamma));
          if (other <= one) expect(score).toBeGreaterThanOrEqual(at(one));
        }),
      );
    });
  });
});

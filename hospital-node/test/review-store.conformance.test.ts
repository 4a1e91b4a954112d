import fc from 'fast-check';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { applyBlock } from '../src/fabric/block-checkpoint.js';
import { openReviewStore, type ReviewStore } from '../src/review/review-store.js';
import { onEachEngine } from './engines.js';
import {
  advanced,
  chainOf,
  hashOf,
  holdTransaction,
  NOW,
  recordOf,
  transactionOf,
  write,
} from './review-fixture.js';

onEachEngine((engine) => {
  const ANA = '1'.repeat(32);
  const BEN = '2'.repeat(32);

  async function storeWith(blocks: Parameters<typeof chainOf>[0]): Promise<ReviewStore> {
    const store = openReviewStore(await engine.database());
    for (const block of chainOf(blocks)) {
      await applyBlock(store.database, {
        channel: 'consortium',
        block,
        consumers: [store.consumer],
        atMs: NOW,
      });
    }
    return store;
  }

  const filed = recordOf({ txId: hashOf('tx 1') });
  const claimed = advanced(filed, { step: 'claim', by: ANA, to: 'claimed', holder: ANA });
  const proposal = {
    by: ANA,
    action: 'release',
    finding: 'benign-expected',
    reasonDigest: hashOf('why'),
  } as const;
  const proposed = advanced(claimed, { step: 'propose', by: ANA, to: 'proposed', proposal });
  const released = advanced(proposed, { step: 'approve', by: BEN, to: 'released', holder: null });

  function stepOf(record: typeof filed, name: string): ReturnType<typeof transactionOf> {
    return transactionOf({
      txId: hashOf(`${name} ${record.version}`),
      function: `QuarantineContract:${name}`,
      writes: [write(['q', record.txId], record)],
    });
  }

  describe('the review store', () => {
    it('files a hold from its block and keeps where it stands', async () => {
      const store = await storeWith([[], [holdTransaction(filed)]]);
      const detail = await store.detail(filed.txId);
      expect(detail).toMatchObject({
        id: 'H-1',
        state: 'open',
        version: 1,
        scoreMillionths: 940_000,
        function: 'export',
        topReason: 'distinct records',
        actor: 'P-aaaaaa',
      });
      expect(detail.proof).toMatchObject({
        block: '1',
        blockHash: hashOf('block 1'),
        endorsers: ['H1MSP', 'H2MSP'],
      });
    });

    it('follows the steps of a review, one history line per transaction', async () => {
      const store = await storeWith([
        [holdTransaction(filed)],
        [stepOf(claimed, 'claim'), stepOf(proposed, 'propose')],
        [stepOf(released, 'approve')],
      ]);
      const detail = await store.detail(filed.txId);
      expect(detail).toMatchObject({ state: 'released', version: 4, action: 'release' });
      expect(detail.history.map(({ step, to, block }) => [step, to, block])).toEqual([
        ['file', 'open', '0'],
        ['claim', 'claimed', '1'],
        ['propose', 'proposed', '1'],
        ['approve', 'released', '2'],
      ]);
      expect(detail.history[3]).toMatchObject({ by: { actorId: BEN }, txId: hashOf('approve 4') });
    });

    it('ignores what an invalid transaction would have written', async () => {
      const store = await storeWith([
        [holdTransaction(filed)],
        [{ ...stepOf(claimed, 'claim'), code: 11 }],
      ]);
      expect(await store.summary(filed.txId)).toMatchObject({ state: 'open', version: 1 });
    });

    it('knows that a grant was given and by which transaction it was used', async () => {
      const grant = ['grant', filed.actor, filed.txId];
      const given = {
        quarantine: filed.txId,
        digest: filed.digest,
        expires: NOW + 1,
        approvers: [ANA, BEN],
      };
      const blocks = [
        [holdTransaction(filed)],
        [transactionOf({ txId: hashOf('approve'), writes: [write(grant, given)] })],
      ];
      const before = await storeWith(blocks);
      expect((await before.detail(filed.txId)).grant).toEqual({ expiresMs: NOW + 1, usedBy: null });
      const after = await storeWith([
        ...blocks,
        [transactionOf({ txId: hashOf('again'), writes: [write(grant, null)] })],
      ]);
      expect((await after.detail(filed.txId)).grant).toEqual({
        expiresMs: NOW + 1,
        usedBy: hashOf('again'),
      });
      expect((await after.counts('H1MSP')).grantsUsed).toBe(1);
    });

    it('keeps a blob only if it hashes to its name, and says why a hold cannot be explained', async () => {
      const store = await storeWith([
        [
          transactionOf({
            txId: hashOf('propose'),
            writes: [write(['det', 'blob', hashOf('model')], Buffer.from('another'))],
          }),
        ],
        [holdTransaction(filed)],
      ]);
      const { rows } = await sql`SELECT hash FROM detector_blob`.execute(store.database);
      expect(rows).toEqual([]);
      expect(await store.detail(filed.txId)).toMatchObject({
        evidence: null,
        evidenceMissing: expect.stringContaining('no sequence of calls') as string,
      });
    });

    it('orders the queue by deadline and pages through it without loss or repetition', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 25 }),
          fc.integer({ min: 1, max: 7 }),
          async (deadlines, limit) => {
            const records = deadlines.map((hours, i) =>
              recordOf({ txId: hashOf(`hold ${i}`), deadlineMs: NOW + hours }),
            );
            const store = await storeWith([records.map((record) => holdTransaction(record))]);
            const seen: string[] = [];
            let after: { deadlineMs: number; number: number } | null = null;
            for (;;) {
              const page = await store.list({ mspId: 'H1MSP', states: ['open'], limit, after });
              seen.push(...page.map((hold) => hold.txId));
              const last = page.at(-1);
              if (last === undefined) break;
              after = last;
            }
            expect(seen).toHaveLength(records.length);
            const expected = records
              .map((record, number) => ({ record, number }))
              .sort((a, b) => a.record.deadlineMs - b.record.deadlineMs || a.number - b.number);
            expect(seen).toEqual(expected.map(({ record }) => record.txId));
          },
        ),
        { numRuns: 12 },
      );
    });

    it('leaves other hospitals out of the queue', async () => {
      const foreign = recordOf({ txId: hashOf('foreign'), mspId: 'H2MSP' });
      const store = await storeWith([[holdTransaction(filed), holdTransaction(foreign)]]);
      const page = await store.list({ mspId: 'H1MSP', states: ['open'], limit: 9, after: null });
      expect(page.map((hold) => hold.txId)).toEqual([filed.txId]);
      expect((await store.counts('H1MSP')).byState).toEqual({ open: 1 });
    });

    it('shows an actor’s other holds beside one of them, and nobody else’s', async () => {
      const names = ['first', 'second', 'third'];
      const own = names.map((name, i) => recordOf({ txId: hashOf(name), atMs: NOW + i }));
      const other = recordOf({ txId: hashOf('other'), actor: 'b'.repeat(32) });
      const store = await storeWith([[...own, other].map((record) => holdTransaction(record))]);
      const related = (await store.detail(hashOf('second'))).sameActor;
      expect(related.map(({ id, txId, function: name }) => [id, txId, name])).toEqual([
        ['H-3', hashOf('third'), 'export'],
        ['H-1', hashOf('first'), 'export'],
      ]);
    });

    it('keeps a reason in the hospital and does not put its bare hash on the ledger', async () => {
      const store = await storeWith([]);
      const digest = await store.keepReason('she is on call this week');
      expect(digest).toMatch(/^[0-9a-f]{64}$/);
      expect(digest).not.toBe(hashOf('she is on call this week'));
      const record = advanced(claimed, {
        step: 'propose',
        by: ANA,
        to: 'proposed',
        proposal: { ...proposal, reasonDigest: digest },
      });
      for (const block of chainOf([[holdTransaction(record)]])) {
        await applyBlock(store.database, {
          channel: 'consortium',
          block,
          consumers: [store.consumer],
          atMs: NOW,
        });
      }
      expect((await store.detail(record.txId)).reason).toBe('she is on call this week');
    });
  });

  describe('labels of the window store', () => {
    const cases = [
      ['open', null, 'pending'],
      ['released', 'benign-expected', 'released'],
      ['released', 'false-positive-model', 'released'],
      ['rejected', 'attack', 'confirmed'],
      ['rejected', 'policy-breach', 'confirmed'],
      ['rejected', 'undetermined', 'pending'],
      ['rejected', 'accident', 'released'],
      ['released', 'undetermined', 'pending'],
    ] as const;
    it.each(cases)('%s with finding %s is %s', async (state, finding, expected) => {
      const record = recordOf({
        txId: hashOf('hold'),
        state,
        proposal:
          finding === null
            ? null
            : {
                by: ANA,
                finding,
                action: state === 'released' ? 'release' : 'reject',
                reasonDigest: hashOf('r'),
              },
      });
      const store = await storeWith([[holdTransaction(record)]]);
      const { actor, atMs } = record;
      expect(await store.windowStateOf(actor, atMs, atMs + 1)).toBe(expected);
      expect(await store.windowStateOf(actor, atMs + 1, atMs + 2)).toBe('clear');
      expect(await store.windowStateOf(actor, atMs - 1, atMs)).toBe('clear');
      expect(await store.windowStateOf('b'.repeat(32), atMs, atMs + 1)).toBe('clear');
    });

    it('takes the strictest state of a stretch, and asks by the window store’s own names', async () => {
      const decided = (name: string, finding: 'attack' | 'accident'): ReturnType<typeof recordOf> =>
        recordOf({
          txId: hashOf(name),
          state: 'rejected',
          proposal: { by: ANA, finding, action: 'reject', reasonDigest: hashOf('r') },
        });
      const store = await storeWith([
        [
          holdTransaction(decided('one', 'accident')),
          holdTransaction(recordOf({ txId: hashOf('two') })),
          holdTransaction(decided('three', 'attack')),
        ],
      ]);
      const labels = store.windowLabels({
        ledgerActorOf: (handle) => (handle === 'h1' ? 'a'.repeat(32) : null),
      });
      expect(await labels.windowStateOf('h1', NOW - 5_000, NOW)).toBe('confirmed');
      expect(await labels.windowStateOf('h2', NOW - 5_000, NOW)).toBe('clear');
    });
  });
});

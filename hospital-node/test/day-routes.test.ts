/** The listed days over HTTP: what a reader gets, what a decision does, and what is refused. */
import { join } from 'node:path';
import type { AuditRecord } from '../src/audit/audit-log.js';
import fastify, { type FastifyInstance } from 'fastify';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ListedDayDetailAnswer, ListedDaysAnswer } from '../src/http/answers.js';
import type { Desk } from '../src/review/desk.js';
import { ReviewError } from '../src/review/errors.js';
import { registerDayRoutes } from '../src/second-line/day-routes.js';
import { storeLook, type RankedDay } from '../src/second-line/ranking-store.js';
import { openNodeDatabase, type NodeDatabase } from '../src/store/index.js';
import { temporaryFolder } from './temporary-folder.js';

const DAY = 20_521;
const DAY_MS = 86_400_000;
const CALL = 'a'.repeat(64);
const HELD = 'b'.repeat(64);
/** Reported before; the day does not say so. */
const REPORTED = '9'.repeat(64);
const LEDGER_ACTOR = 'c'.repeat(32);
const REASON = 'Looks like a copy of a ward.';

const finding = {
  ...{ member: 'records', count: 476, act: null, oneIn: 773 },
  own: { mean: 0, days: 3 },
  peers: { mean: 0.25, days: 586 },
};
const ranked = (places: number): RankedDay => ({
  ...{ day: DAY, isOver: false, cases: 237, calibrationDays: 4, calibrationCases: 784 },
  ...{ alpha: 0.0255, kept: places, missing: ['devices'] },
  ranking: Array.from({ length: places }, (_, i) => ({
    ...{ actor: `handle-${i}`, place: i + 1, evidence: 900 - i, asStrange: i, kept: true },
    ...{ role: 'nurse', findings: [finding] },
  })),
});

let database: NodeDatabase;
let app: FastifyInstance;
const audited: Pick<AuditRecord, 'kind' | 'by' | 'body'>[] = [];
const submitted: string[][] = [];
let changes = 0;

async function get<T>(url: string): Promise<T> {
  return (await app.inject({ url: `/api/v1${url}` })).json();
}

/** A call of the account, as the block stream leaves it. */
async function commitCall(
  o: Readonly<{ block: number; position: number; txId: string; atMs: number; held?: number }>,
): Promise<void> {
  const { block, position, txId, atMs, held = 0 } = o;
  await sql`INSERT INTO ledger_transaction
      (block, position, tx_id, code, function, msp_id, actor, timestamp_ms)
    VALUES (${block}, ${position}, ${txId}, 0, 'RecordAccessContract:export', 'H1MSP', ${LEDGER_ACTOR}, 1)`.execute(
    database,
  );
  await sql`INSERT INTO guarded_call
      (place, actor, role, ward, function, at_ms, filed_ms, score, alpha_ppm, held)
    VALUES (${block * 1_000_000 + position}, ${LEDGER_ACTOR}, 'nurse', 'w', 'export',
      ${atMs}, 1, ${600_000 + held}, 32000, ${held})`.execute(database);
}

function txOf(index: number): string {
  return index.toString(16).padStart(64, '0');
}

async function decide(id: number, payload: object): Promise<{ status: number; body: string }> {
  const answer = await app.inject({
    ...{ method: 'POST', url: `/api/v1/days/${id}/dispositions`, payload },
  });
  return { status: answer.statusCode, body: answer.body };
}

beforeAll(async () => {
  database = await openNodeDatabase({ file: join(temporaryFolder(), 'node.sqlite') });
  await sql`INSERT INTO day_reading (id, through_ms, state) VALUES (0, ${DAY * DAY_MS}, '{}')`.execute(
    database,
  );
  await storeLook(database, {
    ...{ throughMs: DAY * DAY_MS, judged: [], ranked: [ranked(60)], forgetBefore: 0 },
  });
  for (const [position, txId] of [CALL, HELD, REPORTED].entries()) {
    const held = txId === HELD ? 1 : 0;
    await commitCall({ block: 7, position, txId, atMs: DAY * DAY_MS + position, held });
  }
  for (const [number, txId] of [HELD, REPORTED].entries()) {
    await sql`INSERT INTO hold (tx_id, kind, number, msp_id, actor, role, ward, function, arguments, cause, state,
        version, deadline_ms, at_ms, filed_ms, record, block, position, block_hash, endorsers)
      VALUES (${txId}, ${txId === HELD ? 'quarantine' : 'review'}, ${12 + number}, 'H1MSP', ${LEDGER_ACTOR},
        'nurse', 'w', 'export', '[]', ${txId === HELD ? 'score' : 'second-line'}, 'open',
        1, 1, 1, 1, '{}', 7, 1, '', '[]')`.execute(database);
  }
  await sql`INSERT INTO hold_step (hold, version, tx_id, block, step, by_actor, msp_id, at_ms, to_state)
    VALUES (${REPORTED}, 1, ${'f'.repeat(64)}, 8, 'report', 'n', 'H1MSP', 1, 'open')`.execute(
    database,
  );
  app = fastify({ ajv: { customOptions: { removeAdditional: false, coerceTypes: false } } });
  app.setErrorHandler((error, _request, reply) =>
    reply
      .code(error instanceof ReviewError ? 409 : 400)
      .send({ code: (error as ReviewError).code, detail: (error as Error).message }),
  );
  const desk = {
    ...{ mspId: 'H1MSP', theta: 870_000, now: () => 5 },
    audit: { append: (entry: (typeof audited)[number]) => audited.push(entry) },
    sessionOf: () => ({ person: { name: 'ana' } }),
    review: { keepReason: (text: string) => Promise.resolve(`digest of ${text}`) },
  } as unknown as Desk;
  registerDayRoutes(app, {
    ...desk,
    secondLine: {
      ...{ database, daysPerDay: 5, version: () => changes },
      fabric: {
        transaction: (txId) =>
          Promise.resolve({
            ...{ txId, code: 0, function: 'RecordAccessContract:export' },
            creator: { mspId: 'H1MSP', actor: LEDGER_ACTOR, certificatePem: '' },
          } as never),
        submit: (name, args) => {
          submitted.push([name, ...args.map(String)]);
          return Promise.resolve({ txId: 'd'.repeat(64) } as never);
        },
      },
      ledgerActorOf: (handle) => (handle === 'handle-0' ? LEDGER_ACTOR : null),
      changed: () => {
        changes++;
        return Promise.resolve();
      },
    },
  });
  await app.ready();
});
afterAll(async () => {
  await app.close();
  await database.destroy();
});

describe('the list', () => {
  it('has the strangest first, in pages, with the budget and what was not looked at', async () => {
    const first = await get<ListedDaysAnswer>('/days');
    expect(first.items).toHaveLength(50);
    expect(first.items[0]).toMatchObject({
      ...{ date: '2026-03-09', actor: 'P-cccccc', place: 1, accounts: 237, evidence: 900 },
      ...{ isOnLedger: true, isOver: false, isKept: true, dispositions: [] },
    });
    expect(first.items[0]!.reasons).toEqual([
      '476 records beyond one a call, in searches, reports and exports; usual for this account 0 a day (3 days), ' +
        'for the role 0.25 (586 days) – one in 773 of the days before was as strange in this.',
    ]);
    expect(first.items[1]).toMatchObject({ actor: 'L-handle', isOnLedger: false });
    expect(first).toMatchObject({
      ...{ waiting: 60, daysPerDay: 5 },
      newest: { date: '2026-03-09', listed: 60, alphaPpm: 25_500, missing: ['devices'] },
    });
    const second = await get<ListedDaysAnswer>(`/days?after=${first.next ?? ''}`);
    expect(second.items.map(({ place }) => place)).toEqual([
      51, 52, 53, 54, 55, 56, 57, 58, 59, 60,
    ]);
    expect(second.next).toBeNull();
  });

  it('one day has its figures, its calls and its holds', async () => {
    const { items } = await get<ListedDaysAnswer>('/days');
    const day = await get<ListedDayDetailAnswer>(`/days/${items[0]!.id}`);
    expect(day.findings).toEqual([finding]);
    expect(day.calls).toMatchObject([
      { txId: CALL, held: false, hold: null, scoreMillionths: 600_000 },
      { txId: HELD, held: true, hold: 'H-12', state: 'open' },
      { txId: REPORTED, held: false, hold: 'H-13', state: 'open' },
    ]);
    expect(day.callsInAll).toBe(3);
  });
});

describe('a decision', () => {
  it('nothing: leaves the list of those that wait, with its reason, and is recorded', async () => {
    const { items } = await get<ListedDaysAnswer>('/days');
    const { id } = items[5]!;
    expect((await decide(id, { kind: 'nothing', reason: REASON })).status).toBe(201);
    const waiting = await get<ListedDaysAnswer>('/days');
    expect(waiting.waiting).toBe(59);
    expect(waiting.items.map((each) => each.id)).not.toContain(id);
    const looked = await get<ListedDaysAnswer>('/days?show=looked-at');
    expect(looked.items).toMatchObject([{ id, dispositions: [{ by: 'ana', reason: REASON }] }]);
    expect(audited.at(-1)).toMatchObject({ kind: 'day-looked-at', by: 'ana' });
    expect(changes).toBe(1);
  });

  it('a review: reports the call on the ledger under a digest of the reason', async () => {
    const { items } = await get<ListedDaysAnswer>('/days');
    const { status, body } = await decide(items[0]!.id, {
      ...{ kind: 'review', reason: REASON, txId: CALL },
    });
    expect([status, body]).toEqual([201, expect.stringContaining('d'.repeat(64))]);
    expect(submitted).toEqual([
      [
        'QuarantineContract:report',
        ...[CALL, LEDGER_ACTOR, 'RecordAccessContract:export', `digest of ${REASON}`],
      ],
    ]);
    expect(audited.at(-1)).toMatchObject({ kind: 'call-reported', body: { txId: CALL } });
  });

  it('a review of a call that is in review already: names it, and reports nothing', async () => {
    const { items } = await get<ListedDaysAnswer>('/days?show=looked-at');
    const before = submitted.length;
    const { status, body } = await decide(items[0]!.id, {
      ...{ kind: 'review', reason: REASON, txId: REPORTED },
    });
    expect([status, body]).toEqual([201, expect.stringContaining('f'.repeat(64))]);
    expect(submitted).toHaveLength(before);
    expect(audited.at(-1)).toMatchObject({ kind: 'day-looked-at', body: { txId: REPORTED } });
  });

  it.each([
    ['of a call that is held already', { kind: 'review', txId: HELD }, 'this one is held as H-12'],
    ['of a call that the day names', { kind: 'review', txId: REPORTED }, 'does not name yet'],
    ['of somebody else’s call', { kind: 'review', txId: 'e'.repeat(64) }, 'of this account'],
    ['without a call', { kind: 'review' }, 'expected for a review'],
    ['nothing, with a call', { kind: 'nothing', txId: CALL }, 'and only there'],
    ['without a reason', { kind: 'nothing', reason: 'no' }, 'reason'],
  ])('is refused: %s', async (_, body, words) => {
    const before = submitted.length;
    const looked = await get<ListedDaysAnswer>('/days?show=looked-at');
    const answer = await decide(looked.items[0]!.id, { reason: REASON, ...body });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.body).toContain(words);
    expect(submitted).toHaveLength(before);
  });

  it('of a day that is not there is refused', async () => {
    expect((await decide(999_999, { kind: 'nothing', reason: REASON })).body).toContain(
      'ERR_NOT_FOUND',
    );
  });

  it('stays when later hours put the day out of the budget', async () => {
    await storeLook(database, {
      ...{ throughMs: DAY * DAY_MS + 1, judged: [], ranked: [ranked(3)], forgetBefore: 0 },
    });
    const waiting = await get<ListedDaysAnswer>('/days');
    expect(waiting.items.map(({ place }) => place)).toEqual([2, 3]);
    const looked = await get<ListedDaysAnswer>('/days?show=looked-at');
    expect(looked.items.map(({ place, isKept }) => [place, isKept])).toEqual([
      [1, true],
      [6, false],
    ]);
  });
});

describe('a long day', () => {
  it('more calls than a page can bear are cut, which is said; any of them can be reviewed', async () => {
    const day = DAY + 1;
    await storeLook(database, {
      ...{ throughMs: day * DAY_MS, judged: [], forgetBefore: 0 },
      ranked: [{ ...ranked(1), day }],
    });
    const first = txOf(0);
    for (let position = 0; position < 205; position++) {
      await commitCall({ block: 8, position, txId: txOf(position), atMs: day * DAY_MS + position });
    }
    const { items } = await get<ListedDaysAnswer>('/days');
    const detail = await get<ListedDayDetailAnswer>(`/days/${items[0]!.id}`);
    expect([detail.calls.length, detail.callsInAll]).toEqual([200, 205]);
    expect(detail.calls[0]!.txId).toBe(txOf(5));
    const { status } = await decide(items[0]!.id, { kind: 'review', reason: REASON, txId: first });
    expect(status).toBe(201);
  });
});

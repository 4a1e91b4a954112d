/** The hook's part of a day's evidence: kept as blocks come, compared as a study compares it. */
import { join } from 'node:path';
import {
  DETECTOR_ZERO,
  membersOf,
  NO_WINDOWS,
  PUBLIC_CANARIES,
  strangestOfCases,
  windowSurprise,
  type ScoredWindow,
} from '@bhschain/models/detector';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLedgerCallIntake } from '../src/second-line/ledger-call-intake.js';
import {
  createLedgerCalls,
  networksOf,
  packWindow,
  unpackWindows,
} from '../src/second-line/ledger-calls.js';
import type { SecondLineTables } from '../src/second-line/schema.js';
import { openReviewStore } from '../src/review/review-store.js';
import { openNodeDatabase, transact, type NodeDatabase } from '../src/store/index.js';
import { detectorTransaction, ringBytesOf } from './evidence-fixture.js';
import { transactionOf, write } from './review-fixture.js';
import { temporaryFolder } from './temporary-folder.js';

const DAY_MS = 86_400_000;
const FIRST = 20_000;
const ANA = 'a'.repeat(32);
const BEN = 'b'.repeat(32);
const NETWORKS = networksOf(membersOf(DETECTOR_ZERO.detector));

interface Call {
  readonly actor: string;
  readonly day: number;
  readonly session: string;
  readonly window: ScoredWindow;
}
const WINDOWS = PUBLIC_CANARIES.windows.filter(({ mask }) => mask === 0);
/** Two accounts, five days, six calls each; ben's last session runs over midnight. */
const CALLS: readonly Call[] = Array.from({ length: 60 }, (_, i) => {
  const day = FIRST + Math.floor(i / 12);
  const actor = i % 2 === 0 ? ANA : BEN;
  return { actor, day, session: `${actor[0]!.repeat(12)}${day}`, window: WINDOWS[i]! };
});

let database: NodeDatabase;

async function apply(block: bigint, transactions: readonly object[]): Promise<void> {
  const consumers = [
    openReviewStore(database).consumer,
    createLedgerCallIntake({ mspId: 'H1MSP' }),
  ];
  const whole = { number: block, hash: '', previousHash: '', transactions } as never;
  await transact(database, async (transaction) => {
    for (const consumer of consumers) await consumer.apply(whole, transaction);
  });
}

function callOf({ actor, day, session, window }: Call, i: number, mspId = 'H1MSP'): object {
  return transactionOf({
    txId: String(i).padStart(64, '0'),
    timestampMs: day * DAY_MS + i,
    function: 'RecordAccessContract:requestAccess',
    args: [session, 'f'.repeat(64), ''],
    creator: { mspId, actor, certificatePem: '' },
    writes: [write(['ctx', actor, session], Buffer.concat([ringBytesOf(window), Buffer.alloc(8)]))],
  });
}

beforeAll(async () => {
  database = await openNodeDatabase({ file: join(temporaryFolder(), 'node.sqlite') });
  await apply(0n, [detectorTransaction()]);
  for (let i = 0; i < CALLS.length; i += 7) {
    await apply(
      BigInt(1 + i),
      CALLS.slice(i, i + 7).map((call, j) => callOf(call, i + j)),
    );
  }
  await apply(100n, [callOf({ ...CALLS[0]!, day: FIRST + 9 }, 99, 'H2MSP')]);
  // The last session goes on after midnight and still counts on the day of its beginning.
  await apply(101n, [callOf({ ...CALLS.at(-1)!, day: FIRST + 5 }, 100)]);
});
afterAll(() => database.destroy());

const calls = (): ReturnType<typeof createLedgerCalls> =>
  createLedgerCalls({
    ...{ database, detector: DETECTOR_ZERO.detector },
    ledgerActorOf: (handle) => ({ ana: ANA, ben: BEN })[handle] ?? null,
  });

describe('calls on the ledger', () => {
  it('are kept by the day of their session, ours only', async () => {
    const rows = await database
      .withTables<SecondLineTables>()
      .selectFrom('ledger_day')
      .selectAll()
      .orderBy('day')
      .orderBy('actor')
      .execute();
    expect(rows.map(({ day }) => day - FIRST)).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
    expect(rows.map(({ windows }) => unpackWindows(windows, NETWORKS.length).length)).toEqual([
      6, 6, 6, 6, 6, 6, 6, 6, 6, 7,
    ]);
  });

  it('say of a day what a study says of the same windows, to the bit', async () => {
    const answer = await calls().surprises({ fromDay: FIRST + 1, day: FIRST + 4 });
    if (typeof answer === 'string') throw new Error(answer);
    const used = [...CALLS.filter(({ day }) => day > FIRST), CALLS.at(-1)!];
    const ordered = [...used].sort((a, b) => a.day - b.day || (a.actor < b.actor ? -1 : 1));
    const before = ordered.filter(({ day }) => day < FIRST + 4);
    const names = [...new Set(ordered.map(({ day, actor }) => `${day} ${actor}`))];
    NETWORKS.forEach((network, m) => {
      const of = (some: readonly Call[]) => ({
        windows: some.map(({ window }) => window),
        nonconformities: network.nonconformities(some.map(({ window }) => window)),
      });
      const surprises = windowSurprise(DETECTOR_ZERO.detector.strata, of(before), of(ordered));
      const expected = strangestOfCases(surprises, names.length, (i) =>
        names.indexOf(`${ordered[i]!.day} ${ordered[i]!.actor}`),
      );
      for (const [handle, actor] of [
        ['ana', ANA],
        ['ben', BEN],
      ] as const) {
        for (let day = FIRST + 1; day <= FIRST + 4; day++) {
          expect(answer(day, handle)[m]).toBe(expected[names.indexOf(`${day} ${actor}`)]);
        }
      }
    });
  });

  it('an account without calls is below every other', async () => {
    const answer = await calls().surprises({ fromDay: FIRST + 1, day: FIRST + 4 });
    if (typeof answer === 'string') throw new Error(answer);
    expect(answer(FIRST + 4, 'nobody')).toEqual(NETWORKS.map(() => NO_WINDOWS));
  });

  it('are not joined while a compared day may have had none, and say why', async () => {
    expect(await calls().surprises({ fromDay: FIRST, day: FIRST + 4 })).toMatch(
      /^scores of calls: the first on the ledger is of 2024-10-04/,
    );
  });

  it('a window survives its packing', () => {
    const window = { rows: { length: 16 }, mask: 0xffffff, values: [0, 1, 2 ** 32 - 1] };
    expect(unpackWindows(packWindow(window), 3)).toEqual([window]);
  });
});

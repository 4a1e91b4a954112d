/**
 * A small second line: eleven days of sixty accounts, counted and ranked by the node's own code. What stands out was put
 * there; a supervisor narrowed the budget meanwhile, so one day that was looked at is no longer within it.
 * @module
 */
import { actOf, DAY_COLUMNS, type DayColumn, type DayCounts } from '@bhschain/models/features';
import { addDisposition, listDays, type ListedDay } from '../src/second-line/day-list.js';
import { DAY_MS } from '../src/second-line/day-log.js';
import { createDayRanker } from '../src/second-line/day-ranker.js';
import { writeDays } from '../src/second-line/day-store.js';
import { missingWords } from '../src/second-line/missing.js';
import { transact, type NodeDatabase } from '../src/store/index.js';
import { hashOf } from './review-fixture.js';
import { silentLog } from './silent-log.js';

const ACCOUNTS = 60;
const HISTORY_DAYS = 8;
const LIVE_DAYS = 3;
/** The alert budget, before and after it was narrowed. */
const BUDGET_BEFORE = 6;
export const BUDGET = 3;

export interface SeededDays {
  /** A clerk's, with calls on the ledger, one of which was held. */
  readonly exports: number;
  /** A nurse's, with calls on the ledger. */
  readonly curious: number;
  /** Of an account that has no identity on the ledger; the day is not over. */
  readonly offLedger: number;
  /** Somebody found nothing. */
  readonly explained: number;
  /** The same, and the narrower budget would not list it. */
  readonly outOfBudget: number;
  ledgerActorOf(handle: string): string | null;
  /** A further look at the newest day, as after six more hours of the log. */
  rankAgain(daysPerDay: number): Promise<void>;
}

/**
 * @param o.clerk - ledger id of an account that exported too much
 * @param o.clerkMs - when
 * @param o.nurse - ledger id of an account that was curious, two days ago
 */
export async function seedDays(
  database: NodeDatabase,
  o: Readonly<{ clerk: string; clerkMs: number; nurse: string; nowMs: number }>,
): Promise<SeededDays> {
  const today = dayOf(o.nowMs);
  const onLedger = new Map([
    [handleOf(1), o.nurse],
    [handleOf(3), o.clerk],
  ]);
  const stories: readonly Story[] = [
    { account: 3, day: dayOf(o.clerkMs), columns: { taken: 26, records: 480 } },
    { account: 1, day: today - 2, columns: { patients: 41, unexplained: 12, acquainted: 4 } },
    { account: 22, day: today - 1, columns: { overrides: 5, refused: 9 } },
    { account: 10, day: today - 3, columns: { strange: 14 } },
  ];
  const firstDay = today - LIVE_DAYS - HISTORY_DAYS;
  const days = Array.from({ length: HISTORY_DAYS + LIVE_DAYS }, (_, i) => firstDay + i).flatMap(
    (day) =>
      Array.from({ length: ACCOUNTS }, (__, account) =>
        countsOf({ account, day, age: today - day, stories }),
      ),
  );
  let throughMs = today * DAY_MS - 6 * 3_600_000;
  const rank = async (daysPerDay: number, more: readonly DayCounts[]): Promise<void> => {
    await transact(database, (transaction) =>
      writeDays(transaction, { throughMs, state: STATE, days: more }),
    );
    await createDayRanker({
      ...{ database, daysPerDay, calibrationDays: 14 },
      liveFromMs: () => (today - LIVE_DAYS) * DAY_MS,
      missing: (devicesSeen) =>
        missingWords({
          ...{ relationsFile: 'relations', staffFile: 'staff', patientsFile: null },
          ...{ devicesSeen, faults: [] },
        }),
      sleep: () => Promise.resolve(),
      log: silentLog,
    }).look();
    throughMs += 6 * 3_600_000;
  };
  const listed = (): Promise<readonly ListedDay[]> =>
    listDays(database, { waiting: true, after: null, limit: ACCOUNTS * LIVE_DAYS });
  const idOf = (rows: readonly ListedDay[], { account, day }: Story): number =>
    rows.find((row) => row.actor === handleOf(account) && row.day === day)!.id;
  const nothing = async (id: number, reason: string): Promise<number> => {
    await addDisposition(database, {
      ...{ ranked_day: id, kind: 'nothing', reason, by_name: 'ben', at_ms: o.nowMs - 3_600_000 },
      ...{ tx_id: null, report_tx_id: null },
    });
    return id;
  };

  await rank(BUDGET_BEFORE, days);
  const before = await listed();
  const [exporting, curious, offLedger, explained] = stories.map((story) => idOf(before, story));
  const weakest = before.filter(({ day }) => day === today - 2).at(-1)!;
  await nothing(explained!, 'New telephones on the ward; all of them are in the inventory now.');
  await nothing(weakest.id, 'Stood in for a colleague; roster checked with the head of the ward.');
  await rank(BUDGET, []);
  return {
    ...{ exports: exporting!, curious: curious!, offLedger: offLedger! },
    ...{ explained: explained!, outOfBudget: weakest.id },
    ledgerActorOf: (handle) => onLedger.get(handle) ?? null,
    rankAgain: (daysPerDay) => rank(daysPerDay, []),
  };
}

interface Story {
  readonly account: number;
  readonly day: number;
  readonly columns: Partial<Record<DayColumn, number>>;
}

/** Of counting itself nothing goes on here; that a device was seen decides what is said to be missing. */
const STATE = {
  sessions: [],
  sightings: { last: [], accounts: [] },
  counter: { days: [], devices: [['device', []]], crowds: [] },
} as const;

function dayOf(ms: number): number {
  return Math.floor(ms / DAY_MS);
}

function handleOf(account: number): string {
  return hashOf(`account ${account}`).slice(0, 32);
}

const ROLES = ['physician', 'nurse', 'nurse', 'clerk'] as const;
const READS = actOf('read', 'notes');
const WRITES = actOf('update', 'medication');

/** An ordinary day, a little different for everybody and every day, and what the stories say beside it. */
function countsOf(
  o: Readonly<{ account: number; day: number; age: number; stories: readonly Story[] }>,
): DayCounts {
  const { account, day, age } = o;
  // By age: the same world on whichever date the tests run.
  const vary = (size: number, what: string): number =>
    Math.floor(share(`${account} ${age} ${what}`) ** 2 * size);
  const role = ROLES[account % ROLES.length]!;
  const patients = (role === 'clerk' ? 20 : 9) + vary(15, 'patients');
  const story = o.stories.find((one) => one.account === account && one.day === day);
  const ordinary = {
    patients,
    unexplained: vary(1.02, 'unexplained'),
    taken: role === 'clerk' ? vary(9, 'taken') : 0,
    refused: vary(1.02, 'refused'),
  };
  const none = Object.fromEntries(DAY_COLUMNS.map((name) => [name, 0])) as Record<
    DayColumn,
    number
  >;
  return {
    ...{ actor: handleOf(account), role, day },
    columns: { ...none, ...ordinary, ...story?.columns },
    acts: new Map([
      [READS, patients + vary(30, 'reads')],
      [WRITES, role === 'clerk' ? 1 : vary(12, 'writes')],
    ]),
  };
}

/** In [0, 1), the same for the same words. */
function share(words: string): number {
  return parseInt(hashOf(words).slice(0, 8), 16) / 2 ** 32;
}

/**
 * How strange a day's counts are for this account. A count is Poisson with a rate that the account's role suggests and its own
 * days sharpen (Gamma prior, so its prediction is negative binomial); strangeness is −ln P(X ≥ x). Few days of one's own
 * weigh little, many weigh all.
 * Source: Gelman et al. 2013, Bayesian Data Analysis, §2.6.
 * @module
 */
import { DAY_COLUMNS, type DayCounts } from './day-counts.js';

/** `acts`: the strangest count of any single act. */
export const DAY_MEMBERS: readonly string[] = [...DAY_COLUMNS, 'acts'];

/** Days of the role that stand for what was never seen: half an event in so many. */
const UNSEEN_EVENTS = 0.5;
const SHAPE_LEAST = 0.05;
const SHAPE_MOST = 50;
/** Larger counts are judged as this one: the sum below goes one by one. */
const COUNT_MOST = 100_000;

/** Rate of one kind of count: sums over days. */
interface Tally {
  sum: number;
  squares: number;
}

interface Past {
  days: number;
  readonly counts: Map<string, Tally>;
}

/**
 * −ln P(X ≥ count) by the days before, own and of the role; 0 for a count of 0.
 * @param own - sum and number of the account's own days
 * @param role - sum, sum of squares and number of the role's days
 */
export function countSurprise(
  count: number,
  own: Readonly<{ sum: number; days: number }>,
  role: Readonly<{ sum: number; squares: number; days: number }>,
): number {
  if (count <= 0) return 0;
  const days = role.days + 1;
  const mean = (role.sum + UNSEEN_EVENTS) / days;
  const variance = Math.max(0, (role.squares + UNSEEN_EVENTS) / days - mean * mean);
  const spread = variance - mean;
  const shape =
    spread > 0 ? Math.min(SHAPE_MOST, Math.max(SHAPE_LEAST, mean ** 2 / spread)) : SHAPE_MOST;
  return negativeBinomialTail(
    Math.min(count, COUNT_MOST),
    shape + own.sum,
    shape / mean + own.days,
  );
}

/** −ln P(X ≥ count) of Poisson counts whose rate is Gamma(shape, per day). */
export function negativeBinomialTail(count: number, shape: number, days: number): number {
  const ratio = 1 / (days + 1);
  let logMass = shape * Math.log(days / (days + 1));
  for (let k = 1; k <= count; k++) logMass += Math.log(((shape + k - 1) / k) * ratio);
  // The masses from `count` on, relative to the first of them.
  let term = 1;
  let sum = 1;
  for (let k = count + 1; k < count + 100_000; k++) {
    term *= ((shape + k - 1) / k) * ratio;
    sum += term;
    if (term < 1e-12 * sum && (shape + k) * ratio < k) break;
  }
  return Math.max(0, -(logMass + Math.log(sum)));
}

export interface DaySurprise {
  readonly actor: string;
  readonly day: number;
  /** In the order of `DAY_MEMBERS`, ≥ 0. */
  readonly surprises: Float64Array;
}

/** How a day's count stands to what is normal; the figures behind one surprise. */
export interface DayReason {
  /** Of `DAY_MEMBERS`. */
  readonly member: string;
  readonly count: number;
  /** Of the member `acts`: which. */
  readonly act: number | null;
  /** −ln P(X ≥ count). */
  readonly surprise: number;
  /** Mean of a day, and how many days it is of. */
  readonly own: Readonly<{ mean: number; days: number }>;
  readonly peers: Readonly<{ mean: number; days: number }>;
}

/** What was learned of accounts and roles so far. */
export interface DayNormals {
  learn(of: DayCounts): void;
  /** In the order of `DAY_MEMBERS`. */
  reasons(of: DayCounts): readonly DayReason[];
}

export function createDayNormals(): DayNormals {
  const roles = new Map<string, Past>();
  const actors = new Map<string, Past>();
  return {
    learn(of) {
      learn(pastOf(roles, of.role), of);
      learn(pastOf(actors, of.actor), of);
    },
    reasons(of) {
      const role = pastOf(roles, of.role);
      const own = pastOf(actors, of.actor);
      const reasonOf = (
        { member, act }: Pick<DayReason, 'member' | 'act'>,
        count: number,
      ): DayReason => {
        const name = act === null ? member : `act ${act}`;
        const mine = own.counts.get(name)?.sum ?? 0;
        const theirs = role.counts.get(name) ?? { sum: 0, squares: 0 };
        return {
          ...{ member, act, count },
          surprise: countSurprise(
            count,
            { sum: mine, days: own.days },
            { ...theirs, days: role.days },
          ),
          own: { mean: mine / Math.max(1, own.days), days: own.days },
          peers: { mean: theirs.sum / Math.max(1, role.days), days: role.days },
        };
      };
      const columns = DAY_COLUMNS.map((member) =>
        reasonOf({ member, act: null }, of.columns[member]),
      );
      let strangest = reasonOf({ member: 'acts', act: null }, 0);
      for (const [act, count] of of.acts) {
        const reason = reasonOf({ member: 'acts', act }, count);
        if (reason.surprise > strangest.surprise) strangest = reason;
      }
      return [...columns, strangest];
    },
  };
}

/** Each day judged by the days before it. */
export function daySurprises(
  days: readonly DayCounts[],
  fromDay: number = -Infinity,
): DaySurprise[] {
  const normals = createDayNormals();
  const result: DaySurprise[] = [];
  const ordered = days.toSorted((a, b) => a.day - b.day);
  for (let from = 0; from < ordered.length;) {
    let until = from;
    while (until < ordered.length && ordered[until]!.day === ordered[from]!.day) until++;
    const today = ordered.slice(from, until);
    if (today[0]!.day >= fromDay) {
      for (const of of today) {
        const { actor, day } = of;
        result.push({ actor, day, surprises: surprisesOf(normals.reasons(of)) });
      }
    }
    for (const of of today) normals.learn(of);
    from = until;
  }
  return result;
}

/** @param reasons - in the order of `DAY_MEMBERS` */
export function surprisesOf(reasons: readonly DayReason[]): Float64Array {
  return Float64Array.from(reasons, ({ surprise }) => surprise);
}

function pastOf(pasts: Map<string, Past>, key: string): Past {
  let past = pasts.get(key);
  if (past === undefined) pasts.set(key, (past = { days: 0, counts: new Map() }));
  return past;
}

function learn(past: Past, { columns, acts }: DayCounts): void {
  past.days++;
  const add = (name: string, count: number): void => {
    if (count === 0) return;
    const tally = past.counts.get(name) ?? { sum: 0, squares: 0 };
    tally.sum += count;
    tally.squares += count * count;
    past.counts.set(name, tally);
  };
  for (const name of DAY_COLUMNS) add(name, columns[name]);
  for (const [act, count] of acts) add(`act ${act}`, count);
}

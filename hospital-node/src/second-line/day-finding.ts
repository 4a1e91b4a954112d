/**
 * Why a day stands out: the members that made its evidence, with the figures behind each, and the same as sentences.
 * @module
 */
import { describeAct, type DayReason } from '@bhschain/models/features';

export interface DayFinding {
  /** Of `DAY_MEMBERS`, or of the hook's networks. */
  readonly member: string;
  /** Of the member's count; null where it counts nothing (a network). */
  readonly count: number | null;
  /** The act that was counted, in words. */
  readonly act: string | null;
  readonly own: Readonly<{ mean: number; days: number }> | null;
  readonly peers: Readonly<{ mean: number; days: number }> | null;
  /** One of so many calibration days was as strange in this. */
  readonly oneIn: number;
}

/** A member that one day in twenty shows as strongly is not worth a line. */
const ONE_IN_LEAST = 20;
const FINDINGS_MAX = 5;

/**
 * The members that stand out, strongest first; the strongest always.
 * @param terms - each member's 1 / p, those of the day's columns first, then `networks`
 */
export function findingsOf(
  reasons: readonly DayReason[],
  terms: ArrayLike<number>,
  networks: readonly string[],
): DayFinding[] {
  const all = [
    ...reasons.map(({ member, count, act, own, peers }, i): DayFinding => ({
      ...{ member, count, own, peers, oneIn: terms[i]! },
      act: act === null ? null : describeAct(act),
    })),
    ...networks.map((member, i): DayFinding => {
      const nothing = { count: null, act: null, own: null, peers: null };
      return { member, ...nothing, oneIn: terms[reasons.length + i]! };
    }),
  ].sort((a, b) => b.oneIn - a.oneIn);
  return all.filter(({ oneIn }, i) => i === 0 || oneIn >= ONE_IN_LEAST).slice(0, FINDINGS_MAX);
}

const WORDS: Readonly<Record<string, (count: string, act: string) => string>> = {
  patients: (n) => `Opened the records of ${counted(n, 'patient')}`,
  unexplained: (n) =>
    `${counted(n, 'patient')} without a found reason (appointment, order, account, ward)`,
  acquainted: (n) =>
    `${counted(n, 'access', 'accesses')} without a found reason to self, family, a co-worker or a flagged record`,
  crowd: (n) =>
    `Opened a patient whom ${counted(n, 'other')} opened without a found reason within seven days`,
  taken: (n) => counted(n, 'export, print or disclosure', 'exports, prints or disclosures'),
  records: (n) => `${counted(n, 'record')} beyond one a call, in searches, reports and exports`,
  refused: (n) => `${counted(n, 'call')} denied`,
  overrides: (n) => `Broke the glass ${counted(n, 'time')}`,
  strange: (n) => `${counted(n, 'call')} from a device new to the account, or from outside`,
  departed: (n) => `${counted(n, 'call')} after the end of employment`,
  moves: (n) => `${counted(n, 'change')} of hospital within half an hour`,
  shared: (n) => `Used a device that ${counted(n, 'other account')} used within a day`,
  acts: (n, act) => `${capital(act)}: ${counted(n, 'time')}`,
};

function counted(count: string, one: string, many = `${one}s`): string {
  return `${count} ${count === '1' ? one : many}`;
}

/** One finding in plain words, with its numbers. */
export function sentenceOf(finding: DayFinding): string {
  const { member, count, act, own, peers } = finding;
  const rare = `one in ${whole(finding.oneIn)} of the days before was as strange in this`;
  const words = WORDS[member];
  if (words === undefined || count === null || own === null || peers === null) {
    return `The calls on the ledger: the network ‘${member}’ saw its strangest window of many days – ${rare}.`;
  }
  const mine =
    own.days === 0
      ? 'the account has no day before'
      : `usual for this account ${decimal(own.mean)} a day (${days(own.days)})`;
  const theirs =
    peers.days === 0
      ? 'nobody of the role has one'
      : `for the role ${decimal(peers.mean)} (${days(peers.days)})`;
  return `${words(whole(count), act ?? 'one act')}; ${mine}, ${theirs} – ${rare}.`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function days(count: number): string {
  return count === 1 ? 'one day' : `${whole(count)} days`;
}

function whole(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

function decimal(value: number): string {
  return value >= 100 || Number.isInteger(value) ? whole(value) : value.toFixed(value < 1 ? 2 : 1);
}

/**
 * Every word that a person reads more than once.
 * @module
 */
import type { Change } from './api.js';
import type { Hold, HoldDetail, ReviewState as State } from '../../src/http/answers.js';

interface StateWords {
  readonly word: string;
  readonly icon: string;
  readonly undecided: boolean;
}

export const STATES: Readonly<Record<State, StateWords>> = {
  open: { word: 'Open', icon: '○', undecided: true },
  claimed: { word: 'Claimed', icon: '◐', undecided: true },
  proposed: { word: 'Needs second person', icon: '◑', undecided: true },
  released: { word: 'Released', icon: '✓', undecided: false },
  rejected: { word: 'Rejected', icon: '✕', undecided: false },
  escalated: { word: 'Escalated', icon: '▲', undecided: true },
  closed: { word: 'Closed', icon: '■', undecided: false },
};

export const FINDINGS: readonly {
  readonly value: string;
  readonly word: string;
  readonly hint: string;
}[] = [
  { value: 'benign-expected', word: 'Benign, expected', hint: 'unusual, but part of the work' },
  { value: 'accident', word: 'Accident', hint: 'a slip without intent' },
  { value: 'false-positive-model', word: 'False alarm: score', hint: 'the detector was wrong' },
  {
    value: 'false-positive-data',
    word: 'False alarm: data',
    hint: 'the log was wrong or incomplete',
  },
  { value: 'policy-breach', word: 'Policy breach', hint: 'not allowed; never trains the detector' },
  { value: 'attack', word: 'Attack', hint: 'hostile; never trains the detector' },
  { value: 'duplicate', word: 'Duplicate', hint: 'decided elsewhere' },
  { value: 'test', word: 'Test', hint: 'made on purpose' },
  { value: 'undetermined', word: 'Undetermined', hint: 'not known; stays out of training' },
];

const STEP_WORDS: Readonly<Record<string, string>> = {
  file: 'made the call, which was held',
  report: 'reported the call',
  claim: 'claimed it',
  unclaim: 'gave it back',
  propose: 'proposed',
  approve: 'approved',
  return: 'returned it',
  escalate: 'escalated it: the deadline had passed',
  appeal: 'appealed',
  close: 'closed it',
};

export function stepWord(step: string): string {
  return STEP_WORDS[step] ?? step;
}

/** One step of somebody else, as a sentence. */
export function changeWord({ step, by, at }: Change): string {
  return `${typeof by === 'string' ? by : by.name} ${stepWord(step)} at ${new Date(at).toLocaleTimeString()}.`;
}

export function findingWord(value: string | null): string {
  return FINDINGS.find((finding) => finding.value === value)?.word ?? '–';
}

export const VERBS: Readonly<Record<string, string>> = {
  openSession: 'opens a session',
  closeSession: 'closes a session',
  requestAccess: 'opens a record',
  export: 'exports records',
  amend: 'changes a record',
  erase: 'erases a record',
  breakGlass: 'breaks the glass',
};

export const CAUSES: Readonly<Record<string, string>> = {
  score: 'score at or above the threshold',
  arity: 'malformed call',
  'unknown-function': 'unknown function',
  'detector-unusable': 'detector not usable',
  'grant-invalid': 'grant used twice, expired or for another call',
  'break-glass': 'emergency access',
  'epoch-overdue': 'service account without a settled epoch',
  'second-line': 'reported after the commit',
  policy: 'asked for by an access policy',
};

/** Why a call that ran waits for a review, by its cause. */
export const RAN: Readonly<Record<string, string>> = {
  'break-glass': 'This call ran at once, in an emergency.',
  policy: 'This call ran; the access policy asks for a review.',
  'second-line': 'This call ran, and was reported afterwards.',
};

/** The detector's columns as a person would name them; the column's own name stays in the title. */
const COLUMNS: Readonly<Record<string, string>> = {
  'own surprisal': 'Unusual act for this person',
  'peer surprisal': 'Unusual act for this role',
  'own minus peer surprisal': 'Fits the role, not the person',
  'act never seen': 'Act never done before',
  'pair of acts never seen': 'Order of acts never seen',
  'act rarity': 'Act that few people use',
  'hour surprisal': 'Unusual hour',
  'surprisal above own entropy': 'Unusual even for this person’s variety',
  'purpose surprisal': 'Unusual purpose',
  sensitivity: 'Sensitivity of the section',
  'break-glass': 'Emergency access',
  'foreign record': 'Record of another hospital',
  'record already in ring': 'Record seen earlier',
  'distinct records': 'Different records',
  'distinct records per event': 'A new record at each call',
  gap: 'Time since the call before',
  'gap irregularity': 'Irregular rhythm',
  'pace against own': 'Pace against own habit',
  'declared records': 'Records at once',
  'export, print or disclose': 'Export, print or disclosure',
  'distinct functions': 'Kinds of calls',
  'sessions in the last hour': 'Sessions in the last hour',
  'denied or diverted': 'Calls refused or held',
  'position in session': 'Place in the session',
  write: 'Changes something',
  delete: 'Deletes something',
  'records read, then written': 'Records read, then changed',
  'distinct records written': 'Different records changed',
  'share of writes': 'Share of changes',
  'surprisal after the two acts before': 'Unusual after the two acts before',
};

const MEMBERS: Readonly<Record<string, string>> = {
  insider: 'Network for curious insiders',
  exfiltration: 'Network for data taken out',
  ransomware: 'Network for destroyed data',
  features: 'All features together',
  'likelihood-ratio': 'Own habit against the role’s',
  unseen: 'Acts never seen',
  trigrams: 'Order of three acts',
};

export function memberWord(name: string): string {
  return MEMBERS[name] ?? name;
}

const FAMILIES: Readonly<Record<string, string>> = {
  insider: 'insiders who look where they have no business',
  exfiltration: 'data that is taken out',
  ransomware: 'data that is changed or destroyed',
};

export function familyWord(name: string): string {
  return FAMILIES[name] ?? name;
}

/** A p-value as a share of normal windows; 1 says that every normal window is as strange. */
export function rarityWord(pValue: number): string {
  return pValue >= 0.5 ? 'common' : `1 of ${plain(1 / pValue)} normal windows`;
}

export function columnWord(name: string): string {
  return COLUMNS[name] ?? name.charAt(0).toUpperCase() + name.slice(1);
}

export function roleWord(role: string): string {
  return role === '' || role === 'unknown'
    ? 'Person'
    : role.charAt(0).toUpperCase() + role.slice(1);
}

export function verbOf(functionName: string): string {
  return VERBS[functionName] ?? functionName;
}

/** One line that says what was held, in plain words. */
export function sentenceOf(hold: HoldDetail): string {
  const count = countOf(hold);
  const what =
    count > 1
      ? verbOf(hold.function).replace('records', `${count} records`)
      : verbOf(hold.function);
  const where = hold.ward === '' ? '' : ` (${hold.ward})`;
  return `${roleWord(hold.role)} ${hold.actor}${where} ${what}${count > 1 && !what.includes(String(count)) ? `, ${count} records` : ''}.`;
}

export function countOf(hold: HoldDetail): number {
  const position = { export: 2, requestAccess: 4 }[hold.function];
  return position === undefined ? 1 : Number(hold.arguments[position] ?? 1) || 1;
}

export function scoreWord(millionths: number | null): string {
  return millionths === null ? '–' : (Math.floor(millionths / 1_000) / 1_000).toFixed(3);
}

/** What a decision does, exactly; shown before it is signed. */
export function effectOf(
  hold: Hold & { readonly grantable?: boolean },
  action: 'release' | 'reject',
): string {
  if (action === 'reject') {
    return `Rejects this call. It stays held, nothing runs, and ${hold.actor} may appeal once. It cannot be undone, only superseded by an appeal.`;
  }
  if (hold.kind === 'review') {
    return 'Records that this emergency access was in order. It ran already; nothing is granted.';
  }
  if (hold.grantable === false) {
    return 'Records the release. This kind of call cannot be made again, so nothing is granted.';
  }
  return `Grants ${hold.actor} one use of exactly this call (${hold.function}, same arguments) within 24 hours of the approval. Nothing runs now: ${hold.actor} must submit it again under her own key. It cannot be undone, only superseded.`;
}

export function untilWord(iso: string, nowMs: number): string {
  const minutes = Math.round((Date.parse(iso) - nowMs) / 60_000);
  const abs = Math.abs(minutes);
  const size =
    abs < 60
      ? `${abs} min`
      : abs < 48 * 60
        ? `${Math.floor(abs / 60)} h ${abs % 60} min`
        : `${Math.floor(abs / 1_440)} d`;
  return minutes < 0 ? `${size} over` : size;
}

export function agoWord(iso: string, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(iso)) / 1_000));
  if (seconds < 60) return 'just now';
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 48 * 3_600) return `${Math.floor(seconds / 3_600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

export function timeWord(iso: string): string {
  return new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
}

export function shortHash(hash: string | null): string {
  return hash === null ? '–' : `${hash.slice(0, 8)}…${hash.slice(-4)}`;
}

/** A feature's value as a person would write it; logarithms are taken back. */
export function valueWord(value: number, unit: string): string {
  switch (unit) {
    case 'flag':
      return value === 0 ? 'no' : 'yes';
    case 'share':
      return `${Math.round(value * 100)} %`;
    case 'log2':
      return plain(2 ** value);
    case 'class 0 to 2':
      return ['ordinary', 'sensitive', 'most sensitive'][value] ?? plain(value);
    case 'squared coefficient of variation':
      return `${plain(value)} (1: as irregular as chance)`;
    case 'log2 of 1/8 s':
      return `${durationWord((2 ** value - 1) / 8)} since the call before`;
    case 'log2 of a ratio':
      return value >= 0
        ? `${plain(2 ** value)} × faster than usual`
        : `${plain(2 ** -value)} × slower than usual`;
    default:
      return `${plain(value)} ${value === 1 ? unit.replace(/s$/, '') : unit}`;
  }
}

export function durationWord(seconds: number): string {
  if (seconds < 120) return `${seconds < 10 ? plain(Math.max(0, seconds)) : Math.round(seconds)} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

function plain(value: number): string {
  return Number.isInteger(value) || Math.abs(value) >= 100
    ? String(Math.round(value))
    : value.toFixed(1);
}

/**
 * The guarded call: what a log line and a proposal both boil down to. The node makes it from an access event, the hook
 * from proposal arguments, and both must give the same integers, or training and scoring would see different things.
 * @module
 */

import { homeOf, type AccessEvent, type Handle } from './access-event.js';
import { decodeCallContext } from './call-context.js';
import { FeatureError, pictureOf } from './errors.js';
import {
  GUARDED_POLICY,
  guardedFunctionOf,
  isGuardedFunction,
  sensitivityOf,
  type ArgumentName,
  type GuardedFunction,
} from './function-policy.js';
import {
  actOf,
  BREAK_GLASS_REASONS,
  CODE_ACT_BASE,
  PURPOSES,
  ROLES,
  SECTIONS,
  type Purpose,
  type Section,
  type TimeGranularity,
} from './vocabulary.js';

export interface GuardedCall {
  readonly functionName: GuardedFunction;
  /** action × section (`actOf`), or `CODE_ACT_BASE + code` of a coded source. */
  readonly act: number;
  /** Index in `ROLES`. */
  readonly role: number;
  /** Index in `PURPOSES`. */
  readonly purpose: number;
  /** Index in `SECTIONS`. */
  readonly section: number;
  readonly sensitivity: 0 | 1 | 2;
  readonly breakGlass: boolean;
  /** 32 bits of the record handle, for equality inside a ring only; 0: no record. */
  readonly recordTag: number;
  /** The record's home hospital is the actor's own, or no record is named. */
  readonly homeRecord: boolean;
  /** Declared number of records, ≥ 1. */
  readonly recordCount: number;
  readonly timeMs: number;
  readonly timeGranularity: TimeGranularity;
}

/** How log names become ledger names. The map from patient to record handle is private to the home hospital. */
export interface LedgerNames {
  /** `H1-<16 hex>` for a patient, random, assigned once by the home hospital. */
  recordHandle(patient: Handle): string;
  /** 16 hex, random, one per session. */
  sessionHandle(session: Handle): string;
  /** SHA-256 in hex. */
  digestOf(text: string): string;
}

/** Who calls: facts of the certificate, and the proposal's time, which a replayed `at=` in the context overrides. */
export interface Caller {
  readonly role: string;
  readonly mspId: string;
  readonly timeMs: number;
}

const COUNT_MAX = 1_000_000_000;

/**
 * The guarded call of an access event; null where the event asks nothing of the ledger.
 *
 * Without `names` the record tag is taken from the patient handle as it stands, which is enough for training: a tag is
 * only ever compared with another tag of the same window.
 */
export function callFromEvent(
  event: AccessEvent,
  names?: Pick<LedgerNames, 'recordHandle' | 'digestOf'>,
): GuardedCall | null {
  const functionName = guardedFunctionOf(event);
  if (functionName === null) return null;
  const has = (name: ArgumentName): boolean =>
    GUARDED_POLICY[functionName].arguments.includes(name);
  const section: Section = has('section') ? event.section : 'none';
  const record =
    has('record') && event.patient !== null
      ? (names?.recordHandle(event.patient) ?? event.patient)
      : '';
  const set = has('recordSetDigest') ? recordSetText(event) : '';
  return {
    functionName,
    act: event.code === null ? actOf(event.action, section) : CODE_ACT_BASE + Number(event.code),
    role: ROLES.indexOf(event.role),
    purpose: PURPOSES.indexOf(purposeOf(functionName, event.purpose)),
    section: SECTIONS.indexOf(section),
    sensitivity: sensitivityOf(section),
    breakGlass: functionName === 'breakGlass',
    recordTag: recordTagOf(set === '' ? record : (names?.digestOf(set) ?? set)),
    homeRecord: (homeOf(record) ?? event.nodeId) === event.nodeId,
    recordCount: has('count') ? Math.min(event.recordCount, COUNT_MAX) : 1,
    timeMs: event.timeMs,
    timeGranularity: event.timeGranularity,
  };
}

/** What an export is of, as text to be hashed: one patient's record or an unnamed set. */
export function recordSetText(event: Pick<AccessEvent, 'patient' | 'eventId'>): string {
  return `set ${event.patient ?? event.eventId}`;
}

/**
 * The guarded call of a proposal. `functionName` is the part after the contract's name, or `Contract:function`.
 *
 * @throws {FeatureError} `ERR_CALL_ARGUMENTS`; `path` is `arity` or the argument's position and name
 */
export function callFromArguments(
  functionName: string,
  args: readonly string[],
  caller: Caller,
): GuardedCall {
  const name = functionName.slice(functionName.indexOf(':') + 1);
  if (!isGuardedFunction(name)) refuse('function', functionName, 'a guarded function');
  const policy = GUARDED_POLICY[name];
  if (args.length !== policy.arguments.length) {
    refuse('arity', args.length, `${policy.arguments.length} arguments of ${name}`);
  }
  const values: Partial<Record<ArgumentName, string>> = {};
  policy.arguments.forEach((argument, position) => {
    const value = args[position]!;
    if (!ARGUMENT_FORMS[argument].test(value)) {
      refuse(`${position} ${argument}`, value, ARGUMENT_WORDS[argument]);
    }
    values[argument] = value;
  });
  const context = decodeCallContext(values.context ?? '');
  const action = context.action ?? policy.action ?? 'unknown';
  if (guardedFunctionOf({ action, breakGlass: name === 'breakGlass' }) !== name) {
    refuse('context action', action, `an action of ${name}`);
  }
  const section = (values.section ?? 'none') as Section;
  const record = values.record ?? '';
  const home = caller.mspId.replace(/MSP$/, '');
  return {
    functionName: name,
    act: context.code === null ? actOf(action, section) : CODE_ACT_BASE + context.code,
    role: Math.max(0, (ROLES as readonly string[]).indexOf(caller.role)),
    purpose: PURPOSES.indexOf(purposeOf(name, (values.purpose ?? 'unknown') as Purpose)),
    section: SECTIONS.indexOf(section),
    sensitivity: sensitivityOf(section),
    breakGlass: name === 'breakGlass',
    recordTag: recordTagOf(values.recordSetDigest ?? record),
    homeRecord: (homeOf(record) ?? home) === home,
    recordCount: Number(values.count ?? '1'),
    timeMs: context.atMs ?? caller.timeMs,
    timeGranularity: context.timeGranularity,
  };
}

/** The session of a proposal's arguments, after `callFromArguments` accepted them. */
export function sessionOfArguments(args: readonly string[]): string {
  return args[0] ?? '';
}

/**
 * 32 bits of a handle: the first eight hex digits where it is a ledger handle or a digest, else FNV-1a of the text.
 * 0 is kept for "no record".
 */
export function recordTagOf(handle: string): number {
  if (handle === '') return 0;
  const hex = /^(?:H[1-9]\d?-)?([0-9a-f]{8})(?:[0-9a-f]{8}|[0-9a-f]{56})$/.exec(handle)?.[1];
  if (hex !== undefined) return Number.parseInt(hex, 16) || 1;
  let hash = 0x811c9dc5;
  for (let i = 0; i < handle.length; i++) {
    hash = Math.imul(hash ^ handle.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0 || 1;
}

function purposeOf(functionName: GuardedFunction, declared: Purpose): Purpose {
  if (functionName === 'breakGlass') return 'emergency';
  return functionName === 'closeSession' ? 'unknown' : declared;
}

const ARGUMENT_FORMS: Readonly<Record<ArgumentName, RegExp>> = {
  session: /^[0-9a-f]{16}$/,
  record: /^(?:H[1-9]\d?-[0-9a-f]{16})?$/,
  recordSetDigest: /^[0-9a-f]{64}$/,
  ward: /^\P{Cc}{0,64}$/u,
  purpose: new RegExp(`^(?:${PURPOSES.join('|')})$`),
  section: new RegExp(`^(?:${SECTIONS.join('|')})$`),
  count: /^[1-9]\d{0,8}$|^1000000000$/,
  digestBefore: /^[0-9a-f]{64}$/,
  digestAfter: /^[0-9a-f]{64}$/,
  sizeClass: /^(?:[0-9]|[1-5]\d|6[0-3])$/,
  reasonClass: new RegExp(`^(?:${BREAK_GLASS_REASONS.join('|')})$`),
  context: /^\P{Cc}{0,256}$/u,
};
const ARGUMENT_WORDS: Readonly<Record<ArgumentName, string>> = {
  session: '16 hex digits',
  record: 'H<number>-<16 hex digits>, or nothing',
  recordSetDigest: '64 hex digits',
  ward: 'at most 64 characters',
  purpose: `one of ${PURPOSES.join(', ')}`,
  section: `one of ${SECTIONS.join(', ')}`,
  count: `an integer from 1 to ${COUNT_MAX}`,
  digestBefore: '64 hex digits',
  digestAfter: '64 hex digits',
  sizeClass: 'log2 of the size in bytes, 0 to 63',
  reasonClass: `one of ${BREAK_GLASS_REASONS.join(', ')}`,
  context: 'at most 256 printable characters',
};

function refuse(path: string, got: unknown, expected: string): never {
  throw new FeatureError('ERR_CALL_ARGUMENTS', { path, got: pictureOf(got), expected });
}

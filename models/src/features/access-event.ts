/**
 * The access event: the one record that every source is mapped to. Decoding is strict; a parser never guesses.
 * @module
 */

import { FeatureError, pictureOf } from './errors.js';
import {
  ACTIONS,
  ACTOR_CLASSES,
  BREAK_GLASS_REASONS,
  CHANNELS,
  CODES_MAX,
  NETWORKS,
  OUTCOMES,
  PURPOSES,
  RESOURCE_TYPES,
  ROLES,
  SECTIONS,
  SENSITIVITIES,
  SOURCES,
  TIME_BASES,
  TIME_GRANULARITIES,
  type Action,
  type ActorClass,
  type BreakGlassReason,
  type Channel,
  type Network,
  type Outcome,
  type Purpose,
  type ResourceType,
  type Role,
  type Section,
  type Sensitivity,
  type Source,
  type TimeBasis,
  type TimeGranularity,
} from './vocabulary.js';

/**
 * An opaque name of a person, record, device or session. Raw in a hospital's own log, keyed-hashed at the node's door.
 * A patient handle may begin with its home hospital (`H2-…`); the door keeps that prefix when it hashes.
 */
export type Handle = string;

export type AccessEvent = Readonly<{
  eventId: string;
  source: Source;
  nodeId: string;
  /** UTC milliseconds, integer ≥ 0. */
  timeMs: number;
  timeBasis: TimeBasis;
  timeGranularity: TimeGranularity;
  /** Order in the source; in JSON a decimal string. */
  sequence: bigint | null;
  actor: Handle;
  actorClass: ActorClass;
  role: Role;
  ward: string | null;
  session: Handle | null;
  action: Action;
  resourceType: ResourceType;
  section: Section;
  sensitivity: Sensitivity;
  purpose: Purpose;
  breakGlass: boolean;
  breakGlassReason: BreakGlassReason;
  patient: Handle | null;
  /** Declared number of records, ≥ 1. */
  recordCount: number;
  bytes: number | null;
  outcome: Outcome;
  channel: Channel;
  device: Handle | null;
  network: Network;
  /** Index of the activity in the source's own code table, decimal. Where present, it is the act. */
  code: string | null;
}>;

type Check = (value: unknown, path: string) => unknown;

const TEXT_LENGTH_MAX = 256;

const text: Check = (value, path) => {
  if (typeof value === 'string' && value.length > 0 && value.length <= TEXT_LENGTH_MAX) {
    return value;
  }
  return refuse(path, value, `text of 1 to ${TEXT_LENGTH_MAX} characters`);
};
const flag: Check = (value, path) =>
  typeof value === 'boolean' ? value : refuse(path, value, 'true or false');
const whole =
  (least: number): Check =>
  (value, path) =>
    Number.isSafeInteger(value) && (value as number) >= least
      ? value
      : refuse(path, value, `an integer of at least ${least}`);
const orNull =
  (check: Check): Check =>
  (value, path) =>
    value === null ? null : check(value, path);
const oneOf =
  (list: readonly string[]): Check =>
  (value, path) =>
    typeof value === 'string' && list.includes(value)
      ? value
      : refuse(path, value, `one of ${list.join(', ')}`);
const sequence: Check = (value, path) =>
  typeof value === 'string' && /^(0|[1-9]\d{0,18})$/.test(value)
    ? BigInt(value)
    : refuse(path, value, 'a decimal string of at most 19 digits, or null');
const code: Check = (value, path) =>
  typeof value === 'string' && /^(0|[1-9]\d{0,4})$/.test(value) && Number(value) < CODES_MAX
    ? value
    : refuse(path, value, `a decimal string below ${CODES_MAX}, or null`);

const FIELDS: Readonly<Record<keyof AccessEvent, Check>> = {
  eventId: text,
  source: oneOf(SOURCES),
  nodeId: text,
  timeMs: whole(0),
  timeBasis: oneOf(TIME_BASES),
  timeGranularity: oneOf(TIME_GRANULARITIES),
  sequence: orNull(sequence),
  actor: text,
  actorClass: oneOf(ACTOR_CLASSES),
  role: oneOf(ROLES),
  ward: orNull(text),
  session: orNull(text),
  action: oneOf(ACTIONS),
  resourceType: oneOf(RESOURCE_TYPES),
  section: oneOf(SECTIONS),
  sensitivity: oneOf(SENSITIVITIES),
  purpose: oneOf(PURPOSES),
  breakGlass: flag,
  breakGlassReason: oneOf(BREAK_GLASS_REASONS),
  patient: orNull(text),
  recordCount: whole(1),
  bytes: orNull(whole(0)),
  outcome: oneOf(OUTCOMES),
  channel: oneOf(CHANNELS),
  device: orNull(text),
  network: oneOf(NETWORKS),
  code: orNull(code),
};
const FIELD_NAMES = Object.keys(FIELDS) as (keyof AccessEvent)[];

/**
 * One access event from its JSON form. Every field must be present; an unknown field is refused.
 *
 * @throws {FeatureError} `ERR_ACCESS_EVENT` with the field as `path`, what came and what was expected
 */
export function decodeAccessEvent(value: unknown): AccessEvent {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse('event', value, 'an object');
  }
  const fields = value as Record<string, unknown>;
  const event: Record<string, unknown> = {};
  for (const name of FIELD_NAMES) event[name] = FIELDS[name](fields[name], name);
  for (const name in fields) {
    if (!Object.hasOwn(FIELDS, name)) refuse(name, fields[name], 'no such field');
  }
  return event as AccessEvent;
}

/** The JSON form of an event, one line without a line end. `decodeAccessEvent(JSON.parse(line))` gives the event again. */
export function encodeAccessEvent(event: AccessEvent): string {
  return JSON.stringify({ ...event, sequence: event.sequence?.toString() ?? null });
}

/** The home hospital that a patient handle names (`H2-…` gives `H2`), or null where it names none. */
export function homeOf(handle: Handle): string | null {
  return /^(H[1-9]\d?)-/.exec(handle)?.[1] ?? null;
}

function refuse(path: string, value: unknown, expected: string): never {
  throw new FeatureError('ERR_ACCESS_EVENT', { path, got: pictureOf(value), expected });
}

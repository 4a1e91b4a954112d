/**
 * What the node takes from the federation document: how slots of wall time and intervals of log time belong together.
 * The node computes the interval of a slot itself and trains on no other.
 * @module
 */
import type { Interval } from '../access-log/index.js';
import { HospitalNodeError } from '../errors.js';

export interface FederationCalendar {
  readonly federationId: string;
  readonly slotLengthMs: number;
  /** How many slots of log time one round may cover: 1, or `mergeSlotsMax` where missed slots are merged. */
  readonly slotsPerRoundMax: number;
  /** What leaves a hospital each round, by name; an orchestrator of before this was written down says nothing. */
  readonly releases: readonly string[];
  /** A declared mode: slots are wall time as ever, the log is an older one. */
  readonly replay: {
    readonly originSlot: number;
    readonly originLogTimeMs: number;
    readonly logSlotMs: number;
  } | null;
}

/** @throws {HospitalNodeError} `ERR_FEDERATION_DOCUMENT` */
export function readCalendar(document: Uint8Array): FederationCalendar {
  const value = parse(document);
  const replay = value['replay'] ?? null;
  const policy = object(value['policy'], 'policy');
  return {
    federationId: text(value['federationId'], 'federationId'),
    slotLengthMs: whole(policy['slotLengthMs'], 'policy.slotLengthMs'),
    slotsPerRoundMax:
      policy['catchUp'] === 'merge' ? whole(policy['mergeSlotsMax'], 'policy.mergeSlotsMax') : 1,
    releases: readReleases(value['releases'] ?? ['update']),
    replay: replay === null ? null : readReplay(object(replay, 'replay')),
  };
}

/** Log time of a slot's round: the last `slotCount` slots of log time before its boundary. */
export function intervalOfSlot(
  slotIndex: number,
  calendar: FederationCalendar,
  slotCount = 1,
): Interval {
  const { replay, slotLengthMs } = calendar;
  const toMs =
    replay === null
      ? slotIndex * slotLengthMs
      : replay.originLogTimeMs + (slotIndex - replay.originSlot) * replay.logSlotMs;
  return { fromMs: toMs - slotCount * logSlotMsOf(calendar), toMs };
}

export function logSlotMsOf({ replay, slotLengthMs }: FederationCalendar): number {
  return replay?.logSlotMs ?? slotLengthMs;
}

function readReplay(value: Record<string, unknown>): FederationCalendar['replay'] {
  return {
    originSlot: whole(value['originSlot'], 'replay.originSlot'),
    originLogTimeMs: whole(value['originLogTimeMs'], 'replay.originLogTimeMs'),
    logSlotMs: whole(value['logSlotMs'], 'replay.logSlotMs'),
  };
}

function readReleases(value: unknown): readonly string[] {
  if (!Array.isArray(value)) refuse('releases', 'a list of names');
  return value.map((name, i) => text(name, `releases[${i}]`));
}

function parse(document: Uint8Array): Record<string, unknown> {
  try {
    return object(JSON.parse(Buffer.from(document).toString('utf8')), 'document');
  } catch (cause) {
    if (cause instanceof HospitalNodeError) throw cause;
    throw new HospitalNodeError(
      'ERR_FEDERATION_DOCUMENT',
      'federation document: not JSON',
      {},
      cause,
    );
  }
}

function object(value: unknown, path: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  return refuse(path, 'an object');
}

function text(value: unknown, path: string): string {
  return typeof value === 'string' && value !== '' ? value : refuse(path, 'a text');
}

function whole(value: unknown, path: string): number {
  return Number.isSafeInteger(value) && (value as number) >= 0
    ? (value as number)
    : refuse(path, 'an integer ≥ 0');
}

function refuse(path: string, expected: string): never {
  throw new HospitalNodeError(
    'ERR_FEDERATION_DOCUMENT',
    `federation document: ${path}: expected ${expected}`,
    { path, expected },
  );
}

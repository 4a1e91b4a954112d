/**
 * The one chaincode event of every committed call, named `guard`.
 *
 * Fabric keeps one event per transaction, so what a business function emits travels inside as `inner`. There is no
 * score and no reason in it: both would teach an attacker what passes.
 * @module
 */
import {
  canonicalBytes,
  parseJsonObject,
  type JsonObject,
  type JsonValue,
} from './canonical-json.js';
import { ChaincodeError } from './errors.js';

export const GUARD_EVENT_NAME = 'guard';
const EVENT_VERSION = 1;

/**
 * What became of the call. `flagged`: it ran (break-glass), and a review was opened. `denied`: the hook let it run, and a
 * business rule said no; the record is `den~<txid>`.
 */
export type EventDisposition = 'allowed' | 'denied' | 'quarantined' | 'flagged';

/** A step of a review; `grant` only on a release that gives a right to resubmit. */
export interface ReviewStep {
  readonly quarantine: string;
  readonly from: string;
  readonly to: string;
  readonly version: number;
  readonly grant?: { readonly actor: string; readonly digest: string; readonly expires: number };
}

export interface GuardEvent {
  readonly v: 1;
  readonly kind: 'access' | 'review' | 'detector' | 'federation';
  /** `Contract:function` as it was called. */
  readonly function: string;
  /** Empty for everything but an access. */
  readonly session: string;
  readonly actor: string;
  readonly disposition: EventDisposition;
  /** A detector judged this call (whatever it then decided). */
  readonly scored: boolean;
  /** The active detector's version; null without one, and for calls that are not scored. */
  readonly modelVersion: number | null;
  /** The transaction id under which the quarantine or review record is kept. */
  readonly quarantine?: string;
  readonly review?: ReviewStep;
  readonly detector?: { readonly version: number; readonly state: string };
  /** The event of the business function: its name, and its payload in base64. */
  readonly inner?: { readonly name: string; readonly payload: string };
}

/** An event of a later version of this product, kept as it came. */
export interface UnknownGuardEvent {
  readonly kind: 'unknown';
  readonly v: number;
  readonly raw: JsonObject;
}

export function encodeGuardEvent(event: GuardEvent): Uint8Array {
  return canonicalBytes(event as unknown as JsonObject);
}

/**
 * @throws {ChaincodeError} `ERR_EVENT_MALFORMED` if the payload is not an event of ours, naming the property
 */
export function decodeGuardEvent(payload: Uint8Array): GuardEvent | UnknownGuardEvent {
  let raw: JsonObject;
  try {
    raw = parseJsonObject(payload, 'guard event');
  } catch (cause) {
    throw new ChaincodeError(
      'ERR_EVENT_MALFORMED',
      'guard event: not a JSON object',
      {},
      { cause },
    );
  }
  const v = need(raw, 'v', Number.isSafeInteger) as number;
  if (v !== EVENT_VERSION) return { kind: 'unknown', v, raw };
  need(raw, 'kind', oneOf('access', 'review', 'detector', 'federation'));
  need(raw, 'function', isString);
  need(raw, 'session', isString);
  need(raw, 'actor', isString);
  need(raw, 'disposition', oneOf('allowed', 'denied', 'quarantined', 'flagged'));
  need(raw, 'scored', (value) => typeof value === 'boolean');
  need(raw, 'modelVersion', (value) => value === null || Number.isSafeInteger(value));
  may(raw, 'quarantine', isString);
  const review = may(raw, 'review', isObject) as JsonObject | undefined;
  if (review !== undefined) {
    for (const name of ['quarantine', 'from', 'to']) need(review, name, isString);
    need(review, 'version', Number.isSafeInteger);
    const grant = may(review, 'grant', isObject) as JsonObject | undefined;
    if (grant !== undefined) {
      for (const name of ['actor', 'digest']) need(grant, name, isString);
      need(grant, 'expires', Number.isSafeInteger);
    }
  }
  const detector = may(raw, 'detector', isObject) as JsonObject | undefined;
  if (detector !== undefined) {
    need(detector, 'version', Number.isSafeInteger);
    need(detector, 'state', isString);
  }
  const inner = may(raw, 'inner', isObject) as JsonObject | undefined;
  if (inner !== undefined) for (const name of ['name', 'payload']) need(inner, name, isString);
  return raw as unknown as GuardEvent;
}

type Check = (value: unknown) => boolean;

function need(object: JsonObject, name: string, check: Check): JsonValue {
  const value = object[name];
  if (value === undefined || !check(value)) {
    throw new ChaincodeError(
      'ERR_EVENT_MALFORMED',
      `guard event: ${name} missing or of wrong kind`,
      {
        property: name,
      },
    );
  }
  return value;
}

function may(object: JsonObject, name: string, check: Check): JsonValue | undefined {
  return object[name] === undefined ? undefined : need(object, name, check);
}

function oneOf(...members: readonly string[]): Check {
  return (value) => typeof value === 'string' && members.includes(value);
}

function isString(value: unknown): boolean {
  return typeof value === 'string';
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

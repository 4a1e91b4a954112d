/**
 * `act~<actor>~<MSP>`: what the ledger remembers of an actor between sessions, in the place of her own hospital.
 *
 * Read by every guarded call, written only when a session opens, a grant is given or used, an epoch is folded, or the actor is
 * suspended: the calls of one session do not collide on it.
 *
 * A service account calls too often for that. Once its hospital has opened an epoch for it, its calls write rows of their
 * own (`evt~actor~MSP~epoch~txid`), and a fold closes the epoch: it turns the rows into profile and raises the number.
 * @module
 */
import {
  decodeProfile,
  emptyProfile,
  encodeProfile,
  type Profile,
} from '@bhschain/models/features';

import {
  canonicalBytes,
  parseJsonObject,
  type JsonObject,
  type JsonValue,
} from './canonical-json.js';
import { contentCache } from './content-cache.js';
import { ChaincodeError } from './errors.js';

export type ActorClass = 'person' | 'service';
export type ActorStatus = 'active' | 'suspended';

export interface ActorState {
  readonly class: ActorClass;
  readonly status: ActorStatus;
  /** Releases not yet used. */
  readonly grants: number;
  /** When sessions were opened, by the calls' own time: those of the last hour before the last of them, oldest first. */
  readonly openedMs: readonly number[];
  /** Its histogram is folded into the profile when the next session opens. */
  readonly lastSession: string;
  readonly profile: string;
  /** Only of a service account whose hospital folds its epochs. */
  readonly epoch?: { readonly number: number; readonly openedMs: number };
}

/** A service account whose calls go to epoch rows instead of session rings. */
export type ActorOnEpochs = ActorState & Required<Pick<ActorState, 'epoch'>>;

const HOUR_MS = 3_600_000;
/** An epoch is folded every hour; one that is older than two is overdue, and its account is not trusted any more. */
const EPOCH_MS_MAX = 2 * HOUR_MS;
/** More than these in an hour is strange at 32 as at 320. */
const OPENINGS_MAX = 32;

/** A newcomer: no history, class from the certificate. */
export function newActor(actorClass: ActorClass): ActorState {
  return {
    class: actorClass,
    status: 'active',
    grants: 0,
    openedMs: [],
    lastSession: '',
    profile: encodeProfileText(emptyProfile()),
  };
}

export function encodeActorState(state: ActorState): Uint8Array {
  return canonicalBytes(state as unknown as JsonObject);
}

/**
 * The stored state, or null if there is none.
 *
 * @throws {ChaincodeError} `ERR_LEDGER_VALUE` if the stored bytes are not an actor state
 */
export function decodeActorState(bytes: Uint8Array): ActorState | null {
  if (bytes.length === 0) return null;
  const raw = parseJsonObject(bytes, 'actor state');
  const openedMs = raw['openedMs'];
  if (
    (raw['class'] !== 'person' && raw['class'] !== 'service') ||
    (raw['status'] !== 'active' && raw['status'] !== 'suspended') ||
    !Number.isSafeInteger(raw['grants']) ||
    !Array.isArray(openedMs) ||
    !openedMs.every((ms) => Number.isSafeInteger(ms)) ||
    typeof raw['lastSession'] !== 'string' ||
    typeof raw['profile'] !== 'string' ||
    !isEpoch(raw['epoch'])
  ) {
    throw new ChaincodeError(
      'ERR_LEDGER_VALUE',
      'actor state: a property is missing or of wrong kind',
    );
  }
  return raw as unknown as ActorState;
}

export function isOnEpochs(state: ActorState): state is ActorOnEpochs {
  return state.class === 'service' && state.epoch !== undefined;
}

/** Whether the epoch of a service account should have been folded long ago. */
export function isOverdue(state: ActorState, nowMs: number): boolean {
  return isOnEpochs(state) && nowMs - state.epoch.openedMs > EPOCH_MS_MAX;
}

/** Sessions opened in the hour before `timeMs`, by the same rule as in training windows; at most 32. */
export function sessionsInLastHour(state: ActorState, timeMs: number): number {
  return openingsBefore(state, timeMs).length;
}

/** The state after one more session was opened. */
export function withSessionOpened(
  state: ActorState,
  o: { readonly session: string; readonly timeMs: number; readonly profile: Profile },
): ActorState {
  return {
    ...state,
    openedMs: [...openingsBefore(state, o.timeMs), o.timeMs].slice(-OPENINGS_MAX),
    lastSession: o.session,
    profile: encodeProfileText(o.profile),
  };
}

const profiles = contentCache<Profile>(1024);

/** The decoded profile of a state. */
export function profileOf(state: ActorState): Profile {
  return profiles(state.profile, () => decodeProfile(Buffer.from(state.profile, 'base64')));
}

export function encodeProfileText(profile: Profile): string {
  return Buffer.from(encodeProfile(profile)).toString('base64');
}

function isEpoch(value: JsonValue | undefined): boolean {
  if (value === undefined) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { number, openedMs } = value as JsonObject;
  return Number.isSafeInteger(number) && Number.isSafeInteger(openedMs);
}

function openingsBefore(state: ActorState, timeMs: number): readonly number[] {
  return state.openedMs.filter((openedMs) => timeMs - openedMs < HOUR_MS);
}

/**
 * The stretch of log time that is being read. A period is six hours of UTC; profiles stand still inside it, so that no
 * event of a round changes another window of that round (`privacy.md` §2.1). When it closes, its windows are cut and
 * the profiles move on, all at once.
 * @module
 */
import {
  createWindowCutter,
  emptyProfile,
  emptyRing,
  foldSession,
  LAYOUT,
  pushRow,
  type ActorCall,
  type Profile,
  type Ring,
  type RoleTables,
  type Window,
  type WindowCutter,
} from '@bhschain/models/features';

export const PERIOD_MS = 21_600_000;

/** What is known of an actor at the beginning of a period. */
export interface ActorState {
  readonly profile: Profile;
  /** The session that is not over yet; its ring teaches the profile when the next one opens. */
  readonly session: string | null;
  readonly ring: Ring;
}

export interface ClosedPeriod {
  /** Everything before this instant is in. */
  readonly throughMs: number;
  readonly windows: readonly Window[];
  /** The actors that did something. */
  readonly changed: ReadonlyMap<string, ActorState>;
}

export interface OpenPeriodOptions {
  readonly binMs: number;
  readonly roles: RoleTables | null;
  readonly vocabularySize: number;
  /** As of `closedThroughMs`. */
  readonly actors: Map<string, ActorState>;
  readonly closedThroughMs: number | null;
}

/** Pure bookkeeping: no disk, no clock. `Place` is what the caller needs to find a line again, in the order of arrival. */
export class OpenPeriod<Place extends { readonly ordinal: number }> {
  readonly #actors: Map<string, ActorState>;
  readonly #cutter: WindowCutter;
  #moved = new Map<string, ActorState>();
  #ahead: { readonly call: ActorCall; readonly place: Place }[] = [];
  #startMs: number | null;
  #firstPlace: Place | null = null;

  constructor(options: OpenPeriodOptions) {
    this.#actors = options.actors;
    this.#startMs = options.closedThroughMs;
    this.#cutter = createWindowCutter({
      binMs: options.binMs,
      stepsMax: LAYOUT.steps,
      profileOf: (actor) => this.#actors.get(actor)?.profile ?? emptyProfile(),
      roles: options.roles,
      vocabularySize: options.vocabularySize,
    });
  }

  /** The first line that arrived for this or a later period: what must be read again after a crash. */
  get firstOpen(): Place | null {
    const first = this.#firstPlace;
    const ahead = this.#ahead[0]?.place ?? null;
    if (first === null || ahead === null) return first ?? ahead;
    return first.ordinal < ahead.ordinal ? first : ahead;
  }

  /** @returns false if the call's period is closed: it came too late and is dropped */
  take(call: ActorCall, place: Place): boolean {
    const { timeMs } = call.call;
    this.#startMs ??= floorToPeriod(timeMs);
    if (timeMs < this.#startMs) return false;
    if (timeMs >= this.#startMs + PERIOD_MS) this.#ahead.push({ call, place });
    else {
      this.#firstPlace ??= place;
      this.#learn(call);
    }
    return true;
  }

  /** Closes every period that ends at or before `beforeMs`; the boundary moves there even through empty periods. */
  closeBefore(beforeMs: number): ClosedPeriod | null {
    const target = floorToPeriod(beforeMs);
    if (this.#startMs !== null && target <= this.#startMs) return null;
    const windows: Window[] = [];
    const changed = new Map<string, ActorState>();
    this.#startMs ??= target;
    while (this.#startMs < target) {
      windows.push(...this.#cutter.flush(this.#startMs + PERIOD_MS));
      for (const [actor, state] of this.#moved) {
        this.#actors.set(actor, state);
        changed.set(actor, state);
      }
      this.#moved = new Map();
      this.#startMs = this.#nextStart(target);
      this.#firstPlace = null;
      const waiting = this.#ahead;
      this.#ahead = [];
      for (const { call, place } of waiting) this.take(call, place);
    }
    return { throughMs: target, windows, changed };
  }

  #nextStart(target: number): number {
    const next = this.#startMs! + PERIOD_MS;
    const earliest = this.#ahead.reduce(
      (least, { call }) => Math.min(least, call.call.timeMs),
      target,
    );
    return Math.max(next, Math.min(floorToPeriod(earliest), target));
  }

  #learn(call: ActorCall): void {
    this.#cutter.push(call);
    const before = this.#moved.get(call.actor) ?? this.#actors.get(call.actor) ?? NEWCOMER;
    const opens = before.session !== call.session || call.call.functionName === 'openSession';
    const profile = opens
      ? foldSession(before.profile, before.ring.histogram, call.call.timeMs)
      : before.profile;
    const row = {
      columns: NO_COLUMNS,
      recordTag: call.call.recordTag,
      act: call.call.act,
      outcome: call.outcome,
    };
    this.#moved.set(call.actor, {
      profile,
      session: call.session,
      // Only the ring's histogram, clock and previous act serve the profile; rows would be dead weight.
      ring: { ...pushRow(opens ? emptyRing() : before.ring, row, call.call), rows: [] },
    });
  }
}

const NEWCOMER: ActorState = { profile: emptyProfile(), session: null, ring: emptyRing() };
const NO_COLUMNS: Int16Array = new Int16Array(LAYOUT.columns.length);

export function floorToPeriod(timeMs: number): number {
  return timeMs - (timeMs % PERIOD_MS);
}

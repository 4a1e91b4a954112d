/**
 * Tables of the second line. `actor_day` and `day_reading` can be rebuilt from the access log, rankings from those; a
 * disposition is this hospital's own word. Raw identifiers never get here; actors are handles.
 * @module
 */
import type { Generated, Insertable, Selectable } from 'kysely';
import type { Migration } from '../store/migration.js';

/** What one account did on one day. */
export interface ActorDayTable {
  /** UTC day since 1970, that of the session's beginning. */
  readonly day: number;
  readonly actor: string;
  readonly role: string;
  /** JSON: `{ columns, acts }` of `DayCounts`. */
  readonly counts: string;
  /** Float64 little-endian in the order of `DAY_MEMBERS`; null while the day is not over. */
  surprises: Uint8Array | null;
}

/** How far the log was counted, and what counting goes on from. */
export interface DayReadingTable {
  /** Always 0. */
  readonly id: Generated<number>;
  through_ms: number;
  /** JSON. */
  state: string;
  /** Everything before this instant is ranked. */
  ranked_through_ms: Generated<number>;
}

export interface DayRankingTable {
  readonly day: number;
  readonly through_ms: number;
  readonly is_over: number;
  /** Actor-days of this day. */
  readonly cases: number;
  readonly calibration_days: number;
  readonly calibration_cases: number;
  /** Share of days that the budget keeps; null: too few days to compare with. */
  readonly alpha_ppm: number | null;
  readonly kept: number;
  /** JSON: what could not be looked at, by word. */
  readonly missing: string;
}

export interface RankedDayTable {
  readonly id: Generated<number>;
  readonly day: number;
  readonly actor: string;
  readonly role: string;
  /** 1 is the strangest of its day. */
  readonly place: number;
  /** Sum of 1 / p over the members, in millionths. */
  readonly evidence: number;
  /** So many calibration days have this evidence or more. */
  readonly as_strange: number;
  /** 1: within the alert budget. */
  readonly kept: number;
  /** JSON: `DayFinding[]`. */
  readonly reasons: string;
}

export interface DayDispositionTable {
  readonly id: Generated<number>;
  readonly ranked_day: number;
  readonly kind: 'nothing' | 'review';
  readonly reason: string;
  readonly by_name: string;
  readonly at_ms: number;
  /** Of `review`: the call that was reported, and the transaction that reports it. */
  readonly tx_id: string | null;
  readonly report_tx_id: string | null;
}

/** What the hook's networks say of an account's calls on the ledger, on one day. */
export interface LedgerDayTable {
  readonly day: number;
  /** As the ledger names it. */
  readonly actor: string;
  /** `packWindow` of each judged call, one behind the other. */
  readonly windows: Uint8Array;
}

/** On which day a session on the ledger began. */
export interface LedgerSessionTable {
  readonly actor: string;
  readonly session: string;
  readonly day: number;
}

export type DayDisposition = Selectable<DayDispositionTable>;
export type NewDayDisposition = Insertable<DayDispositionTable>;

/** A type and no interface, since Kysely asks for an index signature. */
export type SecondLineTables = {
  actor_day: ActorDayTable;
  day_reading: DayReadingTable;
  day_ranking: DayRankingTable;
  ranked_day: RankedDayTable;
  day_disposition: DayDispositionTable;
  ledger_day: LedgerDayTable;
  ledger_session: LedgerSessionTable;
};

export const secondLineSchema: Migration = {
  name: 'second-line-1',
  sql: `
    CREATE TABLE actor_day (
      day       INTEGER NOT NULL,
      actor     TEXT NOT NULL,
      role      TEXT NOT NULL,
      counts    TEXT NOT NULL,
      surprises BLOB,
      PRIMARY KEY (day, actor)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE day_reading (
      id                INTEGER PRIMARY KEY DEFAULT 0 CHECK (id = 0),
      through_ms        INTEGER NOT NULL,
      state             TEXT NOT NULL,
      ranked_through_ms INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE day_ranking (
      day               INTEGER PRIMARY KEY,
      through_ms        INTEGER NOT NULL,
      is_over           INTEGER NOT NULL CHECK (is_over IN (0, 1)),
      cases             INTEGER NOT NULL,
      calibration_days  INTEGER NOT NULL,
      calibration_cases INTEGER NOT NULL,
      alpha_ppm         INTEGER,
      kept              INTEGER NOT NULL,
      missing           TEXT NOT NULL
    ) STRICT;
    CREATE TABLE ranked_day (
      id         INTEGER PRIMARY KEY,
      day        INTEGER NOT NULL,
      actor      TEXT NOT NULL,
      role       TEXT NOT NULL,
      place      INTEGER NOT NULL,
      evidence   INTEGER NOT NULL,
      as_strange INTEGER NOT NULL,
      kept       INTEGER NOT NULL CHECK (kept IN (0, 1)),
      reasons    TEXT NOT NULL,
      UNIQUE (day, actor)
    ) STRICT;
    CREATE INDEX ranked_day_order ON ranked_day (day, place);
    CREATE TABLE day_disposition (
      id           INTEGER PRIMARY KEY,
      ranked_day   INTEGER NOT NULL REFERENCES ranked_day (id),
      kind         TEXT NOT NULL CHECK (kind IN ('nothing', 'review')),
      reason       TEXT NOT NULL,
      by_name      TEXT NOT NULL,
      at_ms        INTEGER NOT NULL,
      tx_id        TEXT,
      report_tx_id TEXT
    ) STRICT;
    CREATE INDEX day_disposition_of ON day_disposition (ranked_day);
  `,
};

/** Calls on the ledger, by day. */
export const ledgerDaySchema: Migration = {
  name: 'second-line-2-calls',
  sql: `
    CREATE TABLE ledger_day (
      day     INTEGER NOT NULL,
      actor   TEXT NOT NULL,
      windows BLOB NOT NULL,
      PRIMARY KEY (day, actor)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE ledger_session (
      actor   TEXT NOT NULL,
      session TEXT NOT NULL,
      day     INTEGER NOT NULL,
      PRIMARY KEY (actor, session)
    ) STRICT, WITHOUT ROWID;
  `,
};

/**
 * Tables of the access log: how far it was read, what was cut from it, what each actor's normal looks like.
 * Raw identifiers never get here; actors are handles.
 * @module
 */
import type { Generated } from 'kysely';
import type { Migration } from '../store/migration.js';

export interface LogPositionTable {
  /** Always 0: one log per node. */
  readonly id: Generated<number>;
  /** Where the oldest period that is still open begins; reading restarts here. */
  resume_inode: string;
  resume_fingerprint: string;
  resume_offset: number;
  resume_line: number;
  /** How many lines, of all files so far, stand before that place. */
  resume_ordinal: number;
  /** How many lines were counted; reading the last of them again does not count them again. */
  counted_lines: number;
  malformed_lines: number;
  late_events: number;
  last_malformed_line: number | null;
  last_malformed_reason: string | null;
  /** Everything before this instant of log time is in `training_window` and `actor_state`. */
  closed_through_ms: number | null;
  newest_event_ms: number | null;
  live_from_ms: number | null;
}

export interface TrainingWindowTable {
  readonly actor: string;
  readonly bin_start_ms: number;
  readonly window_id: string;
  readonly length: number;
  readonly mask: number;
  /** int16 little-endian, `[length, 24]`. */
  readonly rows: Uint8Array;
}

/** An actor as of the last closed period. */
export interface ActorStateTable {
  readonly actor: string;
  /** `encodeProfile` */
  readonly profile: Uint8Array;
  /** Handle of the session that is not over yet, and its `encodeRing`. */
  readonly session: string | null;
  readonly ring: Uint8Array;
}

/** Profiles as of the first live instant, frozen for enrolment on the channel. */
export interface StartingProfileTable {
  readonly actor: string;
  readonly profile: Uint8Array;
}

/** Actors whose starting profile the channel has. */
export interface EnrolledActorTable {
  readonly ledger_actor: string;
}

/** What this hospital said about a proposed detector. */
export interface AttestationTable {
  readonly version: number;
  readonly model_hash: string;
  readonly verdict: 'attested' | 'refused';
  readonly code: string | null;
  readonly reason: string | null;
}

export interface SettingTable {
  readonly name: string;
  value: string;
}

export interface AccessLogTables {
  log_position: LogPositionTable;
  training_window: TrainingWindowTable;
  actor_state: ActorStateTable;
  starting_profile: StartingProfileTable;
  enrolled_actor: EnrolledActorTable;
  attestation: AttestationTable;
  setting: SettingTable;
}

export const accessLogSchema: Migration = {
  name: '0001-access-log',
  sql: `
    CREATE TABLE log_position (
      id INTEGER PRIMARY KEY DEFAULT 0 CHECK (id = 0),
      resume_inode TEXT NOT NULL,
      resume_fingerprint TEXT NOT NULL,
      resume_offset INTEGER NOT NULL,
      resume_line INTEGER NOT NULL,
      resume_ordinal INTEGER NOT NULL,
      counted_lines INTEGER NOT NULL,
      malformed_lines INTEGER NOT NULL,
      late_events INTEGER NOT NULL,
      last_malformed_line INTEGER,
      last_malformed_reason TEXT,
      closed_through_ms INTEGER,
      newest_event_ms INTEGER,
      live_from_ms INTEGER
    ) STRICT;
    CREATE TABLE training_window (
      actor TEXT NOT NULL,
      bin_start_ms INTEGER NOT NULL,
      window_id TEXT NOT NULL,
      length INTEGER NOT NULL,
      mask INTEGER NOT NULL,
      rows BLOB NOT NULL,
      PRIMARY KEY (bin_start_ms, actor)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE actor_state (
      actor TEXT PRIMARY KEY,
      profile BLOB NOT NULL,
      session TEXT,
      ring BLOB NOT NULL
    ) STRICT;
    CREATE TABLE starting_profile (actor TEXT PRIMARY KEY, profile BLOB NOT NULL) STRICT;
    CREATE TABLE enrolled_actor (ledger_actor TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
    CREATE TABLE attestation (
      version INTEGER PRIMARY KEY,
      model_hash TEXT NOT NULL,
      verdict TEXT NOT NULL CHECK (verdict IN ('attested', 'refused')),
      code TEXT,
      reason TEXT
    ) STRICT;
    CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  `,
};

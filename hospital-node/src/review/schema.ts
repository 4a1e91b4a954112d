/**
 * Tables of the review. Everything in `hold*`, `detector_*` and `label` can be rebuilt from the blocks; `hold_reason`,
 * `person` and `person_session` are this hospital's own and live nowhere else.
 * @module
 */
import type { Migration } from '../store/migration.js';

export const reviewSchema: Migration = {
  name: 'review-1',
  sql: `
    CREATE TABLE hold (
      tx_id         TEXT PRIMARY KEY,
      kind          TEXT NOT NULL CHECK (kind IN ('quarantine', 'review')),
      number        INTEGER NOT NULL UNIQUE,
      msp_id        TEXT NOT NULL,
      actor         TEXT NOT NULL,
      role          TEXT NOT NULL,
      ward          TEXT NOT NULL,
      function      TEXT NOT NULL,
      arguments     TEXT NOT NULL,
      cause         TEXT NOT NULL,
      score         INTEGER,
      state         TEXT NOT NULL,
      version       INTEGER NOT NULL,
      deadline_ms   INTEGER NOT NULL,
      at_ms         INTEGER NOT NULL,
      filed_ms      INTEGER NOT NULL,
      holder        TEXT,
      proposer      TEXT,
      model_version INTEGER,
      model_hash    TEXT,
      table_hash    TEXT,
      record        TEXT NOT NULL,
      block         INTEGER NOT NULL,
      position      INTEGER NOT NULL,
      block_hash    TEXT NOT NULL,
      endorsers     TEXT NOT NULL,
      ring          BLOB
    ) STRICT;
    CREATE INDEX hold_due   ON hold (msp_id, state, deadline_ms, number);
    CREATE INDEX hold_actor ON hold (actor, at_ms);

    CREATE TABLE hold_step (
      hold       TEXT NOT NULL REFERENCES hold (tx_id),
      version    INTEGER NOT NULL,
      tx_id      TEXT NOT NULL,
      block      INTEGER NOT NULL,
      step       TEXT NOT NULL,
      by_actor   TEXT NOT NULL,
      msp_id     TEXT NOT NULL,
      at_ms      INTEGER NOT NULL,
      to_state   TEXT NOT NULL,
      reason     TEXT,
      PRIMARY KEY (hold, version)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE hold_grant (
      hold       TEXT PRIMARY KEY REFERENCES hold (tx_id),
      actor      TEXT NOT NULL,
      digest     TEXT NOT NULL,
      expires_ms INTEGER NOT NULL,
      used_by    TEXT
    ) STRICT;

    CREATE TABLE hold_reason (
      digest TEXT PRIMARY KEY,
      nonce  TEXT NOT NULL,
      text   TEXT NOT NULL
    ) STRICT;

    CREATE TABLE label (
      hold    TEXT PRIMARY KEY REFERENCES hold (tx_id),
      msp_id  TEXT NOT NULL,
      actor   TEXT NOT NULL,
      at_ms   INTEGER NOT NULL,
      state   TEXT NOT NULL CHECK (state IN ('pending', 'released', 'confirmed')),
      finding TEXT NOT NULL
    ) STRICT;
    CREATE INDEX label_actor ON label (actor, at_ms, state);
    CREATE INDEX label_state ON label (msp_id, state);

    CREATE TABLE detector_blob (
      hash  TEXT PRIMARY KEY,
      bytes BLOB NOT NULL
    ) STRICT;
    CREATE TABLE detector_pointer (
      model_hash TEXT PRIMARY KEY,
      version    INTEGER NOT NULL,
      table_hash TEXT NOT NULL,
      block      INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE person (
      name            TEXT PRIMARY KEY,
      role            TEXT NOT NULL CHECK (role IN ('analyst', 'privacy-officer')),
      password_hash   TEXT NOT NULL,
      certificate     TEXT NOT NULL,
      private_key     TEXT NOT NULL,
      actor           TEXT NOT NULL UNIQUE,
      msp_id          TEXT NOT NULL,
      added_at_ms     INTEGER NOT NULL,
      failures        INTEGER NOT NULL DEFAULT 0,
      failed_at_ms    INTEGER NOT NULL DEFAULT 0
    ) STRICT;

    CREATE TABLE person_session (
      id_hash       TEXT PRIMARY KEY,
      person        TEXT NOT NULL REFERENCES person (name) ON DELETE CASCADE,
      csrf          TEXT NOT NULL,
      created_at_ms INTEGER NOT NULL,
      seen_at_ms    INTEGER NOT NULL
    ) STRICT;
  `,
};

/** Waits belong to names, not to people: a name that nobody has gets them too. */
export const signInFailureSchema: Migration = {
  name: 'review-2-sign-in-failure',
  sql: `
    CREATE TABLE sign_in_failure (
      name_hash    TEXT PRIMARY KEY,
      failures     INTEGER NOT NULL,
      failed_at_ms INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX sign_in_failure_age ON sign_in_failure (failed_at_ms);
    ALTER TABLE person DROP COLUMN failures;
    ALTER TABLE person DROP COLUMN failed_at_ms;
  `,
};

/** Changes by block for live pages, and the answers of idempotent requests. */
export const queueSchema: Migration = {
  name: 'review-3-queue',
  sql: `
    CREATE INDEX hold_step_block ON hold_step (block, hold);
    CREATE TABLE answered (
      id           TEXT PRIMARY KEY,
      request_hash TEXT NOT NULL,
      answer       TEXT NOT NULL,
      at_ms        INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX answered_age ON answered (at_ms);
  `,
};

/** Decided holds of a role and operation, the newest first. */
export const precedentSchema: Migration = {
  name: 'review-4-precedent',
  sql: `CREATE INDEX hold_precedent ON hold (msp_id, role, function, number DESC);`,
};

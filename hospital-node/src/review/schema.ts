/**
 * Tables of the review. Everything in `hold*`, `detector_*` and `label` can be rebuilt from the blocks; `hold_reason`,
 * `person` and `person_session` are this hospital's own and live nowhere else.
 * @module
 */
import { inPostgresql } from '../store/engine.js';
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

/**
 * Roles of the page, and sessions of people who come from the hospital's identity provider: they need no account here,
 * so a session carries name and role itself.
 */
export const signInSchema: Migration = {
  name: 'review-5-sign-in',
  sql: `
    DROP TABLE person_session;
    CREATE TABLE person_of_role (
      name            TEXT PRIMARY KEY,
      role            TEXT NOT NULL
        CHECK (role IN ('analyst', 'supervisor', 'privacy-officer', 'auditor', 'admin')),
      password_hash   TEXT NOT NULL,
      certificate     TEXT NOT NULL,
      private_key     TEXT NOT NULL,
      actor           TEXT NOT NULL UNIQUE,
      msp_id          TEXT NOT NULL,
      added_at_ms     INTEGER NOT NULL
    ) STRICT;
    INSERT INTO person_of_role
      SELECT name, role, password_hash, certificate, private_key, actor, msp_id, added_at_ms FROM person;
    DROP TABLE person;
    ALTER TABLE person_of_role RENAME TO person;
    CREATE TABLE person_session (
      id_hash       TEXT PRIMARY KEY,
      name          TEXT NOT NULL,
      role          TEXT NOT NULL
        CHECK (role IN ('analyst', 'supervisor', 'privacy-officer', 'auditor', 'admin')),
      method        TEXT NOT NULL CHECK (method IN ('password', 'oidc')),
      csrf          TEXT NOT NULL,
      created_at_ms INTEGER NOT NULL,
      seen_at_ms    INTEGER NOT NULL
    ) STRICT;
  `,
};

/**
 * The words of a hold that never change. `-` belongs to a word, as in H-12 and P-71; a ward's name counts in parts too.
 * `hold-search.ts` says how words are cut; the trigger went with `review-8-trait`.
 */
export const searchSchema: Migration = {
  name: 'review-6-search',
  sql: {
    sqlite: `
      CREATE VIRTUAL TABLE hold_search USING fts5
        (words, content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 2 tokenchars '-'");
      CREATE TRIGGER hold_filed AFTER INSERT ON hold BEGIN
        INSERT INTO hold_search (rowid, words) VALUES (new.number,
          'h-' || new.number || ' p-' || new.actor || ' ' || new.role || ' ' || new.ward || ' '
          || replace(new.ward, '-', ' ') || ' ' || new.function || ' ' || new.tx_id);
      END;
      CREATE TRIGGER hold_forgotten AFTER DELETE ON hold BEGIN
        DELETE FROM hold_search WHERE rowid = old.number;
      END;
      INSERT INTO hold_search (rowid, words)
        SELECT number, 'h-' || number || ' p-' || actor || ' ' || role || ' ' || ward || ' '
          || replace(ward, '-', ' ') || ' ' || function || ' ' || tx_id FROM hold;
    `,
    postgresql: `
      CREATE TABLE hold_search (number BIGINT PRIMARY KEY, words TSVECTOR NOT NULL);
      CREATE INDEX hold_search_words ON hold_search USING gin (words);
    `,
  },
};

/**
 * The desk around the queue. `guarded_call` and `hold_suppression` can be rebuilt (from blocks, from the rules); the rest is
 * this hospital's own word.
 */
export const deskSchema: Migration = {
  name: 'review-7-desk',
  sql: `
    CREATE INDEX hold_filed   ON hold (msp_id, filed_ms);
    CREATE INDEX hold_glass   ON hold (msp_id, state) WHERE cause = 'break-glass';
    CREATE INDEX hold_step_at ON hold_step (step, at_ms);

    CREATE TABLE guarded_call (
      place     INTEGER PRIMARY KEY,
      actor     TEXT NOT NULL,
      role      TEXT NOT NULL,
      ward      TEXT NOT NULL,
      function  TEXT NOT NULL,
      at_ms     INTEGER NOT NULL,
      filed_ms  INTEGER NOT NULL,
      score     INTEGER,
      alpha_ppm INTEGER,
      held      INTEGER NOT NULL CHECK (held IN (0, 1)),
      columns   BLOB
    ) STRICT;
    CREATE INDEX guarded_call_actor ON guarded_call (actor, at_ms);
    CREATE INDEX guarded_call_role  ON guarded_call (role, filed_ms);
    CREATE INDEX guarded_call_score ON guarded_call (filed_ms, alpha_ppm, score);

    CREATE TABLE suppression (
      id           INTEGER PRIMARY KEY,
      state        TEXT NOT NULL CHECK (state IN ('proposed', 'active', 'ended')),
      rule         TEXT NOT NULL,
      preview      TEXT NOT NULL,
      needs_second INTEGER NOT NULL CHECK (needs_second IN (0, 1)),
      reason       TEXT NOT NULL,
      owner        TEXT NOT NULL,
      created_ms   INTEGER NOT NULL,
      expires_ms   INTEGER NOT NULL,
      approver     TEXT,
      ended_by     TEXT,
      ended_reason TEXT,
      ended_ms     INTEGER
    ) STRICT;
    CREATE TABLE hold_suppression (
      hold        TEXT NOT NULL REFERENCES hold (tx_id),
      suppression INTEGER NOT NULL REFERENCES suppression (id),
      PRIMARY KEY (hold, suppression)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX hold_suppression_of ON hold_suppression (suppression);

    CREATE TABLE review_case (
      id        INTEGER PRIMARY KEY,
      title     TEXT NOT NULL,
      status    TEXT NOT NULL CHECK (status IN ('open', 'in-progress', 'waiting', 'closed')),
      assignee  TEXT,
      version   INTEGER NOT NULL,
      opened_by TEXT NOT NULL,
      opened_ms INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE review_case_hold (
      case_id INTEGER NOT NULL REFERENCES review_case (id),
      hold    TEXT NOT NULL UNIQUE REFERENCES hold (tx_id),
      PRIMARY KEY (case_id, hold)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE review_case_step (
      case_id INTEGER NOT NULL REFERENCES review_case (id),
      version INTEGER NOT NULL,
      at_ms   INTEGER NOT NULL,
      by_name TEXT NOT NULL,
      what    TEXT NOT NULL,
      text    TEXT NOT NULL,
      PRIMARY KEY (case_id, version)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE saved_view (
      id    INTEGER PRIMARY KEY,
      name  TEXT NOT NULL UNIQUE,
      query TEXT NOT NULL,
      owner TEXT NOT NULL,
      at_ms INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE step_reason (
      step_tx TEXT PRIMARY KEY,
      text    TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE alert_budget_proposal (
      id        INTEGER PRIMARY KEY,
      alpha_ppm INTEGER NOT NULL,
      reason    TEXT NOT NULL,
      figures   TEXT NOT NULL,
      owner     TEXT NOT NULL,
      at_ms     INTEGER NOT NULL
    ) STRICT;
  `,
};

/**
 * What rules and cases ask of a hold, each a column of its own: the main reason, the function without its contract, the
 * record that was asked for.
 */
export const traitSchema: Migration = {
  name: 'review-8-trait',
  sql: {
    sqlite: `
      ALTER TABLE hold ADD COLUMN top_reason TEXT;
      ALTER TABLE hold ADD COLUMN operation TEXT NOT NULL DEFAULT '';
      ALTER TABLE hold ADD COLUMN subject TEXT NOT NULL DEFAULT '';
      UPDATE hold SET top_reason = json_extract(record, '$.reasons[0].column'),
        operation = substr(function, instr(function, ':') + 1),
        subject = coalesce(json_extract(arguments, '$[1]'), '');
      CREATE INDEX hold_subject ON hold (subject);
      DROP TRIGGER hold_filed;
      DROP TRIGGER hold_forgotten;
    `,
    // A server's database is younger than this step: no hold has to be read again.
    postgresql: inPostgresql(`
      ALTER TABLE hold ADD COLUMN top_reason TEXT;
      ALTER TABLE hold ADD COLUMN operation TEXT NOT NULL DEFAULT '';
      ALTER TABLE hold ADD COLUMN subject TEXT NOT NULL DEFAULT '';
      CREATE INDEX hold_subject ON hold (subject);
    `),
  },
};

/** A reported call stood at the time of its report; its label, then, kept the wrong stretch of log from training. */
export const reportedTimeSchema: Migration = {
  name: 'review-9-reported-time',
  sql: `
    UPDATE hold SET at_ms = coalesce(
      (SELECT coalesce(c.at_ms, t.timestamp_ms) FROM ledger_transaction t
        LEFT JOIN guarded_call c ON c.place = t.block * 1000000 + t.position
        WHERE t.tx_id = hold.tx_id AND t.code = 0), at_ms)
      WHERE cause = 'second-line';
    UPDATE label SET at_ms = (SELECT at_ms FROM hold WHERE hold.tx_id = label.hold)
      WHERE hold IN (SELECT tx_id FROM hold WHERE cause = 'second-line');
  `,
};

/** Every suppression needs a second person, who says why; which one needed her is no question any more. */
export const suppressionApprovalSchema: Migration = {
  name: 'review-10-suppression-approval',
  sql: `
    ALTER TABLE suppression ADD COLUMN approval_reason TEXT;
    ALTER TABLE suppression DROP COLUMN needs_second;
  `,
};

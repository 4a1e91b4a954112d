/**
 * Where the node stands in the channel: one row a channel, moved in the same transaction as the block's effects.
 * @module
 */
import type { Migration } from '../store/migration.js';

export const fabricSchema: Migration = {
  name: 'fabric-1',
  sql: `
    CREATE TABLE block_checkpoint (
      channel       TEXT PRIMARY KEY,
      next_block    INTEGER NOT NULL CHECK (next_block >= 0),
      previous_hash TEXT NOT NULL,
      applied_at_ms INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE ledger_transaction (
      block        INTEGER NOT NULL,
      position     INTEGER NOT NULL,
      tx_id        TEXT NOT NULL,
      code         INTEGER NOT NULL,
      function     TEXT NOT NULL,
      msp_id       TEXT NOT NULL,
      actor        TEXT NOT NULL,
      timestamp_ms INTEGER NOT NULL,
      PRIMARY KEY (block, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX ledger_transaction_id ON ledger_transaction (tx_id);
    CREATE TABLE ledger_block (
      number INTEGER PRIMARY KEY,
      hash   TEXT NOT NULL
    ) STRICT;
  `,
};

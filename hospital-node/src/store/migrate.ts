/**
 * Brings a database forward, step by step, whichever engine it is of.
 * @module
 */
import { StoreError } from '../errors.js';
import type { Engine } from './engine.js';
import { statementsOf, type Migration } from './migration.js';

/** A database as far as its schema goes. */
export interface MigrationTarget {
  readonly engine: Engine;
  /** For sentences: the file, or the address without a password. */
  readonly name: string;
  readonly begin: string;
  /** Has a row if the table of steps is there. */
  readonly hasRecords: string;
  exec(script: string): Promise<void>;
  rows(query: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Keeps what is there, before a step of this name. */
  copyAside(step: string): void;
}

const RECORDS: Migration = {
  name: 'records',
  sql: `CREATE TABLE IF NOT EXISTS schema_migration (position INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;`,
};

/** @throws {StoreError} `ERR_STORE_NEWER`, `ERR_STORE_MIGRATION` */
export async function migrate(
  target: MigrationTarget,
  migrations: readonly Migration[],
  readOnly: boolean,
): Promise<void> {
  const { name, engine } = target;
  const applied = await appliedSteps(target);
  requireKnown(target, applied, migrations);
  const missing = migrations.slice(applied.length);
  if (missing.length === 0) return;
  if (readOnly) {
    throw new StoreError(
      'ERR_STORE_MIGRATION',
      `${name} ${applied.length === 0 ? 'has no tables yet' : 'is older than this program'}; start the node once`,
      { database: name, steps: applied.length },
    );
  }
  if (applied.length === 0) await target.exec(statementsOf(RECORDS, engine));
  else target.copyAside(missing[0]!.name);
  for (const [index, migration] of missing.entries()) {
    await applyStep(target, migration, applied.length + index);
  }
}

async function appliedSteps(target: MigrationTarget): Promise<readonly string[]> {
  if ((await target.rows(target.hasRecords)).length === 0) return [];
  const rows = await target.rows('SELECT name FROM schema_migration ORDER BY position');
  return rows.map((row) => String(row['name']));
}

function requireKnown(
  { name }: MigrationTarget,
  applied: readonly string[],
  migrations: readonly Migration[],
): void {
  applied.forEach((found, position) => {
    const known = migrations[position]?.name;
    if (found === known) return;
    throw new StoreError(
      'ERR_STORE_NEWER',
      `${name}: step ${position} is '${found}', this program knows ${known === undefined ? 'no such step' : `'${known}'`}; run the program that wrote it or a newer one`,
      { database: name, position, found },
    );
  });
}

async function applyStep(
  target: MigrationTarget,
  migration: Migration,
  position: number,
): Promise<void> {
  try {
    await target.exec(target.begin);
    // Another process may have been faster.
    if ((await appliedSteps(target)).length === position) {
      await target.exec(statementsOf(migration, target.engine));
      // Names of steps are ours: letters, digits and hyphens.
      await target.exec(
        `INSERT INTO schema_migration (position, name) VALUES (${position}, '${migration.name}')`,
      );
    }
    await target.exec('COMMIT');
  } catch (cause) {
    await target.exec('ROLLBACK').catch(() => undefined);
    throw new StoreError(
      'ERR_STORE_MIGRATION',
      `${target.name}: step '${migration.name}' failed`,
      { database: target.name, step: migration.name },
      cause,
    );
  }
}

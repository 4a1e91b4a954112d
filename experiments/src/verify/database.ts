/** Opens a SQLite file of a stopped process for reading only. @module */
import { existsSync } from 'node:fs';
import { DatabaseSync } from '@photostructure/sqlite';
import { ExperimentError } from '../errors.js';

export type Row = Readonly<Record<string, unknown>>;

export interface ReadOnlyDatabase extends Disposable {
  rows(sql: string): Row[];
}

export function openReadOnly(file: string): ReadOnlyDatabase {
  if (!existsSync(file)) {
    throw new ExperimentError('ERR_VERIFY_STATE', `expected a database at ${file}, found nothing`, {
      file,
    });
  }
  const database = new DatabaseSync(file, { readOnly: true });
  return {
    rows: (sql) => database.prepare(sql).all() as Row[],
    [Symbol.dispose]: () => database.close(),
  };
}

/**
 * One step of the schema, forwards only. A step that has shipped is never edited; the next one corrects it.
 * @module
 */
import { inPostgresql, type Engine } from './engine.js';

export interface Migration {
  /** Stable, unique; what `schema_migration` records. */
  readonly name: string;
  /**
   * Plain SQL in SQLite's words, every table `STRICT`; PostgreSQL's follow from it. A pair where the engines share no
   * words. Run in one transaction together with the record of it.
   */
  readonly sql: string | Readonly<Record<Engine, string>>;
}

export function statementsOf({ sql }: Migration, engine: Engine): string {
  if (typeof sql !== 'string') return sql[engine];
  return engine === 'sqlite' ? sql : inPostgresql(sql);
}

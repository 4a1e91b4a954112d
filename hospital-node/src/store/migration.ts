/**
 * One step of the schema, forwards only. A step that has shipped is never edited; the next one corrects it.
 * @module
 */
export interface Migration {
  /** Stable, unique; what `schema_migration` records. */
  readonly name: string;
  /** Plain SQL, run in one transaction together with the record of it. Every table is `STRICT`. */
  readonly sql: string;
}

/**
 * What the gauges and counters said, sample by sample, so that a plot outlives the process that exported them. Bounded: a
 * resolution keeps its samples for a stated time and then forgets them.
 * @module
 */
import type { Kysely } from 'kysely';
import type { Tables } from './schema.js';

export interface MetricSample {
  readonly atMs: number;
  /** By the metric's name, then by its labels' values joined with a space; '' for a metric without labels. */
  readonly series: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export class MetricStore {
  readonly #db: Kysely<Tables>;

  constructor(database: Kysely<Tables>) {
    this.#db = database;
  }

  /** Keeps one sample, unless its moment has one, and forgets those of this resolution that are older than `sinceMs`. */
  async put(resolutionMs: number, sample: MetricSample, sinceMs: number): Promise<void> {
    await this.#db
      .insertInto('metric_sample')
      .values({
        resolution_ms: resolutionMs,
        at_ms: sample.atMs,
        series: JSON.stringify(sample.series),
      })
      .onConflict((c) => c.doNothing())
      .execute();
    await this.#db
      .deleteFrom('metric_sample')
      .where('resolution_ms', '=', resolutionMs)
      .where('at_ms', '<', sinceMs)
      .execute();
  }

  /** Oldest first. */
  async list(resolutionMs: number, sinceMs: number): Promise<readonly MetricSample[]> {
    const rows = await this.#db
      .selectFrom('metric_sample')
      .select(['at_ms', 'series'])
      .where('resolution_ms', '=', resolutionMs)
      .where('at_ms', '>=', sinceMs)
      .orderBy('at_ms')
      .execute();
    return rows.map((row) => ({
      atMs: row.at_ms,
      series: JSON.parse(row.series) as MetricSample['series'],
    }));
  }
}

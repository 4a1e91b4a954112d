/**
 * Counted days in `node.sqlite`.
 * @module
 */
import type { DayColumn, DayCounts } from '@bhschain/models/features';
import type { NodeDatabase } from '../store/index.js';
import type { DayLogState } from './day-log.js';
import type { SecondLineTables } from './schema.js';

const ROWS_PER_STATEMENT = 100;

export async function readDayState(
  database: NodeDatabase,
): Promise<{ readonly throughMs: number; readonly state: DayLogState } | null> {
  const row = await database
    .withTables<SecondLineTables>()
    .selectFrom('day_reading')
    .select(['through_ms', 'state'])
    .executeTakeFirst();
  return row === undefined
    ? null
    : { throughMs: row.through_ms, state: JSON.parse(row.state) as DayLogState };
}

/** Within the caller's transaction. */
export async function writeDays(
  transaction: NodeDatabase,
  o: Readonly<{ throughMs: number; state: DayLogState; days: readonly DayCounts[] }>,
): Promise<void> {
  const tables = transaction.withTables<SecondLineTables>();
  for (let from = 0; from < o.days.length; from += ROWS_PER_STATEMENT) {
    await tables
      .insertInto('actor_day')
      .values(
        o.days
          .slice(from, from + ROWS_PER_STATEMENT)
          .map(({ day, actor, role, columns, acts }) => ({
            ...{ day, actor, role },
            counts: JSON.stringify({ columns, acts: [...acts] }),
            surprises: null,
          })),
      )
      .onConflict((conflict) =>
        conflict.columns(['day', 'actor']).doUpdateSet((row) => ({
          role: row.ref('excluded.role'),
          counts: row.ref('excluded.counts'),
        })),
      )
      .execute();
  }
  const reading = { through_ms: o.throughMs, state: JSON.stringify(o.state) };
  await tables
    .insertInto('day_reading')
    .values({ id: 0, ...reading })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(reading))
    .execute();
}

export interface CountedDay {
  readonly counts: DayCounts;
  /** As judged when the day was over; null: to be judged. */
  readonly surprises: Float64Array | null;
}

/** All accounts of a day, by handle. */
export async function countedDays(
  database: NodeDatabase,
  day: number,
): Promise<readonly CountedDay[]> {
  const rows = await database
    .withTables<SecondLineTables>()
    .selectFrom('actor_day')
    .selectAll()
    .where('day', '=', day)
    .orderBy('actor')
    .execute();
  return rows.map(({ actor, role, counts, surprises }) => {
    const { columns, acts } = JSON.parse(counts) as {
      columns: Record<DayColumn, number>;
      acts: [number, number][];
    };
    return {
      counts: { actor, role, day, columns, acts: new Map(acts) },
      surprises: surprises === null ? null : fromBytes(surprises),
    };
  });
}

export function toBytes(values: Float64Array): Uint8Array {
  const bytes = new Uint8Array(values.length * 8);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    view.setFloat64(i * 8, value, true);
  });
  return bytes;
}

export function fromBytes(bytes: Uint8Array): Float64Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float64Array.from({ length: bytes.byteLength / 8 }, (_, i) =>
    view.getFloat64(i * 8, true),
  );
}

/**
 * Small counts beside the views of the queue.
 * @module
 */
import { sql } from 'kysely';
import { oneRow, type NodeDatabase } from '../store/index.js';

/** Calls that ran in an emergency and wait for their review. */
export async function countBreakGlass(database: NodeDatabase, mspId: string): Promise<number> {
  const row = await oneRow(
    database,
    sql<{
      n: number;
    }>`SELECT count(*) AS n FROM hold WHERE msp_id = ${mspId} AND cause = 'break-glass'
      AND state IN ('open', 'claimed', 'proposed', 'escalated')`,
  );
  return row.n;
}

/**
 * Small counts beside the views of the queue.
 * @module
 */
import type { DatabaseSyncInstance } from '@photostructure/sqlite';

/** Calls that ran in an emergency and wait for their review. */
export function countBreakGlass(database: DatabaseSyncInstance, mspId: string): number {
  const row = database
    .prepare(
      `SELECT count(*) AS n FROM hold WHERE msp_id = ? AND cause = 'break-glass'
       AND state IN ('open', 'claimed', 'proposed', 'escalated')`,
    )
    .get(mspId) as { n: number };
  return row.n;
}

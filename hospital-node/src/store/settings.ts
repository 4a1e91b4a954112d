/**
 * Switches that people set from the command line while the node runs.
 * @module
 */
import type { NodeDatabase } from './database.js';

const PAUSED = 'paused';

export async function isPaused(database: NodeDatabase): Promise<boolean> {
  const row = await database
    .selectFrom('setting')
    .select('value')
    .where('name', '=', PAUSED)
    .executeTakeFirst();
  return row?.value === '1';
}

export async function setPaused(database: NodeDatabase, paused: boolean): Promise<void> {
  const value = paused ? '1' : '0';
  await database
    .insertInto('setting')
    .values({ name: PAUSED, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute();
}

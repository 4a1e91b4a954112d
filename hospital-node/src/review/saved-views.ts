/**
 * Saved views: a name for an address of the queue, shared by everybody at this hospital.
 * @module
 */
import { sql } from 'kysely';
import type { SavedView } from '../http/answers.js';
import { rowsOf, run, transact, type NodeDatabase } from '../store/index.js';
import { ReviewError } from './errors.js';

const VIEWS_MAX = 50;

export function savedViews(database: NodeDatabase): Promise<readonly SavedView[]> {
  return rowsOf(
    database,
    sql<SavedView>`SELECT id, name, query, owner FROM saved_view ORDER BY name`,
  );
}

/** A name that the same person used before gets the new address. @throws {ReviewError} `ERR_SAVED_VIEW` */
export async function saveView(
  database: NodeDatabase,
  o: Readonly<{ name: string; query: string; owner: string; nowMs: number }>,
): Promise<readonly SavedView[]> {
  await transact(database, async (transaction) => {
    const views = await savedViews(transaction);
    const same = views.find(({ name }) => name === o.name);
    if (same !== undefined && same.owner !== o.owner) {
      throw new ReviewError('ERR_SAVED_VIEW', `${same.owner} has a view of this name.`);
    }
    if (same === undefined && views.length >= VIEWS_MAX) {
      throw new ReviewError('ERR_SAVED_VIEW', `There are ${VIEWS_MAX} views; delete one first.`);
    }
    await run(
      transaction,
      sql`INSERT INTO saved_view (name, query, owner, at_ms)
        VALUES (${o.name}, ${o.query}, ${o.owner}, ${o.nowMs})
        ON CONFLICT (name) DO UPDATE SET query = excluded.query, at_ms = excluded.at_ms`,
    );
  });
  return savedViews(database);
}

/** @throws {ReviewError} `ERR_NOT_FOUND`, `ERR_FORBIDDEN` if it is somebody else's */
export async function deleteView(
  database: NodeDatabase,
  o: Readonly<{ id: number; by: string }>,
): Promise<void> {
  await transact(database, async (transaction) => {
    const known = (await savedViews(transaction)).find(({ id }) => id === o.id);
    if (known === undefined) throw new ReviewError('ERR_NOT_FOUND', 'There is no such view.');
    if (known.owner !== o.by) {
      throw new ReviewError('ERR_FORBIDDEN', `This view belongs to ${known.owner}.`);
    }
    await run(transaction, sql`DELETE FROM saved_view WHERE id = ${o.id}`);
  });
}

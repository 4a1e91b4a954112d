/**
 * Saved views: a name for an address of the queue, shared by everybody at this hospital.
 * @module
 */
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { transact } from '../fabric/transact.js';
import type { SavedView } from '../http/answers.js';
import { ReviewError } from './errors.js';

const VIEWS_MAX = 50;

export function savedViews(database: DatabaseSyncInstance): readonly SavedView[] {
  return database
    .prepare('SELECT id, name, query, owner FROM saved_view ORDER BY name')
    .all() as SavedView[];
}

/** A name that the same person used before gets the new address. @throws {ReviewError} `ERR_SAVED_VIEW` */
export async function saveView(
  database: DatabaseSyncInstance,
  o: Readonly<{ name: string; query: string; owner: string; nowMs: number }>,
): Promise<readonly SavedView[]> {
  await transact(database, () => {
    const views = savedViews(database);
    const same = views.find(({ name }) => name === o.name);
    if (same !== undefined && same.owner !== o.owner) {
      throw new ReviewError('ERR_SAVED_VIEW', `${same.owner} has a view of this name.`);
    }
    if (same === undefined && views.length >= VIEWS_MAX) {
      throw new ReviewError('ERR_SAVED_VIEW', `There are ${VIEWS_MAX} views; delete one first.`);
    }
    database
      .prepare(
        `INSERT INTO saved_view (name, query, owner, at_ms) VALUES (?, ?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET query = excluded.query, at_ms = excluded.at_ms`,
      )
      .run(o.name, o.query, o.owner, o.nowMs);
  });
  return savedViews(database);
}

/** @throws {ReviewError} `ERR_NOT_FOUND`, `ERR_FORBIDDEN` if it is somebody else's */
export async function deleteView(
  database: DatabaseSyncInstance,
  o: Readonly<{ id: number; by: string }>,
): Promise<void> {
  await transact(database, () => {
    const known = savedViews(database).find(({ id }) => id === o.id);
    if (known === undefined) throw new ReviewError('ERR_NOT_FOUND', 'There is no such view.');
    if (known.owner !== o.by) {
      throw new ReviewError('ERR_FORBIDDEN', `This view belongs to ${known.owner}.`);
    }
    database.prepare('DELETE FROM saved_view WHERE id = ?').run(o.id);
  });
}

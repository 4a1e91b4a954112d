/** The node's database, read beside a running node or without one. @module */
import { existsSync } from 'node:fs';
import type { NodeConfig } from '../config.js';
import { storePlaceOf } from '../parts/store-place.js';
import { openNodeDatabase, type NodeDatabase } from '../store/index.js';

export type ReadDatabase = NodeDatabase;

/** @returns null if there is no database yet */
export async function withDatabase<T>(
  config: NodeConfig,
  use: (database: NodeDatabase) => Promise<T>,
): Promise<T | null> {
  const place = storePlaceOf(config);
  if ('file' in place && !existsSync(place.file)) return null;
  const database = await openNodeDatabase({ ...place, readOnly: true });
  try {
    return await use(database);
  } finally {
    await database.destroy();
  }
}

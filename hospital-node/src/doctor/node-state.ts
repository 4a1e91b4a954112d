/** The node's database, read beside a running node or without one. @module */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeConfig } from '../config.js';
import { openNodeDatabase, type NodeDatabase } from '../store/index.js';

export type ReadDatabase = NodeDatabase;

/** @returns null if there is no database yet */
export async function withDatabase<T>(
  config: NodeConfig,
  use: (database: NodeDatabase) => Promise<T>,
): Promise<T | null> {
  const file = join(config.stateDir, 'node.sqlite');
  if (!existsSync(file)) return null;
  const database = openNodeDatabase({ file, readOnly: true });
  try {
    return await use(database);
  } finally {
    await database.destroy();
  }
}

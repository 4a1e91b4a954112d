/** The node's database, read beside a running node or without one. @module */
import { existsSync } from 'node:fs';
import type { NodeConfig } from '../config.js';
import { storePlaceOf } from '../parts/store-place.js';
import { connectNodeDatabase, openNodeDatabase, type NodeDatabase } from '../store/index.js';
import { skip, type Look } from './check.js';
import { ifReached } from './context.js';

export type ReadDatabase = NodeDatabase;

type Judge = (database: ReadDatabase) => Promise<Look>;

/** @returns null if there is no database yet */
export async function openState(config: NodeConfig): Promise<ReadDatabase | null> {
  const place = storePlaceOf(config);
  if ('file' in place && !existsSync(place.file)) return null;
  return openNodeDatabase({ ...place, readOnly: true });
}

/** Judges what the node has written, if it is of this program's version. */
export function lookAtState(config: NodeConfig, judge: Judge): Promise<Look> {
  const notRead = { what: 'The database', see: 'STO-001 and STO-004' };
  return ifReached(() => openState(config), notRead, judged(judge));
}

/** Judges the database itself, whatever version it is of. */
export function lookAtDatabase(
  config: NodeConfig,
  { readOnly }: { readonly readOnly: boolean },
  judge: Judge,
): Promise<Look> {
  const connect = async (): Promise<ReadDatabase> =>
    connectNodeDatabase(storePlaceOf(config), { readOnly });
  return ifReached(connect, { what: 'The database', see: 'STO-001' }, judged(judge));
}

function judged(judge: Judge): (database: ReadDatabase | null) => Promise<Look> {
  return async (database) => {
    if (database === null) return skip('There is no database yet.', 'Start the node.');
    try {
      return await judge(database);
    } finally {
      await database.destroy();
    }
  };
}

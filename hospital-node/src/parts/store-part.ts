/**
 * The node's database. On a server it is this node's alone, and a server that is away when the node starts is waited for.
 * @module
 */
import { codeOf } from '../errors.js';
import { lockServer, openNodeDatabase, untilAnswered, type NodeDatabase } from '../store/index.js';
import type { Lifetime } from './lifetime.js';
import { storePlaceOf } from './store-place.js';
import type { Surroundings } from './surroundings.js';

export interface StorePart {
  readonly database: NodeDatabase;
  /** 'ok', or the code of why nothing can be written now. */
  readonly health: () => string;
}

/** @throws {StoreError} `ERR_STORE_LOCKED` if another node has the database, and what `openNodeDatabase` throws */
export async function openStore(
  { config, self, log }: Surroundings,
  lifetime: Lifetime,
): Promise<StorePart> {
  const place = storePlaceOf(config);
  const own = (database: NodeDatabase): NodeDatabase =>
    lifetime.own(database, (opened) => opened.destroy());
  if ('file' in place) {
    return { database: own(await openNodeDatabase(place)), health: () => 'ok' };
  }
  const answered = <T>(open: () => Promise<T>): Promise<T> =>
    untilAnswered(
      () =>
        open().catch((error: unknown) => {
          log.warn({ code: codeOf(error) }, 'database not open yet');
          throw error;
        }),
      lifetime.signal,
    );
  const lock = lifetime.own(
    await answered(() => lockServer(place, self, lifetime.signal)),
    (opened) => opened.release(),
  );
  lifetime.run('lock of the database', (signal) => lock.keep(signal));
  const database = own(await answered(() => openNodeDatabase({ ...place, admit: lock.admit })));
  return { database, health: lock.health };
}

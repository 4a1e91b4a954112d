/**
 * One suite, both stores: every database is new, has the shipped schema, and is closed with the suite.
 * @module
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { openNodeDatabase, type NodeDatabase, type StorePlace } from '../src/store/index.js';
import { postgresqlPrograms, startPostgres, type PostgresServer } from '../../test/postgresql.js';

export interface TestEngine {
  readonly name: 'SQLite' | 'PostgreSQL';
  /** An empty place. */
  place(): Promise<StorePlace>;
  /** A database with its schema. */
  database(): Promise<NodeDatabase>;
}

export function onEachEngine(suite: (engine: TestEngine) => void): void {
  describe('on SQLite', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bhs-engines-'));
    let files = 0;
    afterAll(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    suite(
      engineAt('SQLite', () =>
        Promise.resolve({ file: join(folder, `${++files}`, 'node.sqlite') }),
      ),
    );
  });
  describe.skipIf(postgresqlPrograms === null)('on PostgreSQL', () => {
    let server: PostgresServer;
    beforeAll(async () => {
      server = await startPostgres();
    }, 60_000);
    afterAll(() => server.remove());
    suite(
      engineAt('PostgreSQL', async () => ({ url: await server.createDatabase(), password: null })),
    );
  });
}

function engineAt(name: TestEngine['name'], place: () => Promise<StorePlace>): TestEngine {
  const opened: NodeDatabase[] = [];
  afterAll(async () => {
    for (const database of opened.splice(0)) await database.destroy();
  });
  return {
    name,
    place,
    database: async () => {
      const database = await openNodeDatabase(await place());
      opened.push(database);
      return database;
    },
  };
}

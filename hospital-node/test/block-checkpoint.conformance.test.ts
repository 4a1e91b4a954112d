import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { applyBlock, readCheckpoint } from '../src/fabric/block-checkpoint.js';
import {
  openNodeDatabase,
  transact,
  type NodeDatabase,
  type StorePlace,
} from '../src/store/index.js';
import { onEachEngine } from './engines.js';
import { chainOf, hashOf, transactionOf } from './review-fixture.js';

const CHILD = fileURLToPath(new URL('kill-during-block.ts', import.meta.url));

function runChild(place: StorePlace, fatal: number): NodeJS.Signals | null {
  const child = spawnSync(
    process.execPath,
    ['--import', 'tsx', CHILD, JSON.stringify(place), String(fatal)],
    { encoding: 'utf8' },
  );
  if (child.signal === null && child.status !== 0) throw new Error(child.stderr);
  return child.signal;
}

async function texts(database: NodeDatabase, column: string, table: string): Promise<unknown[]> {
  const { rows } = await sql<{ found: unknown }>`
    SELECT ${sql.ref(column)} AS found FROM ${sql.table(table)}`.execute(database);
  return rows.map(({ found }) => found);
}

const blocks = chainOf([
  [transactionOf({ txId: hashOf('0') })],
  [transactionOf({ txId: hashOf('1') })],
  [transactionOf({ txId: hashOf('2') })],
]);

onEachEngine((engine) => {
  describe('a block and its checkpoint', () => {
    it('are written together: killed between effect and checkpoint, nothing is lost or doubled', async () => {
      const place = await engine.place();
      expect(runChild(place, 3)).toBe('SIGKILL');
      const database = await openNodeDatabase(place);
      expect((await readCheckpoint(database, 'consortium')).nextBlock).toBe(3n);
      expect(await texts(database, 'tx_id', 'seen')).toHaveLength(6);
      expect(runChild(place, 6)).toBe('SIGKILL');
      expect(runChild(place, -1)).toBeNull();
      const expected = Array.from({ length: 8 }, (_, number) => [
        hashOf(`${number} a`),
        hashOf(`${number} b`),
      ]).flat();
      expect(await texts(database, 'tx_id', 'seen')).toEqual(expected);
      await database.destroy();
    }, 120_000);

    it('leave no trace of a block whose effect throws', async () => {
      const database = await engine.database();
      const failing = applyBlock(database, {
        channel: 'consortium',
        block: blocks[0]!,
        consumers: [{ apply: () => Promise.reject(new Error('effect')) }],
        atMs: 0,
      });
      await expect(failing).rejects.toThrow('effect');
      expect((await readCheckpoint(database, 'consortium')).nextBlock).toBe(0n);
      expect(await texts(database, 'tx_id', 'ledger_transaction')).toEqual([]);
    });

    it('pass over a repeated block, and stop at a gap, a fork and a second block of one number', async () => {
      const database = await engine.database();
      let effects = 0;
      const apply = (block: (typeof blocks)[number]): Promise<'applied' | 'repeated'> =>
        applyBlock(database, {
          channel: 'consortium',
          block,
          consumers: [{ apply: () => Promise.resolve(void (effects += 1)) }],
          atMs: 0,
        });
      await apply(blocks[0]!);
      await expect(apply(blocks[2]!)).rejects.toMatchObject({ code: 'ERR_FABRIC_BLOCK_GAP' });
      await expect(apply({ ...blocks[1]!, previousHash: hashOf('x') })).rejects.toMatchObject({
        code: 'ERR_FABRIC_FORK',
      });
      await apply(blocks[1]!);
      expect(await apply(blocks[1]!)).toBe('repeated');
      expect(effects).toBe(2);
      await expect(apply({ ...blocks[1]!, hash: hashOf('other') })).rejects.toMatchObject({
        code: 'ERR_FABRIC_FORK',
        blockNumber: 1n,
      });
    });

    it('keep what a hostile caller named a function', async () => {
      const database = await engine.database();
      const block = chainOf([
        [transactionOf({ txId: hashOf('nul'), function: "a\0b'; DROP TABLE hold; --" })],
      ])[0]!;
      await applyBlock(database, { channel: 'consortium', block, consumers: [], atMs: 0 });
      expect(await texts(database, 'function', 'ledger_transaction')).toEqual([
        "a\uFFFDb'; DROP TABLE hold; --",
      ]);
    });
  });

  describe('writers', () => {
    it('follow one another: what one has read is still true when it writes', async () => {
      const database = await engine.database();
      await sql`CREATE TABLE counter (n INTEGER NOT NULL)`.execute(database);
      await sql`INSERT INTO counter (n) VALUES (0)`.execute(database);
      const add = (): Promise<void> =>
        transact(database, async (transaction) => {
          const { rows } = await sql<{ n: number }>`SELECT n FROM counter`.execute(transaction);
          await sql`UPDATE counter SET n = ${rows[0]!.n + 1}`.execute(transaction);
        });
      await Promise.all(Array.from({ length: 20 }, add));
      expect(await texts(database, 'n', 'counter')).toEqual([20]);
    });
  });
});

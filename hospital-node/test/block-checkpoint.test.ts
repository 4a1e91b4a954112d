import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { applyBlock, readCheckpoint } from '../src/fabric/block-checkpoint.js';
import { openShared, transact } from '../src/fabric/transact.js';
import { chainOf, hashOf, migratedFile, transactionOf } from './review-fixture.js';

const CHILD = fileURLToPath(new URL('kill-during-block.ts', import.meta.url));

function run(file: string, fatal: number): NodeJS.Signals | null {
  const child = spawnSync(process.execPath, ['--import', 'tsx', CHILD, file, String(fatal)], {
    encoding: 'utf8',
  });
  if (child.signal === null && child.status !== 0) throw new Error(child.stderr);
  return child.signal;
}

const blocks = chainOf([
  [transactionOf({ txId: hashOf('0') })],
  [transactionOf({ txId: hashOf('1') })],
  [transactionOf({ txId: hashOf('2') })],
]);

describe('a block and its checkpoint', () => {
  it('are written together: killed between effect and checkpoint, nothing is lost or doubled', async () => {
    const file = await migratedFile();
    expect(run(file, 3)).toBe('SIGKILL');
    const database = openShared(file);
    expect(readCheckpoint(database, 'consortium').nextBlock).toBe(3n);
    expect(database.prepare('SELECT count(*) AS n FROM seen').get()).toMatchObject({ n: 6 });
    expect(run(file, 6)).toBe('SIGKILL');
    expect(run(file, -1)).toBeNull();
    const seen = database.prepare('SELECT tx_id FROM seen').all() as { tx_id: string }[];
    const expected = Array.from({ length: 8 }, (_, number) => [
      hashOf(`${number} a`),
      hashOf(`${number} b`),
    ]).flat();
    expect(seen.map((row) => row.tx_id)).toEqual(expected);
    database.close();
  });

  it('leave no trace of a block whose effect throws', async () => {
    const database = openShared(await migratedFile());
    const failing = applyBlock(database, {
      channel: 'consortium',
      block: blocks[0]!,
      consumers: [
        {
          apply: () => {
            throw new Error('effect');
          },
        },
      ],
      atMs: 0,
    });
    await expect(failing).rejects.toThrow('effect');
    expect(readCheckpoint(database, 'consortium').nextBlock).toBe(0n);
    expect(database.prepare('SELECT count(*) AS n FROM ledger_transaction').get()).toMatchObject({
      n: 0,
    });
    database.close();
  });

  it('pass over a repeated block, and stop at a gap, a fork and a second block of one number', async () => {
    const database = openShared(await migratedFile());
    let effects = 0;
    const apply = (block: (typeof blocks)[number]): Promise<'applied' | 'repeated'> =>
      applyBlock(database, {
        channel: 'consortium',
        block,
        consumers: [{ apply: () => void (effects += 1) }],
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
    database.close();
  });

  it('wait for another writer of the same process instead of blocking it', async () => {
    const file = await migratedFile();
    const other = openShared(file);
    const database = openShared(file);
    other.exec('BEGIN IMMEDIATE');
    const applied = applyBlock(database, {
      channel: 'consortium',
      block: blocks[0]!,
      consumers: [],
      atMs: 0,
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    other.exec('COMMIT');
    expect(await applied).toBe('applied');
    const busy = openShared(file);
    busy.exec('BEGIN IMMEDIATE');
    await expect(transact(database, () => 1, { turns: 3, waitMs: 1 })).rejects.toThrow(/locked/i);
    for (const each of [other, database, busy]) each.close();
  });
});

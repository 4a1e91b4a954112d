import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fork } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { lockState, openNodeDatabase, stateLockOf, type Holder } from '../src/store/index.js';
import { temporaryFolder } from './temporary-folder.js';

const FIRST = { name: 'first', sql: 'CREATE TABLE a (x INTEGER) STRICT;' };
const SECOND = { name: 'second', sql: 'CREATE TABLE b (y INTEGER) STRICT;' };

describe('the node database', () => {
  it('applies each step once, and lays a copy of the old file beside it', async () => {
    const file = join(temporaryFolder(), 'node.sqlite');
    await (await openNodeDatabase({ file, migrations: [FIRST] })).destroy();
    const database = await openNodeDatabase({ file, migrations: [FIRST, SECOND] });
    const tables = await database.introspection.getTables();
    expect(tables.map((table) => table.name).sort()).toEqual(['a', 'b', 'schema_migration']);
    await database.destroy();
    expect(existsSync(`${file}.before-second`)).toBe(true);
  });

  it('refuses a file that a newer program wrote', async () => {
    const file = join(temporaryFolder(), 'node.sqlite');
    await (await openNodeDatabase({ file, migrations: [FIRST, SECOND] })).destroy();
    await expect(openNodeDatabase({ file, migrations: [FIRST] })).rejects.toMatchObject({
      code: 'ERR_STORE_NEWER',
    });
  });

  it('leaves the file as it was when a step fails', async () => {
    const file = join(temporaryFolder(), 'node.sqlite');
    await (await openNodeDatabase({ file, migrations: [FIRST] })).destroy();
    const broken = { name: 'broken', sql: 'CREATE TABLE c (z INTEGER) STRICT; SELECT nonsense;' };
    await expect(openNodeDatabase({ file, migrations: [FIRST, broken] })).rejects.toMatchObject({
      code: 'ERR_STORE_MIGRATION',
    });
    const database = await openNodeDatabase({ file, migrations: [FIRST] });
    const tables = await database.introspection.getTables();
    expect(tables.map((table) => table.name)).not.toContain('c');
    await database.destroy();
  });

  it('has unique step names in the shipped list', async () => {
    const { MIGRATIONS } = await import('../src/store/migrations.js');
    const names = MIGRATIONS.map((step) => step.name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('the state lock', () => {
  const holder = (pid: number): Holder => ({ host: 'ward', pid, sinceMs: Date.UTC(2026, 0, 1) });

  it('turns a second process away and names the first', () => {
    const folder = temporaryFolder();
    const lock = lockState(folder, holder(4711));
    expect(() => lockState(folder, holder(4712))).toThrow(
      expect.objectContaining({
        code: 'ERR_STATE_LOCKED',
        message: `${folder} is in use by process 4711 on host ward since 2026-01-01T00:00:00.000Z; stop it first`,
        facts: { stateDir: folder, host: 'ward', pid: 4711 },
      }) as Error,
    );
    lock.release();
    lockState(folder, holder(4712)).release();
  });

  it('is looked at without being taken, and without making anything', () => {
    const folder = temporaryFolder();
    expect(stateLockOf(folder)).toEqual({ held: false, holder: null });
    expect(existsSync(join(folder, 'lock'))).toBe(false);
    const lock = lockState(folder, holder(4711));
    expect(stateLockOf(folder)).toEqual({ held: true, holder: holder(4711) });
    lock.release();
    expect(stateLockOf(folder)).toEqual({ held: false, holder: null });
  });

  it('does not blame another process for a file that is no lock', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'lock'), 'nothing of the kind'.repeat(100));
    expect(() => lockState(folder, holder(1))).toThrow(
      expect.objectContaining({ code: 'ERR_STORE_OPEN' }) as Error,
    );
  });

  it('is free again after kill -9, whoever has the process id now', async () => {
    const folder = temporaryFolder();
    const source = `import { lockState } from '${new URL('../dist/store/index.js', import.meta.url).href}';
      lockState(${JSON.stringify(folder)}, { host: 'ward', pid: process.pid, sinceMs: 0 }); process.send('locked'); setInterval(() => {}, 1000);`;
    const child = fork('--input-type=module', [], {
      execArgv: ['--input-type=module', '-e', source],
    });
    await new Promise((resolve) => child.once('message', resolve));
    expect(() => lockState(folder, holder(1))).toThrow(
      expect.objectContaining({ code: 'ERR_STATE_LOCKED' }) as Error,
    );
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
    lockState(folder, holder(1)).release();
  });
});

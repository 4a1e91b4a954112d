import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ledgerConfigOf, provisionConsortium, readBlocks } from '../../src/embedded-peer/index.js';

/** The compiled program, as the demo runs it. */
const MAIN = fileURLToPath(new URL('../../dist/embedded-peer/main.js', import.meta.url));

let dir: string;
let configFile: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'ledger-main-'));
  configFile = join(dir, 'config.json');
  const consortium = provisionConsortium({ dir, nowMs: Date.now() });
  const config = ledgerConfigOf(consortium, {
    channel: 'consortium',
    chaincode: { name: 'plain', packageId: 'plain:1' },
    listen: { host: '127.0.0.1', port: 0 },
    blocksDir: join(dir, 'blocks'),
    chaincodeAddresses: { H1MSP: '127.0.0.1:1' }, // nobody is there: the ledger serves all the same
  });
  writeFileSync(configFile, JSON.stringify(config));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Started {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exit: Promise<number | null>;
}

function start(...args: string[]): Started {
  const child = fork(MAIN, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let output = '';
  child.stderr!.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return {
    child,
    output: () => output,
    // What it said last may still be on its way when it has ended.
    exit: Promise.all([once(child, 'exit'), once(child.stderr!, 'end')]).then(
      ([[code]]) => code as number | null,
    ),
  };
}

describe('the ledger process', { timeout: 30_000 }, () => {
  it.each<[string, (child: ChildProcess) => void]>([
    ['SIGTERM', (child) => child.kill('SIGTERM')],
    ['SIGINT', (child) => child.kill('SIGINT')],
    ['its parent going away', (child) => child.disconnect()],
  ])('serves, says what it is, and closes cleanly on %s', async (_, stop) => {
    const { child, output, exit } = start('--config', configFile);
    const [ready] = (await once(child, 'message')) as [{ type: string; port: number }];
    expect(ready).toMatchObject({ type: 'ready', height: 1 });
    expect(ready.port).toBeGreaterThan(0);
    stop(child);
    expect(await exit).toBe(0);
    expect(output()).toContain('development ledger: no consensus, one process orders and commits');
    expect(existsSync(join(dir, 'blocks', 'lock'))).toBe(false);
    expect([...readBlocks(join(dir, 'blocks'))]).toHaveLength(1);
  });

  it('survives kill −9: the next start takes over', async () => {
    const killed = start('--config', configFile);
    await once(killed.child, 'message');
    killed.child.kill('SIGKILL');
    await killed.exit;
    const { child, exit } = start('--config', configFile);
    await once(child, 'message');
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
  });

  it.each<[string, () => string[], string]>([
    ['no configuration', () => [], 'ERR_LEDGER_CONFIG'],
    ['an unknown argument', () => ['--port', '1'], 'ERR_LEDGER_CONFIG'],
    ['a file that is not there', () => ['--config', join(dir, 'absent')], 'ERR_LEDGER_CONFIG'],
    [
      'a damaged block',
      () => {
        const blocks = join(dir, 'blocks');
        const file = join(
          blocks,
          readdirSync(blocks).find((name) => name.endsWith('.seg'))!,
        );
        const bytes = readFileSync(file);
        bytes[bytes.length - 10]! ^= 1;
        writeFileSync(file, bytes);
        return ['--config', configFile];
      },
      'ERR_BLOCK_CORRUPT',
    ],
  ])('exits with 2 and one coded line on %s', async (_, args, code) => {
    const { output, exit } = start(...args());
    expect(await exit).toBe(2);
    const lines = output().trim().split('\n');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({ code });
  });
});

/** Real processes: what the launcher may find, end, and must leave alone. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePortBase } from '../../src/network/ports.js';
import {
  killProcess,
  requireRunning,
  runningProcesses,
  signalProcess,
  startProcess,
  stopProcesses,
  type ProcessIdentity,
  type ProcessPlan,
} from '../../src/network/processes.js';

/** Starting and ending a process, on a busy machine. */
const SETTLE = { timeout: 20_000, interval: 50 };

/** Says when it is up, by a file, since its output goes to a log. */
const SLEEPER = `require('node:fs').writeFileSync(process.argv[1], ''); setInterval(() => {}, 1000);`;
const listener = (port: number): string =>
  `require('node:net').createServer().listen(${port}, '127.0.0.1', () => require('node:fs').writeFileSync(process.argv[1], ''));`;
const STUBBORN = `process.on('SIGTERM', () => {}); ${SLEEPER}`;

describe.skipIf(process.platform !== 'linux')("the network's processes", () => {
  let dir: string;
  const logDir = (): string => join(dir, 'log');
  let stranger: ChildProcess | null = null;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'network-processes-'));
  });
  afterEach(async () => {
    await stopProcesses(dir, [...runningProcesses(dir).keys()]);
    stranger?.kill('SIGKILL');
    stranger = null;
    rmSync(dir, { recursive: true, force: true });
  });

  async function start(name: string, script: string): Promise<ProcessIdentity> {
    const file = join(dir, `${name}.up`);
    const plan: ProcessPlan = {
      name,
      command: process.execPath,
      args: ['-e', script, file],
      cwd: dir,
      environment: {},
    };
    const started = startProcess(dir, logDir(), plan);
    requireRunning(logDir(), name, started);
    await expect.poll(() => existsSync(file), SETTLE).toBe(true);
    return started;
  }

  it('are found by their mark, whoever started them, with memory and processor time', async () => {
    const started = await start('peer1', SLEEPER);
    const found = runningProcesses(dir);
    expect([...found.keys()]).toEqual(['peer1']);
    expect(found.get('peer1')).toMatchObject(started);
    expect(found.get('peer1')!.residentMb).toBeGreaterThan(10);
    expect(runningProcesses(join(dir, 'other')).size).toBe(0);
  });

  it('end, and nobody else does', async () => {
    await start('peer1', SLEEPER);
    stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    expect(await stopProcesses(dir, ['peer1', 'peer2'])).toEqual([]);
    expect(runningProcesses(dir).size).toBe(0);
    expect(stranger.exitCode).toBeNull();
    expect(() => process.kill(stranger!.pid!, 0)).not.toThrow();
  });

  it('are killed when they do not listen, and that is told', async () => {
    await start('orderer1', STUBBORN);
    await start('orderer2', SLEEPER);
    // Time enough for the other to end on a busy machine.
    expect(await stopProcesses(dir, ['orderer1', 'orderer2'], 4_000)).toEqual(['orderer1']);
    expect(runningProcesses(dir).size).toBe(0);
  });

  it('are gone from the list after kill −9', async () => {
    await start('peer1', SLEEPER);
    signalProcess(dir, 'peer1', 'SIGKILL');
    await expect.poll(() => runningProcesses(dir).size, SETTLE).toBe(0);
    expect(() => signalProcess(dir, 'peer1', 'SIGKILL')).toThrow(
      expect.objectContaining({ code: 'ERR_NETWORK_PROCESS' }) as Error,
    );
  });

  it('leave their ports when they are killed, not only the list', async () => {
    const memory = `const held = Buffer.alloc(2 ** 28, 1);`;
    // Nobody is given one of these by the system in the meantime.
    const port = await freePortBase({
      dir,
      hospitalCount: 1,
      ordering: 'raft',
      batch: { timeoutMs: 50, messagesMax: 200 },
    });
    for (let turn = 0; turn < 5; turn++) {
      await start('peer1', `${memory} ${listener(port)}`);
      await killProcess(dir, 'peer1');
      await expect(bound(port)).resolves.toBeUndefined();
      rmSync(join(dir, 'peer1.up'));
    }
    await expect(killProcess(dir, 'peer1')).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_NETWORK_PROCESS' }) as Error,
    );
  });

  it('that have ended are told with the last line of their log', async () => {
    const started = await start('peer1', `console.error('a warning'); ${SLEEPER}`);
    requireRunning(logDir(), 'peer1', started);
    await killProcess(dir, 'peer1');
    expect(() => requireRunning(logDir(), 'peer1', started)).toThrow(
      expect.objectContaining({
        code: 'ERR_NETWORK_PROCESS',
        message: expect.stringContaining('peer1 ended; its last line: a warning') as string,
      }) as Error,
    );
  });

  it('cannot be started from a program that is not there', () => {
    const plan = { name: 'peer1', command: join(dir, 'none'), args: [], cwd: dir, environment: {} };
    expect(() => startProcess(dir, logDir(), plan)).toThrow(
      expect.objectContaining({ code: 'ERR_NETWORK_PROCESS' }) as Error,
    );
  });
});

/** Binds a port and leaves it. */
function bound(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      server.close(() => resolve());
    });
  });
}

/**
 * Ring 3, the launcher itself dies: `up` is killed with SIGKILL in the middle, the next `up` makes a healthy network of what is
 * there, and `down --wipe` leaves nothing. A program of Fabric that never answers holds `up` at the moment, however fast the machine.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROGRAMS, binariesDir, type Program } from '../../src/network/binaries.js';
import {
  freePortBase,
  readRecord,
  runningProcesses,
  stopProcesses,
  surroundings,
} from '../../src/network/index.js';
import { killProcess } from '../../src/network/processes.js';
import { SETTLE } from './guarded-network.js';
import { fabricAvailable } from './network-fixture.js';

const available = await fabricAvailable();
const CLI = fileURLToPath(new URL('../../dist/network/cli.js', import.meta.url));

/** Three of each: the nodes of `--orgs 3`. */
const NODES = [1, 2, 3].flatMap((n) => [`bhschain${n}`, `orderer${n}`, `peer${n}`]).sort();

interface Moment {
  /** The program that never answers, and the word among its arguments that makes it so. */
  readonly held: readonly [program: Program, word: string];
  /** What runs of the network by then. */
  readonly running: readonly string[];
  /** Nodes that die with the launcher: it had not come to them, or the machine was short of memory. */
  readonly lost: readonly string[];
}

const MOMENTS: readonly (readonly [when: string, moment: Moment])[] = [
  ['while it makes keys', { held: ['cryptogen', 'generate'], running: [], lost: [] }],
  [
    'with some nodes started and none joined',
    {
      held: ['osnadmin', 'channel'],
      running: NODES,
      lost: ['orderer2', 'peer3', 'bhschain3'],
    },
  ],
  [
    'just before the chaincode is committed',
    { held: ['peer', 'commit'], running: NODES, lost: [] },
  ],
];

describe.skipIf(!available)('a launcher that is killed', { timeout: 240_000 }, () => {
  let root: string;
  let state: string;
  let portBase: number;
  let launcher: ChildProcess | null;

  beforeEach(async () => {
    launcher = null;
    root = mkdtempSync(join(tmpdir(), 'launcher-crash-'));
    state = join(root, 'network');
    portBase = await freePortBase({
      dir: state,
      hospitalCount: 3,
      ordering: 'raft',
      batch: { timeoutMs: 50, messagesMax: 200 },
    });
  });
  afterEach(async () => {
    launcher?.kill('SIGKILL');
    await stopProcesses(state, [...runningProcesses(state).keys()]);
    rmSync(root, { recursive: true, force: true });
  });

  const upArgs = (): string[] => ['up', '--orgs', '3', '--raft', '--port-base', String(portBase)];

  function start(args: readonly string[], environment: NodeJS.ProcessEnv = {}): ChildProcess {
    launcher = spawn(process.execPath, [CLI, ...args, '--state', state], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return launcher;
  }
  async function run(...args: readonly string[]): Promise<string> {
    const child = start(args);
    let said = '';
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
    }
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`${args[0]} ended with ${String(code)}: ${said}`);
    return said;
  }
  const names = (): string[] =>
    [...runningProcesses(state).keys()].filter((name) => NODES.includes(name)).sort();

  it.each(MOMENTS)('%s: the next up finishes, down --wipe leaves nothing', async (_, moment) => {
    const { held, running, lost } = moment;
    const reached = join(root, 'reached');
    const child = start(upArgs(), { XDG_CACHE_HOME: cacheThatHolds(root, held, reached) });
    const ended = once(child, 'exit');
    await expect.poll(() => existsSync(reached), { ...SETTLE, timeout: 120_000 }).toBe(true);
    child.kill('SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(names()).toEqual(running);
    expect(readRecord(state) === null).toBe(running.length === 0);
    for (const name of lost) await killProcess(state, name);
    const left = new Map([...runningProcesses(state)].map(([name, { pid }]) => [name, pid]));

    expect(await run(...upArgs())).toContain('every gateway endorses');
    const { processes } = JSON.parse(await run('status', '--json')) as Status;
    const now = new Map(processes.map((one) => [one.name, one]));
    for (const name of NODES) {
      // What survived the launcher is adopted, not started anew.
      expect(now.get(name)?.pid).toEqual(left.get(name) ?? expect.any(Number));
      if (name.startsWith('peer')) expect(now.get(name)?.height).toBeGreaterThan(1);
    }

    await run('down', '--wipe');
    expect(existsSync(state)).toBe(false);
    expect(processesIn(state)).toEqual([]);
  });
});

interface Status {
  readonly processes: readonly { name: string; pid: number; height: number | null }[];
}

/** A home of caches with Fabric's programs, of which one, asked for `word`, says so by a file and never ends. */
function cacheThatHolds(root: string, [program, word]: Moment['held'], reached: string): string {
  const real = binariesDir(surroundings().cacheDir);
  const home = join(root, 'cache');
  const dir = join(home, 'bhschain', basename(real));
  mkdirSync(dir, { recursive: true });
  for (const each of PROGRAMS) if (each !== program) symlinkSync(join(real, each), join(dir, each));
  const script = [
    '#!/bin/sh',
    `case " $* " in *" ${word} "*) : > '${reached}'; exec sleep 600 ;; esac`,
    `exec '${join(real, program)}' "$@"`,
  ];
  writeFileSync(join(dir, program), `${script.join('\n')}\n`, { mode: 0o700 });
  return home;
}

/** Ids of all processes that work in `dir` or below it, marked or not. */
function processesIn(dir: string): string[] {
  return readdirSync('/proc').filter((entry) => {
    try {
      return /^\d+$/.test(entry) && readlinkSync(`/proc/${entry}/cwd`).startsWith(dir);
    } catch {
      return false; // it ended, or is somebody else's
    }
  });
}

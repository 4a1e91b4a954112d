/**
 * The network's operating-system processes. Each carries the network's directory and its own name in its environment, and
 * that mark, read back from /proc, is the only record of what runs: no file of process ids that a kill −9 could leave stale,
 * nobody else's process that a reused id could point at.
 * @module
 */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NetworkError } from './errors.js';

export interface ProcessPlan {
  /** Unique in the network, e.g. `peer1`; also the name of its log file. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** One process, though its id may be given again. */
export interface ProcessIdentity {
  readonly pid: number;
  /** In ticks since boot. */
  readonly started: string;
}

export interface RunningProcess extends ProcessIdentity {
  readonly name: string;
  readonly residentMb: number;
  /** Processor time so far, user and system. */
  readonly cpuSeconds: number;
}

const DIRECTORY_MARK = 'BHSCHAIN_NETWORK';
const NAME_MARK = 'BHSCHAIN_NETWORK_PROCESS';
const POLL_MS = 25;
const STOP_GRACE_MS = 10_000;
/** States of a process that waits for nothing but to be reaped (proc(5)). */
const ENDED: ReadonlySet<string> = new Set(['Z', 'X']);

/** @throws {NetworkError} `ERR_NETWORK_PLATFORM` where there is no /proc */
export function requireProc(): void {
  if (existsSync('/proc/self/environ')) return;
  throw new NetworkError(
    'ERR_NETWORK_PLATFORM',
    `the launcher finds its processes in /proc, got platform ${process.platform}, expected linux`,
    { platform: process.platform },
  );
}

/** The environment of a process by which the launcher, and the next one, know it: this network, and a name of its own. */
export function marked(
  dir: string,
  name: string,
  environment: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  return { ...environment, [DIRECTORY_MARK]: dir, [NAME_MARK]: name };
}

/** Starts a process that outlives this one; what it prints is appended to `LOGDIR/NAME.log`. */
export function startProcess(dir: string, logDir: string, plan: ProcessPlan): ProcessIdentity {
  mkdirSync(logDir, { recursive: true });
  const log = openSync(join(logDir, `${plan.name}.log`), 'a', 0o600);
  try {
    const child = spawn(plan.command, plan.args, {
      cwd: plan.cwd,
      env: marked(dir, plan.name, plan.environment),
      detached: true,
      stdio: ['ignore', log, log],
    });
    child.on('error', () => undefined); // no pid then, and that is told below
    child.unref();
    if (child.pid === undefined) {
      throw new NetworkError('ERR_NETWORK_PROCESS', `${plan.name}: cannot start ${plan.command}`, {
        process: plan.name,
      });
    }
    return { pid: child.pid, started: statOf(`/proc/${child.pid}`).started };
  } finally {
    closeSync(log);
  }
}

/** What runs for the network in `dir`, whoever started it, by name. */
export function runningProcesses(dir: string): Map<string, RunningProcess> {
  const found = new Map<string, RunningProcess>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const process = inspect(Number(entry), dir);
    if (process !== null) found.set(process.name, process);
  }
  return found;
}

/**
 * Asks by identity, not by the mark: a program that was only just started has no environment to read yet.
 *
 * @throws {NetworkError} `ERR_NETWORK_PROCESS` with the last line of its log, if the process has ended
 */
export function requireRunning(logDir: string, name: string, identity: ProcessIdentity): void {
  if (!isGone(identity)) return;
  const file = join(logDir, `${name}.log`);
  const last = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').at(-1)! : '';
  throw new NetworkError(
    'ERR_NETWORK_PROCESS',
    `${name} ended${last === '' ? '' : `; its last line: ${last.slice(0, 400)}`} (log: ${file})`,
    { process: name, log: file },
  );
}

/** Null for processes of others, of other networks, or gone in the meantime. */
function inspect(pid: number, dir: string): RunningProcess | null {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    if (!environment.includes(`${DIRECTORY_MARK}=${dir}`)) return null;
    const name = environment.find((each) => each.startsWith(`${NAME_MARK}=`));
    if (name === undefined) return null;
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const { state, started } = statOf(`/proc/${pid}`);
    if (ENDED.has(state)) return null;
    return {
      name: name.slice(NAME_MARK.length + 1),
      pid,
      started,
      residentMb: Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024),
      cpuSeconds: cpuSecondsOf(pid),
    };
  } catch {
    return null;
  }
}

/**
 * Of a process or thread by its folder in /proc: after the command in parentheses, which may hold anything, the state is
 * field 3, and when it started, in ticks since boot, field 22 (proc(5)).
 *
 * @throws if it is gone
 */
function statOf(folder: string): { readonly state: string; readonly started: string } {
  const fields = readFileSync(`${folder}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
  return { state: fields[0]!, started: fields[19]! };
}

/**
 * Processor time of all threads that there are: the scheduler counts nanoseconds, where `stat` has ticks of ten milliseconds.
 *
 * @throws if the process is gone; a thread that ends while its file is read is passed over
 */
export function cpuSecondsOf(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const spent = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0];
      nanoseconds += Number(spent);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ESRCH') throw error;
    }
  }
  return nanoseconds / 1e9;
}

/**
 * Ends the named processes of the network in `dir`, and waits until they are gone: SIGTERM first, SIGKILL after `graceMs`.
 *
 * @returns names that had to be killed
 */
export async function stopProcesses(
  dir: string,
  names: readonly string[],
  graceMs: number = STOP_GRACE_MS,
): Promise<string[]> {
  const left = seenUntilGone(dir, new Set(names));
  for (const { pid } of left()) signal(pid, 'SIGTERM');
  const untilMs = performance.now() + graceMs;
  while (left().length > 0 && performance.now() < untilMs) await sleep(POLL_MS);
  const killed = new Set<string>();
  for (let stubborn = left(); stubborn.length > 0; stubborn = left()) {
    for (const { name, pid } of stubborn) {
      killed.add(name);
      signal(pid, 'SIGKILL');
    }
    await sleep(POLL_MS);
  }
  return [...killed];
}

/**
 * Sends SIGKILL, and resolves when nothing is left of the process, neither its ports nor its files.
 *
 * @throws {NetworkError} `ERR_NETWORK_PROCESS` if no such process runs in the network
 */
export async function killProcess(dir: string, name: string): Promise<void> {
  const left = seenUntilGone(dir, new Set([name]));
  signalProcess(dir, name, 'SIGKILL');
  while (left().length > 0) await sleep(POLL_MS);
}

/**
 * What is there of the named processes each time it is asked. One that ends loses its memory first, and the mark with it;
 * its ports and files go with its last thread, so whatever was seen once is waited for by its id.
 */
function seenUntilGone(dir: string, names: ReadonlySet<string>): () => RunningProcess[] {
  const seen = new Map<number, RunningProcess>();
  const look = (): void => {
    for (const each of runningProcesses(dir).values()) {
      if (names.has(each.name)) seen.set(each.pid, each);
    }
  };
  look();
  return () => {
    look();
    for (const each of seen.values()) if (isGone(each)) seen.delete(each.pid);
    return [...seen.values()];
  };
}

/** Whether every thread has ended; the first may have, long before the others. */
function isGone({ pid, started }: ProcessIdentity): boolean {
  try {
    if (statOf(`/proc/${pid}`).started !== started) return true; // the id is somebody else's now
    const threads = readdirSync(`/proc/${pid}/task`).map((id) => `/proc/${pid}/task/${id}`);
    return threads.every((folder) => ENDED.has(statOf(folder).state));
  } catch {
    return !existsSync(`/proc/${pid}`); // or a thread ended while it was looked at
  }
}

/** @throws {NetworkError} `ERR_NETWORK_PROCESS` if no such process runs in the network */
export function signalProcess(dir: string, name: string, with_: NodeJS.Signals): void {
  const process = runningProcesses(dir).get(name);
  if (process === undefined) {
    throw new NetworkError('ERR_NETWORK_PROCESS', `${name}: does not run in ${dir}`, {
      process: name,
    });
  }
  signal(process.pid, with_);
}

function signal(pid: number, with_: NodeJS.Signals): void {
  try {
    process.kill(pid, with_);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it ended first
  }
}

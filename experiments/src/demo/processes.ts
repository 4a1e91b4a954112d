/**
 * The demo's operating-system processes: started one by one, watched, restarted when they die, stopped in order.
 * Each is a process group of its own, so that Ctrl-C reaches only the parent, and each is tied to the parent by its
 * IPC channel, so that none outlives it, not even after kill −9 of the parent.
 * @module
 */
import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExperimentError } from '../errors.js';

export interface ProcessSpec {
  /** Unique, e.g. `H1` or `H1-chaincode`; also the name of its log file. */
  readonly name: string;
  readonly module: string;
  readonly configFile: string;
  /** How long it may take to say `ready`; three minutes when absent. */
  readonly readyTimeoutMs?: number;
}

export type ProcessMessage = Readonly<Record<string, unknown>> & { readonly type: string };

export interface Supervisor {
  /** Starts a process and waits for its `ready` message. */
  start(spec: ProcessSpec): Promise<ProcessMessage>;
  restartCount(): number;
  /** Resident memory of all processes and of this one, MiB; the largest sum seen so far. */
  peakResidentMb(): number;
  /** Settles (rejecting) when a process cannot be kept alive. */
  readonly failed: Promise<never>;
  /** SIGTERM in the given order, SIGKILL after `graceMs`; returns names that had to be killed. */
  stop(graceMs?: number): Promise<readonly string[]>;
}

const RESTARTS_PER_MINUTE_MAX = 5;
const READY_TIMEOUT_MS = 180_000;

interface Child {
  readonly spec: ProcessSpec;
  process: ChildProcess;
  ready: Promise<ProcessMessage>;
  readonly restartsAtMs: number[];
}

export function createSupervisor(options: {
  readonly logDir: string;
  /** Environment for the children; only what a clean machine has. */
  readonly environment: NodeJS.ProcessEnv;
  readonly onMessage: (name: string, message: ProcessMessage) => void;
  readonly onRestart: (name: string, why: string) => void;
  readonly now: () => number;
}): Supervisor {
  mkdirSync(options.logDir, { recursive: true });
  const children = new Map<string, Child>();
  let stopping = false;
  let restarts = 0;
  let peakKb = 0;
  let fail: (error: Error) => void;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => undefined);

  /** As a whole or not at all: others read it while we run. */
  function writePids(pids: Readonly<Record<string, number | null>>): void {
    const file = join(options.logDir, 'pids.json');
    writeFileSync(`${file}.partial`, `${JSON.stringify(pids, null, 2)}\n`);
    renameSync(`${file}.partial`, file);
  }
  const pidsNow = (): Record<string, number | null> =>
    Object.fromEntries([...children].map(([name, child]) => [name, child.process.pid ?? null]));

  function spawn(spec: ProcessSpec): { process: ChildProcess; ready: Promise<ProcessMessage> } {
    const logFile = join(options.logDir, `${spec.name}.log`);
    const log = openSync(logFile, 'a', 0o600);
    const child = fork(spec.module, ['--config', spec.configFile], {
      stdio: ['ignore', log, log, 'ipc'],
      detached: true,
      env: options.environment,
      // Many processes on one machine: a young generation of 4 MiB instead of 16 costs a little time and saves much memory.
      execArgv: ['--max-semi-space-size=4'],
    });
    closeSync(log);
    const ready = new Promise<ProcessMessage>((resolve, reject) => {
      const timeoutMs = spec.readyTimeoutMs ?? READY_TIMEOUT_MS;
      const timer = setTimeout(() => {
        reject(processError(spec, `was not ready within ${timeoutMs / 1000} s`, logFile));
      }, timeoutMs);
      child.on('message', (message) => {
        const typed = message as ProcessMessage;
        if (typed.type === 'ready') {
          clearTimeout(timer);
          resolve(typed);
        }
        options.onMessage(spec.name, typed);
      });
      child.once('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        reject(
          processError(
            spec,
            `ended (${signal ?? `exit code ${code}`}) before it was ready`,
            logFile,
          ),
        );
        onExit(spec, code, signal);
      });
    });
    ready.catch(() => undefined);
    return { process: child, ready };
  }

  function onExit(spec: ProcessSpec, code: number | null, signal: NodeJS.Signals | null): void {
    const child = children.get(spec.name);
    if (stopping || child === undefined) return;
    const now = options.now();
    const recent = child.restartsAtMs.filter((at) => now - at < 60_000);
    // Exit code 2 is a process's own word that it must not go on (a corrupt file, a refused configuration).
    if (code === 2 || recent.length >= RESTARTS_PER_MINUTE_MAX) {
      fail(
        processError(
          spec,
          `ended (${signal ?? `exit code ${code}`})`,
          join(options.logDir, `${spec.name}.log`),
        ),
      );
      return;
    }
    restarts++;
    child.restartsAtMs.splice(0, child.restartsAtMs.length, ...recent, now);
    options.onRestart(spec.name, signal ?? `exit code ${code}`);
    void sleep(200 * 2 ** recent.length).then(() => {
      if (stopping) return;
      const next = spawn(spec);
      child.process = next.process;
      child.ready = next.ready;
      writePids(pidsNow());
    });
  }

  function sampleMemory(): void {
    let sumKb = residentKb(process.pid);
    for (const child of children.values()) {
      if (child.process.pid !== undefined && child.process.exitCode === null) {
        sumKb += residentKb(child.process.pid);
      }
    }
    peakKb = Math.max(peakKb, sumKb);
  }
  const sampler = setInterval(sampleMemory, 1000);
  sampler.unref();

  return {
    failed,
    async start(spec) {
      const spawned = spawn(spec);
      children.set(spec.name, { spec, ...spawned, restartsAtMs: [] });
      writePids(pidsNow());
      return await spawned.ready;
    },
    restartCount: () => restarts,
    peakResidentMb() {
      sampleMemory();
      return Math.round(peakKb / 1024);
    },
    async stop(graceMs = 10_000) {
      stopping = true;
      clearInterval(sampler);
      sampleMemory();
      const killed: string[] = [];
      // Clients before servers, so that nobody sees a connection break.
      const order = [...children.values()].reverse();
      for (const { process: child, spec } of order) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
        child.kill('SIGTERM');
        const inTime = await Promise.race([gone.then(() => true), sleep(graceMs, false)]);
        if (!inTime) {
          killed.push(spec.name);
          child.kill('SIGKILL');
          await gone;
        }
      }
      writePids({});
      return killed;
    },
  };
}

/** The last line a process wrote is nearly always the reason. */
function processError(spec: ProcessSpec, what: string, logFile: string): ExperimentError {
  let last = '';
  try {
    last = readFileSync(logFile, 'utf8').trimEnd().split('\n').at(-1) ?? '';
  } catch {
    // No log yet: the sentence stands alone.
  }
  return new ExperimentError(
    'ERR_DEMO_PROCESS',
    `process ${spec.name} ${what}${last === '' ? '' : `; its last line: ${last.slice(0, 400)}`} (log: ${logFile})`,
    { process: spec.name, log: logFile },
  );
}

/** VmRSS of a process; 0 where the system has no /proc or the process is gone. */
function residentKb(pid: number): number {
  try {
    const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match === null ? 0 : Number(match[1]);
  } catch {
    return 0;
  }
}

/**
 * A process of ours that can be killed with −9, frozen and started again. It is tied to us by its IPC channel, so that it
 * does not outlive us.
 * @module
 */
import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { ProcessFile } from './world.js';

export class Child {
  readonly #file: ProcessFile;
  readonly #logFile: string;
  #process: ChildProcess | null = null;
  /** Ends that nobody asked for: exit code or signal, and when. */
  readonly unexpected: string[] = [];
  #wanted = false;

  constructor(file: ProcessFile, logFile: string) {
    this.#file = file;
    this.#logFile = logFile;
  }

  get name(): string {
    return this.#file.name;
  }

  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  start(): void {
    if (this.#process !== null) return;
    const log = openSync(this.#logFile, 'a');
    const child = fork(this.#file.module, ['--config', this.#file.config], {
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    this.#process = child;
    this.#wanted = true;
    child.once('exit', (code, signal) => {
      if (this.#process === child) this.#process = null;
      if (this.#wanted) this.unexpected.push(`${this.name}: ${signal ?? `exit ${String(code)}`}`);
    });
  }

  /** Resolves when it is gone. */
  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<number | null> {
    const child = this.#process;
    if (child === null) return null;
    this.#wanted = false;
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    // A frozen process hears nothing but SIGKILL.
    child.kill('SIGCONT');
    child.kill(signal);
    return ended;
  }

  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }
}

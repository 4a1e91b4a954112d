/** What the walks through the documents share: a demo that is started and listened to, and a watch. @module */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';

const UP_MS = 300_000;

/** A moment of a walk, in seconds since its first command. */
export interface Step {
  readonly what: string;
  readonly atSeconds: number;
}

export interface Watch {
  /** Notes and prints the moment. */
  step(what: string): void;
  readonly steps: readonly Step[];
}

export function startWatch(): Watch {
  const begun = Date.now();
  const steps: Step[] = [];
  return {
    step(what) {
      const atSeconds = (Date.now() - begun) / 1000;
      steps.push({ what, atSeconds });
      console.log(`${atSeconds.toFixed(1).padStart(6)} s  ${what}`);
    },
    steps,
  };
}

export interface RunningDemo {
  readonly stateDir: string;
  /** Waits until the demo has printed what matches. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  stop(): Promise<void>;
}

/** @param root - of a clone in which everything is built */
export function startDemo(root: string, args: readonly string[] = []): RunningDemo {
  const folder = mkdtempSync(join(tmpdir(), 'bhs-walk-'));
  const stateDir = join(folder, 'demo');
  const main = join(root, 'experiments', 'dist', 'demo', 'main.js');
  const child = spawn(process.execPath, [main, '--state', stateDir, ...args], {
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (out += chunk.toString()));
  }
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      resolve();
    });
  });
  return {
    stateDir,
    async said(pattern) {
      const deadline = Date.now() + UP_MS;
      for (;;) {
        const match = pattern.exec(out);
        if (match !== null) return match;
        if (Date.now() > deadline || child.exitCode !== null) {
          throw new Error(`demo: never said ${String(pattern)}; it said:\n${out}`);
        }
        await new Promise((wake) => setTimeout(wake, 100));
      }
    },
    async stop() {
      child.kill('SIGINT');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** @throws {Error} where there is none */
export async function launchBrowser(): Promise<Browser> {
  const path = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((each) => existsSync(each));
  if (path === undefined) throw new Error('needs Chromium (apt-get install chromium)');
  return chromium.launch({ executablePath: path, args: ['--no-sandbox'] });
}

/** Runs the built demo as its user would, in a folder of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../dist/demo/main.js', import.meta.url));

export interface DemoProcess {
  readonly child: ChildProcess;
  /** Everything said so far on standard error. */
  talk(): string;
  readonly exited: Promise<{ status: number | null; stdout: string; stderr: string }>;
  /** Resolves when the talk contains `text`. */
  said(text: string, timeoutMs: number): Promise<void>;
}

export function startDemo(args: readonly string[]): DemoProcess {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const exited = new Promise<{ status: number | null; stdout: string; stderr: string }>((resolve) =>
    child.once('close', (status) => resolve({ status, stdout, stderr })),
  );
  return {
    child,
    talk: () => stdout + stderr,
    exited,
    async said(text, timeoutMs) {
      const deadline = Date.now() + timeoutMs;
      while (!(stdout + stderr).includes(text)) {
        if (Date.now() > deadline || child.exitCode !== null) {
          throw new Error(`never said '${text}'; it said:\n${stdout}${stderr}`);
        }
        await new Promise((wake) => setTimeout(wake, 100));
      }
    },
  };
}

export function temporaryState(): { readonly dir: string; remove(): void } {
  const dir = mkdtempSync(join(tmpdir(), 'bhs-demo-'));
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

export function pidsOf(stateDir: string): Record<string, number> {
  const file = join(stateDir, 'processes', 'pids.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>) : {};
}

export function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

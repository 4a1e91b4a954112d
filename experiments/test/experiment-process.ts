/** The command as a user runs it, from the built files. */
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const BIN: string = fileURLToPath(new URL('../bin/bhs-experiment.js', import.meta.url));
export const CONFIGS: string = fileURLToPath(new URL('../configs/', import.meta.url));

export interface Exited {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly exited: Promise<Exited>;
  /** Resolves when standard error matches; rejects if it ends before. */
  seen(pattern: RegExp): Promise<void>;
}

export function experiment(...args: string[]): Started {
  return startedAt(BIN, ...args);
}

/** The command of another checkout. */
export function startedAt(bin: string, ...args: string[]): Started {
  const child = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  const waiting = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    for (const look of waiting) look();
  });
  const exited = new Promise<Exited>((resolve) => {
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
  return {
    child,
    exited,
    seen: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!pattern.test(stderr)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
        void exited.then(() => reject(new Error(`ended without ${String(pattern)}: ${stderr}`)));
      }),
  };
}

/** Small enough for a test of the machinery: the same stages, less of everything. */
export const TINY: readonly string[] = [
  'world.hospitals=2',
  'world.staff=60',
  'world.days=6',
  'world.liveDays=2',
  'timeline.profileDays=2',
  'timeline.calibrationDays=1.5',
  'world.incidents.scenarios=[S5, S13]',
  'world.incidents.copies=1',
  'evaluation.bootstrapDraws=20',
  'arms=[detector-zero, federated-private, siem-tuned, unseen-count, random]',
];

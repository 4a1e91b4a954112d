/**
 * Steps whose results are kept. A result belongs to the hash of code, configuration and inputs that made it – never to a
 * place or a time – and each step says why it ran or did not.
 * @module
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { canonical, sha256 } from './canonical.js';
import { codeHashes, type CodePart } from './code-hash.js';
import { writeWhole } from './run-store.js';
import { lockStage } from './stage-lock.js';

export interface StageRequest {
  readonly name: string;
  readonly code: readonly CodePart[];
  /** The configuration keys it reads, and nothing else. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Results it reads. */
  readonly inputs?: Readonly<Record<string, StageOutput>>;
  /** Writes its result into `dir`, which still holds what an interrupted attempt of the same signature left there. */
  make(dir: string): Promise<void> | void;
}

export interface StageOutput {
  readonly dir: string;
  /** Over names and contents of its files. */
  readonly hash: string;
}

export interface StageReport {
  readonly name: string;
  readonly signature: string;
  readonly cached: boolean;
  readonly why: string;
  readonly wallMs: number;
}

interface Parts {
  readonly code: Readonly<Record<string, string>>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly inputs: Readonly<Record<string, string>>;
}

export interface StageRunner {
  stage(request: StageRequest): Promise<StageOutput>;
  readonly reports: readonly StageReport[];
}

export interface StageRunnerOptions {
  /** `runs/cache` */
  readonly cacheDir: string;
  /** Whose last signature is compared, so that a new one can say what changed: study's name and seed. */
  readonly owner: string;
  readonly onReport: (report: StageReport) => void;
  /** Called again and again while another process makes the stage; what it throws ends the wait. */
  readonly whileWaiting: () => Promise<void> | void;
}

const RESULT = 'stage.json';

export function createStageRunner(options: StageRunnerOptions): StageRunner {
  const { cacheDir, owner } = options;
  const reports: StageReport[] = [];
  return { stage, reports };

  async function stage(request: StageRequest): Promise<StageOutput> {
    const started = performance.now();
    const parts: Parts = {
      code: codeHashes(request.code),
      config: request.config,
      inputs: Object.fromEntries(
        Object.entries(request.inputs ?? {}).map(([name, { hash }]) => [name, hash]),
      ),
    };
    const signature = sha256(canonical({ stage: request.name, ...parts }));
    const dir = join(
      cacheDir,
      `${request.name.replaceAll(/[^a-z0-9]+/gi, '-')}-${signature.slice(0, 16)}`,
    );
    // Whoever comes while another makes it waits, and finds a result or what a dead one left.
    const release = await lockStage(`${dir}.lock`, options.whileWaiting);
    try {
      return await keptOrMade(request, { parts, signature, dir, started });
    } finally {
      release();
    }
  }

  async function keptOrMade(
    request: StageRequest,
    {
      parts,
      signature,
      dir,
      started,
    }: Readonly<{ parts: Parts; signature: string; dir: string; started: number }>,
  ): Promise<StageOutput> {
    const kept = resultIn(dir);
    if (kept !== null) {
      report({
        name: request.name,
        signature,
        cached: true,
        why: 'same code, configuration and inputs',
        wallMs: 0,
      });
      remember(request.name, parts);
      return { dir, hash: kept };
    }
    const draft = `${dir}.part`;
    const resumed = existsSync(draft);
    mkdirSync(draft, { recursive: true });
    await request.make(draft);
    const hash = contentHash(draft);
    writeFileSync(
      join(draft, RESULT),
      `${JSON.stringify({ hash, signature, ...parts }, null, 2)}\n`,
    );
    rmSync(dir, { recursive: true, force: true });
    renameSync(draft, dir);
    const why = resumed ? 'resumed where it was interrupted' : whatChanged(request.name, parts);
    remember(request.name, parts);
    report({
      name: request.name,
      signature,
      cached: false,
      why,
      wallMs: Math.round(performance.now() - started),
    });
    return { dir, hash };
  }

  function report(line: StageReport): void {
    reports.push(line);
    options.onReport(line);
  }

  function memoryOf(name: string): string {
    return join(cacheDir, 'last', `${sha256(`${owner}/${name}`).slice(0, 16)}.json`);
  }

  function remember(name: string, parts: Parts): void {
    mkdirSync(join(cacheDir, 'last'), { recursive: true });
    // Points of a sweep have one owner, and may be side by side.
    writeWhole(memoryOf(name), canonical(parts));
  }

  function whatChanged(name: string, now: Parts): string {
    const file = memoryOf(name);
    if (!existsSync(file)) return 'never ran here';
    const before = JSON.parse(readFileSync(file, 'utf8')) as Parts;
    for (const kind of ['config', 'code', 'inputs'] as const) {
      const change = firstChange(before[kind], now[kind]);
      if (change !== null) {
        return kind === 'config'
          ? `${change.key}: ${change.before} → ${change.now}`
          : `${kind === 'code' ? 'code of' : 'input'} ${change.key} changed`;
      }
    }
    return 'its kept result was removed';
  }
}

function resultIn(dir: string): string | null {
  const file = join(dir, RESULT);
  if (!existsSync(file)) return null;
  const { hash } = JSON.parse(readFileSync(file, 'utf8')) as { hash: string };
  // A kept result whose bytes changed is no result.
  return contentHash(dir) === hash ? hash : null;
}

function contentHash(dir: string): string {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== RESULT)
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return sha256(
    files.map((file) => `${file.slice(dir.length)} ${sha256(readFileSync(file))}`).join('\n'),
  );
}

function firstChange(
  before: Readonly<Record<string, unknown>>,
  now: Readonly<Record<string, unknown>>,
  path = '',
): { key: string; before: string; now: string } | null {
  for (const key of new Set([...Object.keys(before), ...Object.keys(now)])) {
    const [a, b] = [before[key], now[key]];
    if (canonical(a ?? null) === canonical(b ?? null)) continue;
    const at = `${path}${key}`;
    if (isRecord(a) && isRecord(b)) return firstChange(a, b, `${at}.`);
    return { key: at, before: canonical(a ?? null), now: canonical(b ?? null) };
  }
  return null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The command from its door: what it prints, where results land, how it ends. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONFIGS, experiment, TINY, type Exited } from './experiment-process.js';

const MINUTES = 60_000;
const dir = mkdtempSync(join(tmpdir(), 'bhs-experiment-'));
const runs = join(dir, 'runs');
const quick = join(CONFIGS, 'quick.yaml');
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const run = (...args: string[]): Promise<Exited> => experiment(...args).exited;

describe('a study from one command', () => {
  let id = '';

  beforeAll(async () => {
    const { status, stdout, stderr } = await run(
      'run',
      quick,
      ...TINY,
      '--runs',
      runs,
      '--json',
      '--progress',
      'plain',
    );
    expect(status, stderr).toBe(0);
    const outcome = JSON.parse(stdout) as {
      id: string;
      folder: string;
      ok: boolean;
      metrics: Record<string, { mean: number }>;
    };
    expect(outcome).toMatchObject({ ok: true, folder: join(runs, outcome.id) });
    expect(outcome.metrics['incidents']!.mean).toBe(4);
    for (const arm of ['detector-zero', 'federated-private', 'siem-tuned', 'random']) {
      expect(outcome.metrics[`${arm}.recall`]!.mean).toBeGreaterThanOrEqual(0);
      expect(outcome.metrics[`${arm}.recall`]!.mean).toBeLessThanOrEqual(1);
    }
    expect(stderr).toMatch(/siem: ran, .* \(never ran here\)/);
    id = outcome.id;
  }, 5 * MINUTES);

  it('leaves a folder that says what made it', () => {
    const folder = join(runs, id, 'seed-001');
    expect(readdirSync(folder).sort()).toEqual([
      'incidents.json',
      'manifest.json',
      'metrics.jsonl',
      'model',
      'rounds.csv',
      'stdout.log',
      'summary.json',
    ]);
    const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    expect(manifest).toMatchObject({
      format: 'experiment-seed/1',
      id,
      seed: 1,
      exit: 'ok',
      noise: 'seeded: an experiment, no protection of anybody',
    });
    expect(readFileSync(join(runs, id, 'config.resolved.yaml'), 'utf8')).toMatch(
      /staff: 60 # override world\.staff=60/,
    );
    const { notes } = JSON.parse(readFileSync(join(folder, 'summary.json'), 'utf8')) as {
      notes: string[];
    };
    expect(notes.join(' ')).toMatch(/ε = 0\.[45]\d* for one window and [\d.]+ for an actor/);
  });

  it(
    'is not done twice, and a change runs only what depends on it',
    async () => {
      const again = await run('run', quick, ...TINY, '--runs', runs, '--progress', 'plain');
      expect(again.stderr).not.toContain('ran,');
      const other = await run(
        'run',
        quick,
        ...TINY,
        'training.epsilon=2',
        '--runs',
        runs,
        '--progress',
        'plain',
      );
      expect(other.status).toBe(0);
      expect(other.stderr).toMatch(/siem: cached/);
      expect(other.stderr).toMatch(/featurise H1: cached/);
      expect(other.stderr).toMatch(
        /train federated-private: ran, .* \(training\.epsilon: 0\.5 → 2\)/,
      );
    },
    3 * MINUTES,
  );

  it(
    'shows, lists, compares and reports',
    async () => {
      const listed = JSON.parse((await run('ls', '--runs', runs, '--json')).stdout) as {
        runs: { id: string }[];
      };
      expect(listed.runs.map((one) => one.id)).toContain(id);
      const shown = await run('show', 'quick-', '--config', '--runs', runs);
      // Two runs begin alike: the message names both.
      expect(shown.status).toBe(2);
      expect(shown.stderr).toContain(`ERR_RUN_UNKNOWN`);
      expect((await run('show', id, '--config', '--runs', runs)).stdout).toContain(
        '# override world.staff=60',
      );
      const ids = listed.runs.map((one) => one.id);
      const table = await run('compare', ...ids, '--csv', '--runs', runs);
      expect(table.stdout.split('\n')[0]).toBe(`metric,${ids.join(',')}`);
      const report = await run('report', id, '--out', join(dir, 'report'), '--runs', runs);
      expect(report.status, report.stderr).toBe(0);
      const html = readFileSync(join(dir, 'report', 'report.html'), 'utf8');
      expect(html).toContain('No evidence for a claim');
      expect(html).not.toMatch(/<script|https?:\/\//);
      expect(readFileSync(join(dir, 'report', 'report.md'), 'utf8')).toContain('| siem-tuned |');
    },
    MINUTES,
  );

  it(
    'repro gives every metric and model the same bits',
    async () => {
      const { status, stdout, stderr } = await run('repro', id, '--json', '--runs', runs);
      expect(JSON.parse(stdout), stderr).toEqual({ id, ok: true, seeds: [1], differences: [] });
      expect(status).toBe(0);
    },
    5 * MINUTES,
  );

  it(
    'model export writes the formats of others, with a card',
    async () => {
      for (const [format, file] of [
        ['onnx', 'model.onnx'],
        ['safetensors', 'model.safetensors'],
        ['tfjs', 'insider.model.json'],
      ] as const) {
        const { status, stdout, stderr } = await run(
          'model',
          'export',
          id,
          '--to',
          format,
          '--dir',
          join(dir, 'models'),
          '--runs',
          runs,
          '--json',
        );
        expect(status, stderr).toBe(0);
        const { dir: made, files } = JSON.parse(stdout) as { dir: string; files: string[] };
        expect(files).toContain(file);
        expect(JSON.parse(readFileSync(join(made, 'card.json'), 'utf8'))).toMatchObject({
          run: id,
          theta: 0.87,
          alpha: 0.032,
        });
      }
      const wrong = await run(
        'model',
        'export',
        id,
        '--to',
        'onnx',
        '--arm',
        'federated-privat',
        '--runs',
        runs,
      );
      expect(wrong.stderr).toContain('did you mean federated-private?');
    },
    MINUTES,
  );

  it('leaves a page and its figures as files, each with its numbers', () => {
    const plots = readdirSync(join(runs, id, 'plots'));
    for (const name of ['arms', 'roc', 'scores', 'scenario-difficulty']) {
      expect(plots).toContain(`${name}.svg`);
      expect(plots).toContain(`${name}.csv`);
    }
    const svg = readFileSync(join(runs, id, 'plots', 'arms.svg'), 'utf8');
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox=/);
    expect(svg).toContain('siem-tuned');
    expect(readFileSync(join(runs, id, 'plots', 'arms.csv'), 'utf8')).toMatch(
      /^arm,value,low,high\n/,
    );
    expect(readFileSync(join(runs, id, 'report.html'), 'utf8')).toContain('<svg');
    expect(readFileSync(join(runs, id, 'report.md'), 'utf8')).toContain('### Arms');
  });

  it(
    'export writes one row a seed and metric, as CSV and as Parquet',
    async () => {
      const made = async (...flags: string[]): Promise<{ file: string; rows: number }> => {
        const { status, stdout, stderr } = await run(
          'export',
          id,
          ...flags,
          '--runs',
          runs,
          '--json',
        );
        expect(status, stderr).toBe(0);
        return JSON.parse(stdout) as { file: string; rows: number };
      };
      const csv = await made('--csv', '--out', join(dir, 'figures.csv'));
      const parquet = await made('--parquet', '--out', join(dir, 'figures.parquet'));
      const { metrics } = JSON.parse(
        readFileSync(join(runs, id, 'seed-001', 'summary.json'), 'utf8'),
      ) as { metrics: Record<string, number> };
      expect([csv.rows, parquet.rows]).toEqual(Array(2).fill(Object.keys(metrics).length));
      const lines = readFileSync(csv.file, 'utf8').trimEnd().split('\n');
      expect(lines[0]).toBe('run,swept,seed,arm,metric,value');
      expect(lines).toContain(`${id},,1,siem-tuned,recall,${metrics['siem-tuned.recall']!}`);
      expect(lines).toContain(`${id},,1,,incidents,${metrics['incidents']!}`);
      // What is in it, the writer's own test reads back.
      const bytes = readFileSync(parquet.file);
      expect([bytes.toString('latin1', 0, 4), bytes.toString('latin1', bytes.length - 4)]).toEqual([
        'PAR1',
        'PAR1',
      ]);
      const both = await run('export', id, '--csv', '--parquet', '--runs', runs);
      expect([both.status, both.stderr]).toEqual([
        expect.any(Number),
        expect.stringContaining('--csv'),
      ]);
      expect(both.status).not.toBe(0);
    },
    MINUTES,
  );

  it(
    'stopped after a round, it goes on there and comes to the same model',
    async () => {
      const stopped = join(dir, 'stopped');
      const overrides = [...TINY, 'training.rounds=400', 'arms=[federated]'];
      const first = experiment(
        'run',
        quick,
        ...overrides,
        '--runs',
        stopped,
        '--progress',
        'plain',
      );
      await first.seen(/federated: round 2 of 400/);
      first.child.kill('SIGINT');
      const { status, stderr } = await first.exited;
      expect(status).toBe(1);
      expect(stderr).toMatch(/to go on: npm run experiment -- run .*--resume/);
      const second = await run(
        'run',
        quick,
        ...overrides,
        '--runs',
        stopped,
        '--resume',
        '--json',
        '--progress',
        'plain',
      );
      expect(second.status, second.stderr).toBe(0);
      expect(second.stderr).toContain('featurise H1: cached');
      expect(second.stderr).toMatch(/federated: goes on after round \d+ of 400/);
      expect(second.stderr).toContain('resumed where it was interrupted');
      const whole = await run(
        'run',
        quick,
        ...overrides,
        '--runs',
        join(dir, 'whole'),
        '--json',
        '--progress',
        'none',
      );
      const hashOf = (folder: string, stdout: string): unknown => {
        const { id: name } = JSON.parse(stdout) as { id: string };
        return (
          JSON.parse(readFileSync(join(folder, name, 'seed-001', 'summary.json'), 'utf8')) as {
            models: unknown;
          }
        ).models;
      };
      expect(hashOf(stopped, second.stdout)).toEqual(hashOf(join(dir, 'whole'), whole.stdout));
    },
    5 * MINUTES,
  );

  it(
    'a failed seed fails the command, and its manifest says why',
    async () => {
      // The catalogue has no such scenario.
      const { status, stdout } = await run(
        'run',
        quick,
        ...TINY,
        'world.incidents.scenarios=[S99]',
        '--runs',
        runs,
        '--json',
        '--progress',
        'none',
      );
      const { ok, id: failed } = JSON.parse(stdout) as { ok: boolean; id: string };
      expect([status, ok]).toEqual([1, false]);
      const manifest = JSON.parse(
        readFileSync(join(runs, failed, 'seed-001', 'manifest.json'), 'utf8'),
      ) as { exit: string; error: string };
      expect(manifest.exit).toBe('failed');
      expect(manifest.error).toContain('ERR_DATASET_OPTION');
    },
    MINUTES,
  );

  it(
    'wrong usage is 64, a wrong configuration 2 with the key that was meant',
    async () => {
      expect((await run('run')).status).toBe(64);
      expect((await run('run', quick, '--seeds', 'many')).status).toBe(64);
      const { status, stderr } = await run('run', quick, 'wrld.staff=3');
      expect(status).toBe(2);
      expect(stderr).toContain('did you mean "world"?');
      const dry = await run('run', quick, ...TINY, '--runs', runs, '--dry-run');
      expect(dry.stdout).toContain('seed 1 is done');
    },
    MINUTES,
  );

  it(
    'data make writes a world, verify finds one changed byte',
    async () => {
      const made = await run('data', 'make', quick, ...TINY, '--dir', join(dir, 'data'), '--json');
      expect(made.status, made.stderr).toBe(0);
      const { dir: folder } = JSON.parse(made.stdout) as { dir: string };
      expect((await run('data', 'verify', folder)).status).toBe(0);
      const log = join(folder, 'jsonl', 'H1.jsonl');
      writeFileSync(log, `${readFileSync(log, 'utf8')} `);
      const verified = await run('data', 'verify', folder);
      expect(verified.status).toBe(1);
      expect(verified.stdout).toContain('H1.jsonl');
      expect((await run('data', 'describe', quick, ...TINY)).stdout).toContain('| quantity');
    },
    2 * MINUTES,
  );
});

describe('evaluate, on a log that somebody brings', () => {
  const sessions = (rows: readonly (readonly [string, string, string, string])[]): string =>
    ['session,label,events,user', ...rows.map((row) => row.join(','))].join('\n');
  const usual = (i: number): string => ['a b c d', 'a b c c d', 'a b b c d'][i % 3]!;
  const train = sessions(
    Array.from({ length: 400 }, (_, i) => [
      `t${i}`,
      ['0', '', 'normal'][i % 3]!,
      usual(i),
      `u${i % 4}`,
    ]),
  );
  const test = sessions(
    Array.from({ length: 120 }, (_, i) =>
      i % 4 === 0
        ? [`x${i}`, i % 8 === 0 ? 'worm' : 'thief', 'd x y x d', `u${i % 3}`]
        : [`x${i}`, '0', usual(i), `u${i % 3}`],
    ),
  );
  const columns = ['--columns', 'id=session,label=label,events=events,group=user'];
  const files = join(dir, 'logs');
  beforeAll(() => {
    mkdirSync(files, { recursive: true });
    writeFileSync(join(files, 'train.csv.gz'), gzipSync(train));
    writeFileSync(join(files, 'test.csv'), test);
  });

  it(
    'reads gzip and plain, takes 0, empty and normal as normal, prints rows per class',
    async () => {
      const { status, stdout, stderr } = await run(
        'evaluate',
        '--train',
        join(files, 'train.csv.gz'),
        '--test',
        join(files, 'test.csv'),
        ...columns,
        '--detector',
        'count-vector',
        '3-gram',
        'own-vs-peers-mean',
        '--order',
        'file',
        '--json',
      );
      expect(status, stderr).toBe(0);
      const result = JSON.parse(stdout) as {
        kind: string;
        groups: boolean;
        abnormal: number;
        notes: string[];
        detectors: {
          name: string;
          auc: { mean: number };
          recallAt: unknown[];
          classes: { label: string; sessions: number }[];
          atTheta: object;
        }[];
      };
      expect(result).toMatchObject({
        kind: 'labelled sessions',
        groups: true,
        abnormal: 30,
        notes: [expect.stringContaining('copies of training sessions')],
      });
      const counts = result.detectors.find(({ name }) => name === 'count-vector')!;
      expect(counts.auc.mean).toBe(1);
      expect(counts.recallAt).toHaveLength(4);
      expect(counts.classes.map(({ label, sessions: n }) => [label, n])).toEqual([
        ['thief', 15],
        ['worm', 15],
      ]);
      const page = await run(
        'evaluate',
        '--train',
        join(files, 'train.csv.gz'),
        '--test',
        join(files, 'test.csv'),
        ...columns,
        '--detector',
        'count-vector',
      );
      expect(page.stdout).toMatch(/thief.*\n.*worm/);
    },
    MINUTES,
  );

  it(
    'an unknown detector, a bad line and a missing file are named',
    async () => {
      const base = [
        'evaluate',
        '--train',
        join(files, 'train.csv.gz'),
        '--test',
        join(files, 'test.csv'),
        ...columns,
      ];
      const unknown = await run(...base, '--detector', 'magic');
      expect([unknown.status, unknown.stderr]).toEqual([
        2,
        expect.stringContaining('ERR_EVALUATE_DETECTOR'),
      ]);
      writeFileSync(join(files, 'bad.csv'), `${train}\nonly one field\n`);
      const bad = await run(
        'evaluate',
        '--train',
        join(files, 'bad.csv'),
        '--test',
        join(files, 'test.csv'),
        ...columns,
      );
      expect(bad.status).toBe(2);
      expect(bad.stderr).toMatch(/402/);
      const absent = await run(
        'evaluate',
        '--train',
        join(files, 'none.csv'),
        '--test',
        join(files, 'test.csv'),
      );
      expect(absent.stderr).toContain('ERR_EVALUATE_FILES');
    },
    MINUTES,
  );
});

/**
 * Inline latency and throughput: what the benches of the chaincode room measured and committed, as a study beside the others.
 * Nothing is measured here; a bench wants an idle machine, and says itself how busy its machine was.
 * @module
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { Type } from 'typebox';
import { ExperimentError } from '../../errors.js';
import { sha256 } from '../../harness/canonical.js';
import { REPOSITORY } from '../../harness/code-hash.js';
import type { Config } from '../../harness/study-config.js';
import type { Study } from '../../harness/study.js';

interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** What `npm run bench -w chaincode-hooks -- --save FILE` writes. */
interface BenchFile {
  readonly machine: Readonly<Record<string, unknown>>;
  /** The guard's own time, with its promises. */
  readonly results: readonly (Spread & {
    readonly name: string;
    readonly unit: string;
    readonly runs: number;
    readonly bar: string | null;
    readonly ok: boolean;
  })[];
  /** Closed loops, arms interleaved. */
  readonly loads: readonly {
    readonly load: string;
    readonly clients: number;
    readonly arm: string;
    readonly rounds: number;
    readonly perSecond: Spread;
    readonly ofOff: Spread | null;
    readonly p50Ms: number;
    readonly p95Ms: number;
    readonly p99Ms: number;
    readonly quarantineShare: number;
    readonly failedShare: number;
  }[];
}

type Row = Readonly<Record<string, unknown>>;

const COMMAND = 'npm run bench -w chaincode-hooks -- --save FILE';

export const latencyStudy: Study = {
  name: 'inline-latency',
  about: 'latency and throughput of the guard, from the committed benches',
  schema: Type.Object(
    {
      study: Type.Literal('inline-latency'),
      name: Type.String({ pattern: '^[a-z][a-z0-9-]{1,40}$' }),
      title: Type.String({ default: '' }),
      evidence: Type.Boolean({ default: true }),
      seeds: Type.Array(Type.Integer({ minimum: 0, maximum: 999 }), {
        minItems: 1,
        maxItems: 1,
        default: [0],
      }),
      data: Type.Object(
        {
          /** Relative to the repository; one file a bench. */
          dir: Type.String({ default: 'chaincode-hooks/bench/results' }),
        },
        { additionalProperties: false },
      ),
    },
    { additionalProperties: false },
  ),
  code: ['latency'],
  dataHash: (config) =>
    sha256(
      filesOf(config)
        .map((file) => `${basename(file)} ${sha256(readFileSync(file))}`)
        .join('\n'),
    ),
  run(config) {
    const benches = filesOf(config).map((file) => ({
      name: basename(file, '.json'),
      ...readBench(file),
    }));
    return Promise.resolve({
      metrics: Object.fromEntries(
        benches.flatMap(({ name, results, loads }) => [
          ...results.map((result): [string, number] => [`${name}: ${result.name}`, result.median]),
          ...loads.flatMap(({ arm, load, clients, perSecond, ofOff, p50Ms, p99Ms }) => {
            const of = `${name}: ${arm}, ${load}, ${clients} clients`;
            const all: [string, number | null][] = [
              ['per second', perSecond.median],
              ['of guard off', ofOff?.median ?? null],
              ['p50 ms', p50Ms],
              ['p99 ms', p99Ms],
            ];
            return all.flatMap(([what, value]): [string, number][] =>
              value === null ? [] : [[`${of}: ${what}`, value]],
            );
          }),
        ]),
      ),
      tables: Object.fromEntries(
        benches.flatMap(({ name, results, loads }): [string, readonly Row[]][] => [
          [
            `${name}: the guard alone`,
            results.map(({ name: what, unit, median, min, max, runs, bar, ok }) => ({
              what,
              unit,
              median,
              least: min,
              most: max,
              runs,
              bar: bar === null ? null : `${bar}: ${ok ? 'kept' : 'missed'}`,
            })),
          ],
          [
            `${name}: closed loop`,
            loads.map(({ arm, load, clients, rounds, perSecond, ofOff, ...rest }) => ({
              guard: arm,
              load,
              clients,
              rounds,
              'committed a second': perSecond.median,
              'of guard off': ofOff?.median ?? null,
              'p50 ms': rest.p50Ms,
              'p95 ms': rest.p95Ms,
              'p99 ms': rest.p99Ms,
              quarantined: rest.quarantineShare,
              failed: rest.failedShare,
            })),
          ],
        ]),
      ),
      models: {},
      notes: benches.map(({ name, machine }) => `${name}: ${factsOf(machine)}`),
    });
  },
};

/** @throws {ExperimentError} `ERR_STUDY_DATA` with the command that makes one */
function filesOf(config: Config): string[] {
  const { dir } = (config as unknown as { data: { dir: string } }).data;
  const folder = resolve(REPOSITORY, dir);
  const files = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.json'))
        .sort()
    : [];
  if (files.length > 0) return files.map((name) => join(folder, name));
  throw new ExperimentError(
    'ERR_STUDY_DATA',
    `data.dir: expected results of \`${COMMAND}\`, got nothing in ${JSON.stringify(dir)}`,
    { dir },
  );
}

function readBench(file: string): BenchFile {
  const read = JSON.parse(readFileSync(file, 'utf8')) as Partial<BenchFile>;
  if (Array.isArray(read.results) && Array.isArray(read.loads) && read.machine !== undefined)
    return read as BenchFile;
  throw new ExperimentError(
    'ERR_STUDY_DATA',
    `${basename(file)}: expected the output of \`${COMMAND}\` with machine, results and loads, got ${Object.keys(read).join(', ')}`,
    { file: basename(file) },
  );
}

function factsOf(machine: BenchFile['machine']): string {
  return Object.entries(machine)
    .map(([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}

/**
 * The paper's figures, cell by cell, with ours beside them where we have one, and the reason where we have none. Claims are
 * data; ours are read from result files, so that no figure is typed.
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Type } from 'typebox';
import { parse } from 'yaml';
import { ExperimentError } from '../../errors.js';
import { canonical, sha256 } from '../../harness/canonical.js';
import { REPOSITORY } from '../../harness/code-hash.js';
import type { Study } from '../../harness/study.js';

interface Claim {
  readonly table: string;
  readonly cell: string;
  readonly claimed: string | number;
  readonly unit: string;
  /** File below experiments/results and the path of the number in it, or of two whose difference it is; `scale` changes its unit. */
  readonly measured?: {
    readonly file: string;
    readonly path: string;
    readonly minus?: string;
    readonly scale?: number;
  };
  readonly differs?: string;
  readonly why?: string;
}

const CLAIMS = join(REPOSITORY, 'experiments', 'paper-claims.yaml');
const RESULTS = join(REPOSITORY, 'experiments', 'results');

export const paperStudy: Study = {
  name: 'paper-tables',
  about: 'the paper’s Tables 1 to 3 and its detection claim, ours beside the claimed',
  schema: Type.Object(
    {
      study: Type.Literal('paper-tables'),
      name: Type.String({ pattern: '^[a-z][a-z0-9-]{1,40}$' }),
      title: Type.String({ default: '' }),
      evidence: Type.Boolean({ default: true }),
      seeds: Type.Array(Type.Integer({ minimum: 0, maximum: 999 }), {
        minItems: 1,
        maxItems: 1,
        default: [0],
      }),
    },
    { additionalProperties: false },
  ),
  code: ['paper'],
  // By content: how a committed file is laid out says nothing.
  dataHash: () => {
    const files = new Set(claims().flatMap(({ measured }) => measured?.file ?? []));
    return sha256(canonical([claims(), [...files].map((file) => readResult(file) ?? 'absent')]));
  },
  run() {
    const rows = claims().map(({ table, cell, claimed, unit, measured, differs, why }) => {
      const ours = measured === undefined ? null : numberAt(measured);
      return {
        table,
        cell,
        unit,
        claimed,
        ours: ours ?? 'not measured',
        'what differs':
          ours === null
            ? (why ?? `${measured?.file ?? 'no result'} is not there yet`)
            : (differs ?? ''),
      };
    });
    return Promise.resolve({
      metrics: {
        cells: rows.length,
        measured: rows.filter(({ ours }) => typeof ours === 'number').length,
      },
      tables: { 'the paper’s figures': rows },
      models: {},
      notes: [
        'claimed figures are the paper’s and were not repeated here unless a figure of ours stands beside them',
      ],
    });
  },
};

function claims(): readonly Claim[] {
  return parse(readFileSync(CLAIMS, 'utf8')) as readonly Claim[];
}

/** null: not there. */
function readResult(file: string): unknown {
  const whole = join(RESULTS, file);
  return existsSync(whole) ? JSON.parse(readFileSync(whole, 'utf8')) : null;
}

function numberAt({ file, path, minus, scale = 1 }: NonNullable<Claim['measured']>): number | null {
  const result = readResult(file);
  if (result === null) return null;
  const at = (keys: string): number => {
    const value = keys
      .split('/')
      .reduce<unknown>((from, key) => (from as Record<string, unknown> | undefined)?.[key], result);
    if (typeof value === 'number') return value;
    throw new ExperimentError(
      'ERR_STUDY_DATA',
      `${file}: expected a number at ${keys}, got ${JSON.stringify(value)}`,
      { file, path: keys },
    );
  };
  return scale * (at(path) - (minus === undefined ? 0 : at(minus)));
}

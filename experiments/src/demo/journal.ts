/** What became of each log line (the EHR gateway's journal) and what was planted (the truth). @module */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Incident } from '@bhschain/datasets';
import type { StatePaths } from './state-directory.js';

export interface Outcome {
  readonly eventId: string;
  readonly kind: 'call' | 'resubmission' | 'probe';
  readonly hospital: string;
  readonly txId: string | null;
  readonly disposition: string;
  readonly quarantineId: string | null;
}

export interface Outcomes {
  readonly all: readonly Outcome[];
  readonly byTransaction: ReadonlyMap<string, Outcome>;
  /** Log lines that went through; resubmissions and probes not counted. */
  readonly callCount: number;
  readonly probeCount: number;
}

/** Whole lines only: the last one may be half-written while the gateway runs. */
export function readOutcomes(paths: StatePaths): Outcomes {
  const file = join(paths.ehrGateway, 'outcomes.jsonl');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const all = text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Outcome);
  return {
    all,
    byTransaction: new Map(
      all.flatMap((outcome) => (outcome.txId === null ? [] : [[outcome.txId, outcome] as const])),
    ),
    callCount: all.filter((outcome) => outcome.kind === 'call').length,
    probeCount: all.filter((outcome) => outcome.kind === 'probe').length,
  };
}

export function readIncidents(paths: StatePaths): readonly Incident[] {
  return (JSON.parse(readFileSync(paths.truth, 'utf8')) as { incidents: Incident[] }).incidents;
}

/**
 * Why a call was held, computed again from what the ledger keeps: the ring of its own write set, and the detector and
 * table that judged it. Nothing is remembered from the moment of judgement, so what the screen shows can be checked.
 * @module
 */
import { createHash } from 'node:crypto';
import {
  createScorer,
  decodeDetector,
  decodeTable,
  EVIDENCE_UNIT,
  type Explanation,
  type Scorer,
} from '@bhschain/models/detector';
import { COLUMNS, ROW_OUTCOMES } from '@bhschain/models/features';
import type { Evidence, EvidenceMember } from '../http/answers.js';
import { ReviewError } from './errors.js';
import { judgedWindow, type JudgedWindow } from '../proof/judged-window.js';
import { usualErrors } from './usual-errors.js';

export interface EvidenceInput {
  readonly txId: string;
  readonly args: readonly string[];
  readonly score: number | null;
  readonly ring: Uint8Array | null;
  readonly model: Uint8Array | null;
  readonly table: Uint8Array | null;
}

/** Decoded judges by the hashes of their bytes; a detector lives for hours, so a handful is enough. */
export interface Judges {
  scorerOf(model: Uint8Array, table: Uint8Array): Scorer;
  /** The same by the hashes alone; null if it is not decoded yet. */
  known(modelHash: string, tableHash: string): Scorer | null;
}

export function createJudges(keep = 4): Judges {
  const cache = new Map<string, Scorer>();
  return {
    known: (modelHash, tableHash) => cache.get(`${modelHash}:${tableHash}`) ?? null,
    scorerOf(model, table) {
      const key = [model, table]
        .map((bytes) => createHash('sha256').update(bytes).digest('hex'))
        .join(':');
      let scorer = cache.get(key);
      if (scorer === undefined) {
        scorer = createScorer(decodeDetector(model), decodeTable(table));
        if (cache.size >= keep) cache.delete(cache.keys().next().value ?? '');
        cache.set(key, scorer);
      }
      return scorer;
    },
  };
}

/** @throws {ReviewError} `ERR_HOLD_EVIDENCE` with the reason, if a part is missing or does not fit */
export function explainHold(input: EvidenceInput, judges: Judges): Evidence {
  const { ring: ringBytes, model, table } = input;
  const missing = (what: string, cause?: unknown): ReviewError =>
    new ReviewError(
      'ERR_HOLD_EVIDENCE',
      `This call cannot be explained here: ${what}.`,
      { txId: input.txId },
      cause,
    );
  if (input.score === null) throw missing('no detector judged it');
  if (ringBytes === null) throw missing('its block holds no sequence of calls');
  if (model === null || table === null) throw missing('its detector is not in the blocks read');
  let scorer: Scorer;
  let judged: JudgedWindow;
  let explanation: Explanation;
  try {
    judged = judgedWindow(ringBytes, input.args);
    scorer = judges.scorerOf(model, table);
    explanation = scorer.explain(judged.window);
  } catch (cause) {
    throw missing('its sequence or its detector does not decode', cause);
  }
  const { ring, window } = judged;
  const shown = COLUMNS.map((spec, index) => ({ spec, index })).filter(
    ({ index }) => (window.mask & (1 << index)) === 0,
  );
  const last = ring.rows.at(-1);
  const usual = usualErrors(scorer.detector, window);
  return {
    columns: shown.map(({ spec, index }) => ({
      name: spec.name,
      unit: spec.unit,
      usualError: round(usual.get(index) ?? 0),
    })),
    steps: ring.rows.map((row, index) => ({
      index,
      outcome: ROW_OUTCOMES[row.outcome],
      error: round(explanation.stepErrors[index] ?? 0),
      gapEighths: row.gap,
      values: shown.map(({ spec, index: column }) => (row.columns[column] ?? 0) / 2 ** spec.k),
      errors: shown.map(({ index: column }) =>
        round(explanation.errors[index * COLUMNS.length + column] ?? 0),
      ),
    })),
    reasons: explanation.columns.map((reason) => {
      const spec = COLUMNS[reason.index]!;
      return {
        column: spec.name,
        unit: spec.unit,
        share: round(reason.share),
        ratio: round(reason.meanErrorRatio),
        scoreWithout: reason.scoreWithoutMillionths,
        value: (last?.columns[reason.index] ?? 0) / 2 ** spec.k,
      };
    }),
    against: againstOf(
      explanation,
      shown.map(({ index }) => index),
    ),
    sentences: explanation.sentences,
    theta: scorer.table.theta,
    alphaPpm: scorer.table.alphaPpm,
    score: explanation.scoreMillionths,
    agrees: explanation.scoreMillionths === input.score,
    ringDigest: createHash('sha256').update(judged.ringBytes).digest('hex'),
    windowCount: ring.callCount,
    members: membersOf(scorer, explanation),
    family: explanation.family,
  };
}

const AGAINST_MAX = 3;
/** Less than this is noise about zero. */
const AGAINST_SHARE = -0.01;

function againstOf(
  { shares, length }: Explanation,
  columns: readonly number[],
): Evidence['against'] {
  return columns
    .map((column) => {
      let share = 0;
      for (let step = 0; step < length; step++) share += shares[step * COLUMNS.length + column]!;
      return { column: COLUMNS[column]!.name, share: round(share) };
    })
    .filter(({ share }) => share < AGAINST_SHARE)
    .sort((a, b) => a.share - b.share)
    .slice(0, AGAINST_MAX);
}

function membersOf({ detector }: Scorer, judged: Explanation): readonly EvidenceMember[] {
  const beyond = judged.evidence.map((evidence) => Math.max(0, evidence - EVIDENCE_UNIT));
  const sum = beyond.reduce((total, each) => total + each, 0);
  return detector.members
    .map(({ name }, m) => ({
      name,
      pValue: round(Math.min(1, EVIDENCE_UNIT / judged.evidence[m]!)),
      share: sum === 0 ? 0 : round(beyond[m]! / sum),
      leads: name === judged.leader,
    }))
    .sort((a, b) => b.share - a.share);
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

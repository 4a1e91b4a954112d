/**
 * Holds with a real story: windows of the public canaries, judged by detector 0, as the guard would have written them.
 * @module
 */
import { createHash } from 'node:crypto';
import type { DecodedTransaction, QuarantineRecord } from '@bhschain/chaincode-hooks/events';
import {
  createScorer,
  DETECTOR_ZERO,
  encodeDetector,
  PUBLIC_CANARIES,
  type Detector,
  type ScoredWindow,
  type Scorer,
} from '@bhschain/models/detector';
import {
  COLUMNS,
  EMPTY_HISTOGRAM,
  encodeRing,
  featureSchemaHash,
  type Ring,
} from '@bhschain/models/features';
import { hashOf, holdTransaction, recordOf, transactionOf, write } from './review-fixture.js';

/** Under this build's schema hash, so that a reworded column does not fail these tests before detector 0 is made again. */
const DETECTOR: Detector = { ...DETECTOR_ZERO.detector, featureSchemaHash };
export const MODEL: Uint8Array = encodeDetector(DETECTOR);
export const TABLE: Uint8Array = DETECTOR_ZERO.tableBytes;
export const MODEL_HASH: string = sha256(MODEL);
export const TABLE_HASH: string = sha256(TABLE);

export function scorerOfDetectorZero(): Scorer {
  return createScorer(DETECTOR, DETECTOR_ZERO.table);
}

/** Attack windows that detector 0 would hold, the strangest last. */
export function heldWindows(scorer: Scorer): readonly { window: ScoredWindow; score: number }[] {
  const { windows, labels } = PUBLIC_CANARIES;
  return windows
    .filter((_, i) => labels[i] === 1)
    .map((window) => ({ window, score: scorer.score(window).scoreMillionths }))
    .filter(({ score, window }) => score >= 870_000 && window.mask === 0)
    .sort((a, b) => a.score - b.score);
}

/** The block in which detector 0 became active. */
export function detectorTransaction(): DecodedTransaction {
  return transactionOf({
    txId: hashOf('activate detector 0'),
    function: 'DetectorContract:activate',
    writes: [
      write(['det', 'blob', MODEL_HASH], MODEL),
      write(['det', 'blob', TABLE_HASH], TABLE),
      write(['det', 'active'], { version: 0, modelHash: MODEL_HASH, tableHash: TABLE_HASH }),
    ],
  });
}

export function ringBytesOf(window: ScoredWindow): Uint8Array {
  const ring: Ring = {
    rows: window.rows.map((columns, i) => ({
      columns,
      recordTag: i + 1,
      act: 5,
      outcome: i === window.rows.length - 1 ? 2 : 0,
      functionIndex: 2,
      gap: i === 0 ? null : 40 + ((i * 37) % 90),
    })),
    lastTimeMs: 1_789_999_000_000,
    previousAct: 5,
    callCount: window.rows.length,
    histogram: EMPTY_HISTOGRAM,
  };
  return encodeRing(ring);
}

/** A hold of this window, its ring in the write set as the guard leaves it. */
export function heldTransaction(
  o: Readonly<{ name: string; window: ScoredWindow; scorer: Scorer }> & {
    readonly record?: Partial<QuarantineRecord>;
    readonly transaction?: Partial<DecodedTransaction>;
  },
): DecodedTransaction {
  const ring = ringBytesOf(o.window);
  const explanation = o.scorer.explain(o.window);
  const record = recordOf({
    txId: hashOf(o.name),
    score: explanation.scoreMillionths,
    modelVersion: 0,
    modelHash: MODEL_HASH,
    ringDigest: sha256(ring),
    reasons: explanation.columns.slice(0, 3).map(({ index }) => ({
      column: COLUMNS[index]!.name,
      value: o.window.rows.at(-1)?.[index] ?? 0,
    })),
    ...o.record,
  });
  const transaction = holdTransaction(record, o.transaction);
  return {
    ...transaction,
    writes: [
      ...transaction.writes,
      write(['ctx', record.actor, record.session], Buffer.concat([ring, Buffer.alloc(8, 7)])),
    ],
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/**
 * The p-value behind a stored score. A score is s = 1 − p^γ with γ = ln(1 − θ) / ln α, so p = (1 − s)^(1 / γ); θ and α are those
 * of the table that judged. Example: s = θ gives p = α.
 * @module
 */
import { decodeTable, type CalibrationTable } from '@bhschain/models/detector';
import type { HoldSummary, ReviewStore } from './review-store.js';

type Judge = Pick<CalibrationTable, 'theta' | 'alphaPpm'>;

/** @param scoreMillionths - 0 … 1,000,000 */
export function pValueOf(scoreMillionths: number, { theta, alphaPpm }: Judge): number {
  const inverseOfGamma = Math.log(alphaPpm / 1e6) / Math.log(1 - theta / 1e6);
  // A score has six digits, so its p-value has no more.
  return Number(((1 - scoreMillionths / 1e6) ** inverseOfGamma).toPrecision(6));
}

/** The p-value of one hold after another; null where no detector judged, or its table is not known here. Reads each table once. */
export function createPValues(
  review: Pick<ReviewStore, 'detectorBlob'>,
): (hold: HoldSummary) => Promise<number | null> {
  const judges = new Map<string, Promise<Judge | null>>();
  const read = async (hash: string): Promise<Judge | null> => {
    const bytes = await review.detectorBlob(hash);
    return bytes === null ? null : decodeTable(bytes);
  };
  return async ({ scoreMillionths, tableHash }) => {
    if (scoreMillionths === null || tableHash === null) return null;
    if (!judges.has(tableHash)) judges.set(tableHash, read(tableHash));
    const judge = await judges.get(tableHash)!;
    return judge === null ? null : pValueOf(scoreMillionths, judge);
  };
}

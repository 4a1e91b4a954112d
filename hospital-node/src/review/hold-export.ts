/**
 * Holds for another system, a part at a time: whoever asks says how many lines she takes, and is told where the next part
 * begins. Nothing is left out without a word.
 * @module
 */
import type { Place } from './cursor.js';
import type { ExportContext } from './exported-hold.js';
import { EXPORTERS, type ExportFormat } from './exports.js';
import type { HoldFilter } from './hold-query.js';
import { createPValues } from './p-value.js';
import type { ReviewStore } from './review-store.js';

/** Of one part: some tens of megabytes. */
export const EXPORT_MAX = 100_000;
const PAGE = 1_000;

export interface ExportPart {
  readonly lines: readonly string[];
  /** Where the next part begins; null if this was the last. */
  readonly next: Place | null;
}

export async function exportPart(
  review: Pick<ReviewStore, 'list' | 'detectorBlob'>,
  o: Readonly<{
    format: ExportFormat;
    filter: HoldFilter & { readonly mspId: string };
    context: ExportContext;
    limit: number;
    after: Place | null;
  }>,
): Promise<ExportPart> {
  const { line } = EXPORTERS[o.format];
  const pValueOf = createPValues(review);
  const lines: string[] = [];
  let { after } = o;
  while (lines.length < o.limit) {
    const wanted = Math.min(PAGE, o.limit - lines.length);
    const rows = await review.list({ ...o.filter, limit: wanted + 1, after });
    for (const hold of rows.slice(0, wanted)) {
      lines.push(line({ ...hold, pValue: await pValueOf(hold) }, o.context));
      after = { deadlineMs: hold.deadlineMs, number: hold.number };
    }
    if (rows.length <= wanted) return { lines, next: null };
  }
  return { lines, next: after };
}

/**
 * One step for many holds: exactly the ones that were named, each with the version that was seen, each a transaction of
 * its own. Bulk changes the hand, not the rule; what one hold refuses is said beside it and stops no other.
 * @module
 */
import { createHash } from 'node:crypto';
import type { FabricIdentity } from '../fabric/identity.js';
import type { Decisions, StepCommand } from './decisions.js';
import { ReviewError } from './errors.js';

export const BULK_MAX = 200;
/** Above this many, the number must be typed. */
export const UNTYPED_MAX = 50;

export interface BulkRequest {
  readonly items: readonly Readonly<{ txId: string; expectedVersion: number }>[];
  /** As the person typed or confirmed it. */
  readonly count: number;
  readonly command: StepCommand;
  readonly identity: FabricIdentity;
}

export interface BulkResult {
  readonly count: number;
  /** SHA-256 of the sorted transaction ids, one a line: both sides mean the same selection. */
  readonly selectionDigest: string;
  readonly items: readonly Readonly<{
    txId: string;
    outcome: 'done' | 'refused';
    version: number | null;
    code: string | null;
    detail: string | null;
  }>[];
}

/** @throws {ReviewError} `ERR_BULK_COUNT` if the count is not that of the list, or a hold is named twice */
export async function takeBulk(decisions: Decisions, o: BulkRequest): Promise<BulkResult> {
  const ids = o.items.map(({ txId }) => txId);
  if (o.count !== ids.length || new Set(ids).size !== ids.length) {
    throw new ReviewError(
      'ERR_BULK_COUNT',
      `You confirmed ${o.count} holds, the request names ${new Set(ids).size}. Nothing was done.`,
      { count: o.count, named: ids.length },
    );
  }
  const items: BulkResult['items'][number][] = [];
  for (const { txId, expectedVersion } of o.items) {
    try {
      const hold = await decisions.take({
        txId,
        expectedVersion,
        command: o.command,
        identity: o.identity,
      });
      items.push({ txId, outcome: 'done', version: hold.version, code: null, detail: null });
    } catch (error) {
      if (!(error instanceof ReviewError)) throw error;
      const { code, message } = error;
      items.push({ txId, outcome: 'refused', version: null, code, detail: message });
    }
  }
  const selectionDigest = createHash('sha256').update(ids.toSorted().join('\n')).digest('hex');
  return { count: ids.length, selectionDigest, items };
}

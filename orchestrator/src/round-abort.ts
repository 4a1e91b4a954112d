/**
 * Ending a round by hand: two people of two organisations, each with a signature and a reason. What nodes have debited for
 * it stays spent. Design: federation §2.3, §4.
 * @module
 */
import { applyEvent } from './apply-event.js';
import { encodeCanonical } from './protocol/canonical.js';
import { fileWord, refused, type Speaker } from './signed-word.js';
import type { FederationStore } from './store/store.js';

export interface AbortStatement {
  readonly federationId: string;
  readonly slotIndex: number;
  readonly attempt: number;
  readonly reason: string;
}

/** Canonical bytes that each of the two signs in the domain `bhs-review-v1`. */
export function abortStatement(statement: AbortStatement): Uint8Array {
  return encodeCanonical({ kind: 'round-abort', schema: 1, ...statement });
}

/**
 * Files one signed word against the open round of a slot and, with the second organisation's, aborts it.
 * @throws {OrchestratorError} `ERR_REVIEW` if that round is not open, the reason is empty, or the person's certificate or
 *   signature does not check
 */
export async function abortRound(
  o: Readonly<{
    store: FederationStore;
    federationId: string;
    mspRoots: ReadonlyMap<string, string>;
    slotIndex: number;
    reason: string;
    speaker: Speaker;
    nowMs: number;
  }>,
): Promise<'aborted' | 'waiting-for-second'> {
  const { store, federationId, slotIndex, nowMs } = o;
  const open = await store.rounds.findOpen();
  if (open?.round.id.slotIndex !== slotIndex)
    throw refused(`no round of slot ${slotIndex} is open`);
  const { attempt } = open.round.id;
  const key = { slotIndex, attempt };
  const agreeing = await fileWord({
    ...o,
    key,
    nodeId: '',
    disposition: 'abort',
    statementOf: (reason) => abortStatement({ federationId, slotIndex, attempt, reason }),
    auditKind: 'abort-asked',
  });
  if (agreeing === null) return 'waiting-for-second';
  const by = agreeing.map((each) => each.person);
  const { applied } = await applyEvent(store.rounds, key, { kind: 'abort', by, atMs: nowMs });
  if (!applied) throw refused('the round has ended');
  await store.audit.append('round-aborted', nowMs, { slotIndex, attempt, by: by.join(' and ') });
  return 'aborted';
}

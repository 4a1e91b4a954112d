/**
 * Quarantined updates: a person states a disposition and signs it with the identity of the hospital; two people of two
 * organisations who agree decide. Words and rules as for quarantined transactions. Design: federation §5.
 * @module
 */
import { applyEvent } from './apply-event.js';
import { encodeCanonical } from './protocol/canonical.js';
import type { Round } from './round/round.js';
import { fileWord, refused, type Speaker } from './signed-word.js';
import type { FederationStore, RoundKey } from './store/store.js';

export interface ReviewStatement {
  readonly federationId: string;
  readonly slotIndex: number;
  readonly attempt: number;
  readonly nodeId: string;
  /** Digest of the update that is judged. */
  readonly update: string;
  readonly disposition: 'release' | 'discard';
  readonly reason: string;
}

/** Canonical bytes that a reviewer signs in the domain `bhs-review-v1`. */
export function reviewStatement(statement: ReviewStatement): Uint8Array {
  return encodeCanonical({ kind: 'update-review', schema: 1, ...statement });
}

export type ReviewOutcome = 'decided' | 'waiting-for-second';

/**
 * Files one signed review and, when two people of two organisations agree, decides.
 * @throws {OrchestratorError} `ERR_REVIEW` if the update is not in quarantine, the reason is empty, or the person's
 *   certificate or signature does not check
 */
export async function reviewUpdate(
  o: Readonly<{
    store: FederationStore;
    federationId: string;
    mspRoots: ReadonlyMap<string, string>;
    key: RoundKey;
    nodeId: string;
    disposition: 'release' | 'discard';
    reason: string;
    speaker: Speaker;
    nowMs: number;
  }>,
): Promise<ReviewOutcome> {
  const { store, federationId, key, nodeId, disposition } = o;
  const round = (await store.rounds.find(key))?.round;
  const member = round?.members[nodeId];
  if (round?.phase !== 'collecting' || member?.state !== 'quarantined') {
    throw refused(`${nodeId} has no update in quarantine in slot ${key.slotIndex}`);
  }
  const { slotIndex, attempt } = key;
  const { update } = member;
  const about = { federationId, slotIndex, attempt, nodeId, update, disposition };
  const agreeing = await fileWord({
    ...o,
    statementOf: (reason) => reviewStatement({ ...about, reason }),
    auditKind: 'update-reviewed',
  });
  if (agreeing === null) return 'waiting-for-second';
  const reviewers = agreeing.map((each) => each.person);
  const event = { kind: 'review', nodeId, disposition, reviewers, atMs: o.nowMs } as const;
  const { applied } = await applyEvent(store.rounds, key, event);
  if (!applied) throw refused('the round has moved on');
  return 'decided';
}

/** The updates of a round that wait for people. */
export function quarantinedIn(
  round: Round,
): readonly Readonly<{ nodeId: string; reason: string; update: string }>[] {
  return Object.entries(round.members)
    .filter(([, member]) => member.state === 'quarantined')
    .map(([nodeId, { reason, update }]) => ({ nodeId, reason, update }));
}

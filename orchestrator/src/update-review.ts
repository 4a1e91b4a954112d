/**
 * Quarantined updates: a person states a disposition and signs it with the identity of the hospital; two people of two
 * organisations who agree decide. Words and rules as for quarantined transactions. Design: federation §5.
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { applyEvent } from './apply-event.js';
import { OrchestratorError } from './errors.js';
import { encodeCanonical } from './protocol/canonical.js';
import { isIssuedBy, isSignatureValid, publicKeyOf } from './protocol/signing.js';
import type { Round } from './round/round.js';
import type { FederationStore, Review, RoundKey } from './store/store.js';

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
    mspId: string;
    /** PEM of the person's certificate. */
    certificate: string;
    sign: (statement: Uint8Array) => Uint8Array;
    nowMs: number;
  }>,
): Promise<ReviewOutcome> {
  const { store, key, nodeId, disposition, mspId } = o;
  const round = (await store.rounds.find(key))?.round;
  const member = round?.members[nodeId];
  if (round?.phase !== 'collecting' || member?.state !== 'quarantined') {
    throw refused(`${nodeId} has no update in quarantine in slot ${key.slotIndex}`);
  }
  const reason = o.reason.trim();
  if (reason === '' || reason.length > 1_000) throw refused('a reason of 1 to 1000 characters');
  const root = o.mspRoots.get(mspId);
  if (root === undefined || !isIssuedBy(o.certificate, [root])) {
    throw refused(`the certificate is not of ${mspId}`);
  }
  const statement = reviewStatement({
    federationId: o.federationId,
    slotIndex: key.slotIndex,
    attempt: key.attempt,
    nodeId,
    update: member.update,
    disposition,
    reason,
  });
  const signature = o.sign(statement);
  if (!isSignatureValid('bhs-review-v1', statement, signature, publicKeyOf(o.certificate))) {
    throw refused('the signature does not check');
  }
  const person = `${mspId}/${new X509Certificate(o.certificate).subject.replaceAll('\n', ',')}`;
  const review: Review = {
    key,
    nodeId,
    person,
    mspId,
    disposition,
    reason,
    statement,
    signature,
    certificate: o.certificate,
    atMs: o.nowMs,
  };
  await store.reviews.put(review);
  await store.audit.append('update-reviewed', o.nowMs, {
    slotIndex: key.slotIndex,
    nodeId,
    person,
    disposition,
    reason,
  });
  const agreeing = (await store.reviews.list(key, nodeId)).filter(
    (each) => each.disposition === disposition,
  );
  if (new Set(agreeing.map((each) => each.mspId)).size < 2) return 'waiting-for-second';
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

function refused(what: string): OrchestratorError {
  return new OrchestratorError('ERR_REVIEW', `review: ${what}`);
}

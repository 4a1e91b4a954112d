/**
 * What one person decides nobody decides here: a word about a round is signed with the identity of the person's hospital,
 * kept with its signature, and counts when people of two organisations say the same.
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { OrchestratorError } from './errors.js';
import { isIssuedBy, isSignatureValid, publicKeyOf } from './protocol/signing.js';
import type { FederationStore, Review, RoundKey } from './store/store.js';

/** A person with a word to say. */
export interface Speaker {
  readonly mspId: string;
  /** PEM of the person's certificate. */
  readonly certificate: string;
  /** Signs in the domain `bhs-review-v1`. */
  readonly sign: (statement: Uint8Array) => Uint8Array;
}

/** A person as lists name her: organisation and subject of the certificate. */
export function personOf(mspId: string, certificatePem: string): string {
  return `${mspId}/${new X509Certificate(certificatePem).subject.replaceAll('\n', ',')}`;
}

/**
 * Checks one signed word and keeps it; a second one of the same person replaces the first.
 * @param o.nodeId - whose update is spoken of; '' for the round itself
 * @param o.statementOf - canonical bytes that the person signs, given the reason as it is kept
 * @returns the words that agree, or null while they are of one organisation
 * @throws {OrchestratorError} `ERR_REVIEW` if the reason is empty, or certificate or signature does not check
 */
export async function fileWord(
  o: Readonly<{
    store: FederationStore;
    mspRoots: ReadonlyMap<string, string>;
    key: RoundKey;
    nodeId: string;
    disposition: Review['disposition'];
    reason: string;
    speaker: Speaker;
    statementOf: (reason: string) => Uint8Array;
    auditKind: string;
    nowMs: number;
  }>,
): Promise<readonly Review[] | null> {
  const { store, key, nodeId, disposition, nowMs } = o;
  const { mspId, certificate, sign } = o.speaker;
  const reason = o.reason.trim();
  if (reason === '' || reason.length > 1_000) throw refused('a reason of 1 to 1000 characters');
  const root = o.mspRoots.get(mspId);
  if (root === undefined || !isIssuedBy(certificate, [root])) {
    throw refused(`the certificate is not of ${mspId}`);
  }
  const statement = o.statementOf(reason);
  const signature = sign(statement);
  if (!isSignatureValid('bhs-review-v1', statement, signature, publicKeyOf(certificate))) {
    throw refused('the signature does not check');
  }
  const person = personOf(mspId, certificate);
  const said = { key, nodeId, person, mspId, disposition, reason };
  await store.reviews.put({ ...said, statement, signature, certificate, atMs: nowMs });
  await store.audit.append(o.auditKind, nowMs, {
    slotIndex: key.slotIndex,
    ...(nodeId === '' ? { attempt: key.attempt } : { nodeId }),
    person,
    disposition,
    reason,
  });
  const agreeing = (await store.reviews.list(key, nodeId)).filter(
    (each) => each.disposition === disposition,
  );
  return new Set(agreeing.map((each) => each.mspId)).size < 2 ? null : agreeing;
}

export function refused(what: string): OrchestratorError {
  return new OrchestratorError('ERR_REVIEW', `review: ${what}`);
}

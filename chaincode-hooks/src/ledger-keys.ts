/**
 * Every key on the channel, made and read here and nowhere else.
 *
 * Keys are Fabric composite keys: U+0000, object type, U+0000, then each attribute with U+0000 behind it. Written with `~`
 * in the documentation: `det~blob~<sha256>`.
 *
 * | key                              | value                                                                |
 * |----------------------------------|----------------------------------------------------------------------|
 * | `fed~config`                     | canonical JSON: hospitals, attestations, replay, vocabulary, highRisk |
 * | `det~active`                     | canonical JSON: the pointer that every guarded call reads             |
 * | `det~last`                       | canonical JSON: {version}                                             |
 * | `det~blob~<sha256>`              | canonical bytes of a detector or a calibration table                  |
 * | `det~entry~<version>`            | canonical JSON: what was proposed, and its state                      |
 * | `det~att~<version>~<MSP>`        | canonical JSON: one hospital's attestation                            |
 * | `det~cal~<version>~<MSP>`        | canonical JSON: a hospital's own calibration table, by hash           |
 * | `det~con~<version>~<MSP>~<by>`   | canonical JSON: another hospital's word that it recomputed that table |
 * | `det~vote~<action>~<version>~<MSP>` | canonical JSON: one hospital's vote to withdraw, roll back or change the mode |
 * | `act~<actor>~<MSP>`              | canonical JSON: status, class, profile, open grants                   |
 * | `ctx~<actor>~<session>`          | ring bytes, then 8 bytes of code hash                                 |
 * | `evt~<actor>~<MSP>~<epoch>~<txid>` | the same for one call of a service account on epochs                |
 * | `q~<txid>`, `rev~<txid>`         | canonical JSON: quarantine record; review of a call that ran          |
 * | `qi~<state>~<deadline>~<txid>`   | the MSP's name; index for listing                                     |
 * | `shd~<txid>`                     | canonical JSON: what an enforcing detector would have diverted        |
 * | `grant~<actor>~<quarantine>`     | canonical JSON: the one-use right to resubmit                         |
 * | `acc~<txid>`                     | canonical JSON: access ticket of a business function that ran         |
 * | `den~<txid>`                     | canonical JSON: what a business rule refused, and why                 |
 * | `aud~<day>~<record>~<actor>~<txid>` | canonical JSON: {kind, function, atMs}, see `audit-trail.ts`       |
 * | `sus~<actor>~<MSP>`              | canonical JSON: a proposed suspension or reinstatement                |
 * | `node~<node>`                    | canonical JSON: a hospital node's place in the roster                 |
 * | `node~<node>~<step>~<MSP>`       | canonical JSON: one hospital's vote to approve or revoke it           |
 * | `plan~<hash>`                    | canonical JSON: an approved privacy plan                              |
 * | `plan~<hash>~<MSP>`              | canonical JSON: one hospital's approval of it                         |
 * | `round~<slot>`                   | canonical JSON: digest of a round's manifest, heads of the ledgers    |
 * | `anchor~<MSP>~<txid>`            | canonical JSON: head of a hospital's own audit stream                 |
 * | `con~<consent>`                  | canonical JSON: a consent and its state                               |
 * | `cof~<record>~<purpose>`         | canonical JSON: the consents in force for that record and purpose     |
 * | `pol~active`, `pol~<version>`    | canonical JSON: the access policy in force; every version             |
 * | `rel~<record>~<MSP>~<ward>`      | canonical JSON: who of a ward noted an encounter with the record      |
 * | `sec~<actor>~<digest>`           | canonical JSON: a colleague's countersignature under one request      |
 * | `drug~<batch>`                   | canonical JSON: a drug batch or a part of one                         |
 * | `lot~<product>~<lot>`            | canonical JSON: manufacturer and recall of a lot                      |
 * | `enc~<MSP>~<encounter>`          | canonical JSON: an encounter that took place, by digest               |
 * | `clm~<claim>`                    | canonical JSON: a claim and its state                                 |
 * | `clu~<encounter>~<code>~<day>`   | the claim that bills this service                                     |
 *
 * What a hospital says of an actor it names by id (`act`, `evt`, `sus`) lies under its own MSP, which is the actor's own or
 * nobody's: an id is a digest, so the ledger cannot tell whose it is, and no hospital may reach another's entries with one.
 * @module
 */
import { ChaincodeError } from './errors.js';

const SEPARATOR = '\u0000';
/** Milliseconds since 1970 fit in 15 digits until the year 33658; fixed width makes text order time order. */
const DEADLINE_DIGITS = 15;

/** The parts of a key: object type first. A key that is not composite has one part. */
export type KeyParts = readonly string[];

/**
 * @throws {ChaincodeError} `ERR_ARGUMENT` if a part is empty or contains U+0000: it would become another key
 */
export function ledgerKey(...parts: KeyParts): string {
  for (const part of parts) {
    if (part === '' || part.includes(SEPARATOR)) {
      throw new ChaincodeError('ERR_ARGUMENT', 'a part of a key is empty or contains U+0000');
    }
  }
  return SEPARATOR + parts.join(SEPARATOR) + SEPARATOR;
}

/** Inverse of {@link ledgerKey}; a simple key comes back as its only part. */
export function parseLedgerKey(key: string): KeyParts {
  if (!key.startsWith(SEPARATOR)) return [key];
  return key.slice(1, key.endsWith(SEPARATOR) ? -1 : undefined).split(SEPARATOR);
}

export const FEDERATION_CONFIG_KEY: string = ledgerKey('fed', 'config');
export const ACTIVE_DETECTOR_KEY: string = ledgerKey('det', 'active');
export const LAST_DETECTOR_KEY: string = ledgerKey('det', 'last');

export function detectorBlobKey(sha256: string): string {
  return ledgerKey('det', 'blob', sha256);
}

export function detectorEntryKey(version: number): string {
  return ledgerKey('det', 'entry', String(version));
}

export function attestationKey(version: number, mspId: string): string {
  return ledgerKey('det', 'att', String(version), mspId);
}

export function detectorVoteKey(action: string, version: number, mspId: string): string {
  return ledgerKey('det', 'vote', action, String(version), mspId);
}

export function calibrationKey(version: number, mspId: string): string {
  return ledgerKey('det', 'cal', String(version), mspId);
}

export function confirmationKey(version: number, mspId: string, by: string): string {
  return ledgerKey('det', 'con', String(version), mspId, by);
}

export function actorKey(actor: string, mspId: string): string {
  return ledgerKey('act', actor, mspId);
}

export function sessionKey(actor: string, session: string): string {
  return ledgerKey('ctx', actor, session);
}

export function epochRowKey(actor: string, mspId: string, epoch: number, txId: string): string {
  return ledgerKey(...epochRowPrefix(actor, mspId, epoch), txId);
}

/** Object type and attributes of the rows of one epoch. */
export function epochRowPrefix(
  actor: string,
  mspId: string,
  epoch: number,
): readonly [string, string, string, string] {
  return ['evt', actor, mspId, String(epoch)];
}

export function quarantineKey(txId: string): string {
  return ledgerKey('q', txId);
}

export function reviewKey(txId: string): string {
  return ledgerKey('rev', txId);
}

export function reviewIndexKey(state: string, deadlineMs: number, txId: string): string {
  return ledgerKey('qi', state, String(deadlineMs).padStart(DEADLINE_DIGITS, '0'), txId);
}

export function shadowKey(txId: string): string {
  return ledgerKey('shd', txId);
}

export function grantKey(actor: string, quarantine: string): string {
  return ledgerKey('grant', actor, quarantine);
}

export function accessTicketKey(txId: string): string {
  return ledgerKey('acc', txId);
}

export function suspensionKey(actor: string, mspId: string): string {
  return ledgerKey('sus', actor, mspId);
}

export function denialKey(txId: string): string {
  return ledgerKey('den', txId);
}

/** In place of a record handle where a call names none. */
export const NO_RECORD = '-';

export function auditKey(o: {
  readonly day: number;
  readonly record: string;
  readonly actor: string;
  readonly txId: string;
}): string {
  return ledgerKey('aud', String(o.day), o.record, o.actor, o.txId);
}

export function nodeKey(node: string): string {
  return ledgerKey('node', node);
}

export function nodeVoteKey(node: string, step: string, mspId: string): string {
  return ledgerKey('node', node, step, mspId);
}

export function planKey(planHash: string): string {
  return ledgerKey('plan', planHash);
}

export function planVoteKey(planHash: string, mspId: string): string {
  return ledgerKey('plan', planHash, mspId);
}

export function roundKey(slot: number): string {
  return ledgerKey('round', String(slot));
}

export function auditAnchorKey(mspId: string, txId: string): string {
  return ledgerKey('anchor', mspId, txId);
}

export function consentKey(consent: string): string {
  return ledgerKey('con', consent);
}

export function consentsInForceKey(record: string, purpose: string): string {
  return ledgerKey('cof', record, purpose);
}

export const ACTIVE_POLICY_KEY: string = ledgerKey('pol', 'active');

export function policyKey(version: number): string {
  return ledgerKey('pol', String(version));
}

export function careRelationKey(record: string, mspId: string, ward: string): string {
  return ledgerKey('rel', record, mspId, ward);
}

export function countersignatureKey(actor: string, digest: string): string {
  return ledgerKey('sec', actor, digest);
}

export function drugBatchKey(batch: string): string {
  return ledgerKey('drug', batch);
}

export function drugLotKey(product: string, lot: string): string {
  return ledgerKey('lot', product, lot);
}

export function encounterKey(mspId: string, encounter: string): string {
  return ledgerKey('enc', mspId, encounter);
}

export function claimKey(claim: string): string {
  return ledgerKey('clm', claim);
}

export function billedServiceKey(encounter: string, code: string, day: string): string {
  return ledgerKey('clu', encounter, code, day);
}

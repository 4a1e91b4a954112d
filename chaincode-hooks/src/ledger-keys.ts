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
 * | `det~vote~<action>~<version>~<MSP>` | canonical JSON: one hospital's vote to withdraw or roll back       |
 * | `act~<actor>`                    | canonical JSON: status, class, profile, open grants                   |
 * | `ctx~<actor>~<session>`          | ring bytes, then 8 bytes of code hash                                 |
 * | `q~<txid>`, `rev~<txid>`         | canonical JSON: quarantine record; review of a call that ran          |
 * | `qi~<state>~<deadline>~<txid>`   | the MSP's name; index for listing                                     |
 * | `shd~<txid>`                     | canonical JSON: what an enforcing detector would have diverted        |
 * | `grant~<actor>~<quarantine>`     | canonical JSON: the one-use right to resubmit                         |
 * | `acc~<txid>`                     | canonical JSON: access ticket of a business function that ran         |
 * | `sus~<actor>`                    | canonical JSON: a proposed suspension or reinstatement                |
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

export function actorKey(actor: string): string {
  return ledgerKey('act', actor);
}

export function sessionKey(actor: string, session: string): string {
  return ledgerKey('ctx', actor, session);
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

export function suspensionKey(actor: string): string {
  return ledgerKey('sus', actor);
}

/**
 * Whom a member may believe: the numbered list of revoked certificates, signed, and the federation's authorities.
 * @module
 */
import { VerificationError } from '../errors.js';
import { encodeCanonical } from './canonical.js';
import { isSignatureValid, isIssuedBy, publicKeyOf } from './signing.js';
import {
  parseCanonical,
  readArray,
  readFields,
  readInteger,
  readString,
  StrictError,
} from './strict.js';

export interface RevokedCertificate {
  /** Upper-case hexadecimal digits. */
  readonly serial: string;
  readonly atMs: number;
  readonly reason: string;
}

export interface Trust {
  /** Number of the newest entry; only grows. */
  readonly epoch: number;
  readonly revoked: readonly RevokedCertificate[];
  /** PEM of all authorities whose certificates are accepted. */
  readonly ca: string;
}

const REVOKED_MAX = 100_000;

/** The canonical document that is signed in the domain `bhs-trust-v1`. */
export function encodeTrust(trust: Omit<Trust, 'ca'>): Uint8Array {
  return encodeCanonical({
    epoch: trust.epoch,
    revoked: trust.revoked.map(({ serial, atMs, reason }) => ({ atMs, reason, serial })),
  });
}

/** @throws {VerificationError} `ERR_TRUST` if the list is malformed, or nobody trusted signed it */
export function verifyTrust(
  o: Readonly<{
    document: Uint8Array;
    signature: Uint8Array;
    signerCertificate: string;
    ca: string;
    trustedSigners: readonly string[];
  }>,
): Trust {
  const right =
    isIssuedBy(o.signerCertificate, o.trustedSigners) &&
    isSignatureValid('bhs-trust-v1', o.document, o.signature, publicKeyOf(o.signerCertificate));
  if (!right) {
    throw new VerificationError('ERR_TRUST', 'revocation list: nobody trusted signed it');
  }
  try {
    const fields = readFields(parseCanonical(o.document), 'trust', ['epoch', 'revoked']);
    return {
      epoch: readInteger(fields.epoch, 'trust.epoch'),
      revoked: readArray(fields.revoked, 'trust.revoked', REVOKED_MAX, readRevoked),
      ca: o.ca,
    };
  } catch (cause) {
    if (!(cause instanceof StrictError)) throw cause;
    throw new VerificationError('ERR_TRUST', cause.message, {}, cause);
  }
}

function readRevoked(value: unknown, path: string): RevokedCertificate {
  const fields = readFields(value, path, ['atMs', 'reason', 'serial']);
  return {
    serial: readString(fields.serial, `${path}.serial`, 64),
    atMs: readInteger(fields.atMs, `${path}.atMs`),
    reason: readString(fields.reason, `${path}.reason`, 1_000),
  };
}

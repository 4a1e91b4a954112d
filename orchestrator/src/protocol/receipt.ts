/**
 * The signed receipt for a client update. It is stored before it is sent, so that a retry gets the same bytes.
 * @module
 */
import { VerificationError } from '../errors.js';
import { encodeCanonical } from './canonical.js';
import { readRoundId, type RoundId } from './identifiers.js';
import { isIssuedBy, isSignatureValid, publicKeyOf } from './signing.js';
import {
  parseCanonical,
  readDigest,
  readFields,
  readInteger,
  readOneOf,
  readString,
  StrictError,
} from './strict.js';

/** What the screening says about an update. */
export type VerdictKind = 'accepted' | 'quarantined' | 'rejected';

export interface Verdict {
  readonly kind: VerdictKind;
  /** Empty if accepted; else one of a closed list, see the screening. */
  readonly reason: string;
}

export interface Receipt {
  readonly roundId: RoundId;
  readonly nodeId: string;
  readonly envelope: string;
  readonly update: string;
  readonly verdict: VerdictKind;
  /** Empty if accepted. */
  readonly reason: string;
  readonly atMs: number;
}

export interface SignedReceipt {
  readonly receipt: Receipt;
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
  /** PEM */
  readonly signerCertificate: string;
}

export function encodeReceipt(receipt: Receipt): Uint8Array {
  return encodeCanonical(receipt);
}

/** @throws {VerificationError} `ERR_RECEIPT` */
export function decodeReceipt(bytes: Uint8Array): Receipt {
  try {
    const fields = readFields(parseCanonical(bytes), 'receipt', [
      'atMs',
      'envelope',
      'nodeId',
      'reason',
      'roundId',
      'update',
      'verdict',
    ]);
    return {
      roundId: readRoundId(fields.roundId, 'receipt.roundId'),
      nodeId: readString(fields.nodeId, 'receipt.nodeId', 64),
      envelope: readDigest(fields.envelope, 'receipt.envelope'),
      update: readDigest(fields.update, 'receipt.update'),
      verdict: readOneOf(fields.verdict, 'receipt.verdict', [
        'accepted',
        'quarantined',
        'rejected',
      ]),
      reason: readString(fields.reason, 'receipt.reason'),
      atMs: readInteger(fields.atMs, 'receipt.atMs'),
    };
  } catch (cause) {
    if (!(cause instanceof StrictError)) throw cause;
    throw new VerificationError('ERR_RECEIPT', cause.message, {}, cause);
  }
}

/**
 * Decodes a receipt and checks its signature.
 * @param trustedSigners - PEM certificates: the ordering organisation's CA, or the signing identity itself
 * @throws {VerificationError} `ERR_RECEIPT` for malformed bytes, an unknown signer or a wrong signature
 */
export function verifyReceipt(
  o: Readonly<{
    bytes: Uint8Array;
    signature: Uint8Array;
    signerCertificate: string;
    trustedSigners: readonly string[];
  }>,
): Receipt {
  const receipt = decodeReceipt(o.bytes);
  if (!isIssuedBy(o.signerCertificate, o.trustedSigners)) {
    throw new VerificationError('ERR_RECEIPT', 'receipt: the signer is not trusted');
  }
  if (!isSignatureValid('bhs-receipt-v1', o.bytes, o.signature, publicKeyOf(o.signerCertificate))) {
    throw new VerificationError('ERR_RECEIPT', 'receipt: the signature does not check');
  }
  return receipt;
}

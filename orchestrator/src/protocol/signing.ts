/**
 * Signatures of the federation: ECDSA P-256 with SHA-256, DER, over `domain ‖ SHA-256(document)`. The domain keeps a
 * signature under one kind of document from being one under another.
 * @module
 */
import {
  createHash,
  createPublicKey,
  sign,
  verify,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';

export type SignatureDomain =
  | 'bhs-update-v1'
  | 'bhs-manifest-v1'
  | 'bhs-receipt-v1'
  | 'bhs-trust-v1'
  | 'bhs-renew-v1'
  | 'bhs-review-v1'
  | 'bhs-enrol-v1'
  | 'bhs-poll-v1';

function message(domain: SignatureDomain, document: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(domain), createHash('sha256').update(document).digest()]);
}

/** Signs with a private P-256 key. The bytes differ at each call; what is signed does not. */
export function signDocument(
  domain: SignatureDomain,
  document: Uint8Array,
  privateKey: KeyObject,
): Uint8Array {
  return sign('sha256', message(domain, document), privateKey);
}

/** False for a wrong signature, a malformed one and a key of another kind. */
export function isSignatureValid(
  domain: SignatureDomain,
  document: Uint8Array,
  signature: Uint8Array,
  publicKey: KeyObject,
): boolean {
  try {
    if (publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return false;
    return verify('sha256', message(domain, document), publicKey, signature);
  } catch {
    return false;
  }
}

/** The public key of a certificate in PEM or DER. Throws what node:crypto throws for bytes that are none. */
export function publicKeyOf(certificate: string | Uint8Array): KeyObject {
  return createPublicKey(
    new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'pem' }),
  );
}

/**
 * Whether `certificate` is one of `trusted` or was issued by one of them. Expiry is not looked at: a manifest outlives
 * the certificate that signed it.
 */
export function isIssuedBy(certificate: string, trusted: readonly string[]): boolean {
  let leaf: X509Certificate;
  try {
    leaf = new X509Certificate(certificate);
  } catch {
    return false;
  }
  return trusted.some((pem) => {
    const root = new X509Certificate(pem);
    if (root.raw.equals(leaf.raw)) return true;
    return root.ca && leaf.checkIssued(root) && leaf.verify(root.publicKey);
  });
}

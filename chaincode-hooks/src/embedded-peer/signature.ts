/**
 * ECDSA over P-256 with SHA-256, as Fabric's BCCSP does it: DER, and S in the lower half of the group order, so that a
 * signature has one form and nobody can turn a valid signature into a second valid one.
 * Source: hyperledger/fabric bccsp/utils/ecdsa.go (ToLowS, IsLowS).
 * @module
 */
import { sign, verify, type KeyObject } from 'node:crypto';
import { readElement, readElements, sequence, unsignedInteger } from './der.js';

const ORDER = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
const HALF_ORDER = ORDER / 2n;
const SCALAR_BYTES = 32;

/** Signs SHA-256(`data`); DER, low S. */
export function signLowS(data: Uint8Array, privateKey: KeyObject): Buffer {
  const raw = sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  const r = raw.subarray(0, SCALAR_BYTES);
  const s = BigInt(`0x${raw.subarray(SCALAR_BYTES).toString('hex')}`);
  const low = s > HALF_ORDER ? ORDER - s : s;
  const lowBytes = Buffer.from(low.toString(16).padStart(2 * SCALAR_BYTES, '0'), 'hex');
  return sequence(unsignedInteger(r), unsignedInteger(lowBytes));
}

/** True iff `signature` is DER with a low S and belongs to `data` and `publicKey`. Never throws. */
export function verifyLowS(data: Uint8Array, publicKey: KeyObject, signature: Uint8Array): boolean {
  const outer = readElement(signature);
  if (outer?.bytes.length !== signature.length) return false;
  const scalars = readElements(outer.content);
  const s = scalars?.[1]?.content;
  if (scalars?.length !== 2 || s === undefined || s.length === 0 || s.length > SCALAR_BYTES + 1) {
    return false;
  }
  if (BigInt(`0x${s.toString('hex')}`) > HALF_ORDER) return false;
  return verify('sha256', data, publicKey, signature);
}

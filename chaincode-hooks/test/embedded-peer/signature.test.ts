import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  readElement,
  readElements,
  sequence,
  unsignedInteger,
} from '../../src/embedded-peer/der.js';
import { signLowS, verifyLowS } from '../../src/embedded-peer/signature.js';

const ORDER = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const data = Buffer.from('proposal');

function scalarsOf(signature: Uint8Array): [Buffer, bigint] {
  const [r, s] = readElements(readElement(signature)!.content)!;
  return [r!.content, BigInt(`0x${s!.content.toString('hex')}`)];
}

function withS(signature: Uint8Array, s: bigint): Buffer {
  const [r] = scalarsOf(signature);
  const bytes = Buffer.from(s.toString(16).padStart(64, '0'), 'hex');
  return sequence(unsignedInteger(r), unsignedInteger(bytes));
}

describe('low-S signatures', () => {
  it('are always in the lower half of the group order, and verify', () => {
    for (let i = 0; i < 200; i++) {
      const message = Buffer.from(`message ${i}`);
      const signature = signLowS(message, privateKey);
      expect(scalarsOf(signature)[1] <= ORDER / 2n).toBe(true);
      expect(verifyLowS(message, publicKey, signature)).toBe(true);
    }
  });

  it('refuses the same signature with the high S, though it is a valid ECDSA signature', () => {
    const low = signLowS(data, privateKey);
    const high = withS(low, ORDER - scalarsOf(low)[1]);
    expect(verifyLowS(data, publicKey, high)).toBe(false);
    expect(verifyLowS(data, publicKey, withS(high, scalarsOf(low)[1]))).toBe(true);
  });

  it('accepts half of what OpenSSL makes without the rule', () => {
    const accepted = Array.from({ length: 200 }, (_, i) => {
      const message = Buffer.from(`m${i}`);
      return verifyLowS(message, publicKey, sign('sha256', message, privateKey));
    }).filter(Boolean).length;
    expect(accepted).toBeGreaterThan(50);
    expect(accepted).toBeLessThan(150);
  });

  it('refuses other data, another key, and trailing bytes', () => {
    const signature = signLowS(data, privateKey);
    const other = createPublicKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
    expect(verifyLowS(Buffer.from('other'), publicKey, signature)).toBe(false);
    expect(verifyLowS(data, other, signature)).toBe(false);
    expect(verifyLowS(data, publicKey, Buffer.concat([signature, Buffer.of(0)]))).toBe(false);
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(verifyLowS(data, publicKey, bytes)).toBe(false);
      }),
    );
  });
});

/**
 * Hashes and signatures by the browser's own cryptography. It exists on https and on loopback only.
 * @module
 */

export function canHash(): boolean {
  return (globalThis as { crypto?: { subtle?: object } }).crypto?.subtle !== undefined;
}

/** The copy is for the types: a browser's cryptography takes no shared memory. */
/** The copy is for the types: a browser’s cryptography takes no shared memory. */
export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes.slice()));
}

/** The key of a P-256 certificate: its SubjectPublicKeyInfo begins with these bytes and has 65 bytes of point behind them. */
const P256_KEY = Uint8Array.from(
  '3059301306072a8648ce3d020106082a8648ce3d030107034200'.match(/../g)!,
  (pair) => Number.parseInt(pair, 16),
);
const POINT_BYTES = 65;
const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** False also where certificate or signature do not decode: what cannot be checked is not proven. */
export async function verifies(
  o: Readonly<{ certificate: Uint8Array; signature: Uint8Array; bytes: Uint8Array }>,
): Promise<boolean> {
  try {
    const key = keyOf(o.certificate);
    const signature = rawSignature(o.signature);
    if (key === null || signature === null) return false;
    const imported = await crypto.subtle.importKey('spki', key, ECDSA, false, ['verify']);
    return await crypto.subtle.verify(ECDSA, imported, signature, o.bytes.slice());
  } catch {
    return false; // no base64, or a point that is not on the curve
  }
}

function keyOf(pem: Uint8Array): ArrayBuffer | null {
  const body = /-----BEGIN CERTIFICATE-----([^-]+)-----END/.exec(new TextDecoder().decode(pem));
  if (body === null) return null;
  const der = Uint8Array.from(atob(body[1]!.replace(/\s/g, '')), (c) => c.charCodeAt(0));
  for (let at = 0; at + P256_KEY.length + POINT_BYTES <= der.length; at++) {
    if (P256_KEY.every((byte, i) => der[at + i] === byte)) {
      return der.slice(at, at + P256_KEY.length + POINT_BYTES).buffer;
    }
  }
  return null;
}

/** DER (r, s) → r ‖ s of 32 bytes each, as WebCrypto wants it. */
function rawSignature(der: Uint8Array): ArrayBuffer | null {
  const raw = new Uint8Array(64);
  let at = 2;
  for (const end of [32, 64]) {
    const length = der[at + 1];
    if (der[at] !== 0x02 || length === undefined || length > 33) return null;
    const digits = der.subarray(at + 2, at + 2 + length);
    const value = digits[0] === 0 ? digits.subarray(1) : digits;
    if (value.length > 32) return null;
    raw.set(value, end - value.length);
    at += 2 + length;
  }
  return at === der.length ? raw.buffer : null;
}

export function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export function derHeader(tag: number, length: number): Uint8Array {
  return length < 0x80
    ? Uint8Array.of(tag, length)
    : Uint8Array.of(tag, 0x82, length >> 8, length & 0xff);
}

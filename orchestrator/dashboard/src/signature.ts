/**
 * A person's signature, made in the browser: the key is read from a file into WebCrypto as one that cannot be taken out
 * again, used once, and forgotten; it goes nowhere. The bytes are those of the command line (`protocol/signing.ts`).
 * @module
 */

/** Flat; the orchestrator forms the same text on its own and compares by the signature. */
export type Statement = Readonly<Record<string, string | number>>;

const DOMAIN = 'bhs-review-v1';
const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;

/** Keys sorted, no space: the canonical JSON of a flat object. */
export function canonicalText(statement: Statement): string {
  return JSON.stringify(statement, Object.keys(statement).sort());
}

/**
 * @param keyPem - PKCS#8, unencrypted, P-256
 * @returns base64 of the DER signature over `domain ‖ SHA-256(statement)`
 * @throws {Error} a sentence for the person at the screen, if the file is no such key
 */
export async function signStatement(statement: Statement, keyPem: string): Promise<string> {
  const key = await keyOf(keyPem);
  const digest = await crypto.subtle.digest(
    'SHA-256',
    new TextEncoder().encode(canonicalText(statement)),
  );
  const message = new Uint8Array([...new TextEncoder().encode(DOMAIN), ...new Uint8Array(digest)]);
  const raw = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, message);
  return btoa(String.fromCharCode(...derOf(new Uint8Array(raw))));
}

async function keyOf(pem: string): Promise<CryptoKey> {
  const body = /-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----/.exec(pem);
  try {
    const bytes = Uint8Array.from(atob((body?.[1] ?? '').replace(/\s/g, '')), (c) =>
      c.charCodeAt(0),
    );
    return await crypto.subtle.importKey('pkcs8', bytes, P256, false, ['sign']);
  } catch {
    throw new Error(
      'This is not the private key of a person (PEM, PKCS#8, P-256). `openssl pkcs8 -topk8 -nodes -in FILE` makes one.',
    );
  }
}

/** WebCrypto gives r‖s, certificates' tools want DER. */
function derOf(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2;
  const r = integerOf(raw.subarray(0, half));
  const s = integerOf(raw.subarray(half));
  return Uint8Array.of(0x30, r.length + s.length, ...r, ...s);
}

function integerOf(bytes: Uint8Array): Uint8Array {
  const from = bytes.findIndex((byte) => byte !== 0);
  const digits = bytes.subarray(from);
  // A leading bit would make it negative.
  const body = (digits[0] ?? 0) >= 0x80 ? Uint8Array.of(0, ...digits) : digits;
  return Uint8Array.of(0x02, body.length, ...body);
}

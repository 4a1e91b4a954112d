/**
 * A person's signature, made in the browser: the key is read from a file into WebCrypto as one that cannot be taken out
 * again, used once, and forgotten; it goes nowhere. Two kinds of thing are signed: words in our own domain, whose bytes are
 * those of the command line (`protocol/signing.ts`), and messages of Fabric transactions.
 * @module
 */

/** Flat; the orchestrator forms the same text on its own and compares by the signature. */
export type Statement = Readonly<Record<string, string | number>>;

/** A private key that WebCrypto holds; its bytes cannot be read any more. */
export type SigningKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

const DOMAIN = 'bhs-review-v1';
const P256 = { name: 'ECDSA', namedCurve: 'P-256' } as const;
/** Order of the curve's group. */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** Keys sorted, no space: the canonical JSON of a flat object. */
export function canonicalText(statement: Statement): string {
  return JSON.stringify(statement, Object.keys(statement).sort());
}

/** @returns base64 of the DER signature over `domain ‖ SHA-256(statement)` */
export async function signStatement(statement: Statement, key: SigningKey): Promise<string> {
  const text = new TextEncoder().encode(canonicalText(statement));
  const digest = await crypto.subtle.digest('SHA-256', text);
  return signBytes(
    new Uint8Array([...new TextEncoder().encode(DOMAIN), ...new Uint8Array(digest)]),
    key,
  );
}

/** @returns base64 of the DER signature over SHA-256 of the message, with low s, as Fabric wants it */
export async function signBytes(message: Uint8Array, key: SigningKey): Promise<string> {
  const raw = await crypto.subtle.sign(
    { name: 'ECDSA', hash: 'SHA-256' },
    key,
    Uint8Array.from(message),
  );
  return btoa(String.fromCharCode(...derOf(new Uint8Array(raw))));
}

/**
 * @param pem - PKCS#8, unencrypted, P-256
 * @throws {Error} a sentence for the person at the screen, if the file is no such key
 */
export async function readKey(pem: string): Promise<SigningKey> {
  const body = /-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----/.exec(pem);
  try {
    return await crypto.subtle.importKey(
      'pkcs8',
      bytesOf((body?.[1] ?? '').replace(/\s/g, '')),
      P256,
      false,
      ['sign'],
    );
  } catch {
    throw new Error(
      'This is not the private key of a person (PEM, PKCS#8, P-256). `openssl pkcs8 -topk8 -nodes -in FILE` makes one.',
    );
  }
}

export function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

/** WebCrypto gives r‖s, certificates' tools want DER; of s and n − s Fabric takes the smaller only. */
function derOf(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2;
  const r = integerOf(raw.subarray(0, half));
  const s = integerOf(lowS(raw.subarray(half)));
  return Uint8Array.of(0x30, r.length + s.length, ...r, ...s);
}

function lowS(bytes: Uint8Array): Uint8Array {
  const s = BigInt(`0x${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`);
  if (s <= N / 2n) return bytes;
  const hex = (N - s).toString(16).padStart(bytes.length * 2, '0');
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function integerOf(bytes: Uint8Array): Uint8Array {
  const from = bytes.findIndex((byte) => byte !== 0);
  const digits = bytes.subarray(from);
  // A leading bit would make it negative.
  const body = (digits[0] ?? 0) >= 0x80 ? Uint8Array.of(0, ...digits) : digits;
  return Uint8Array.of(0x02, body.length, ...body);
}

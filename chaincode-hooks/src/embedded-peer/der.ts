/**
 * The little DER that a ledger needs: block header hashes, ECDSA signatures, certificates.
 * Source: ITU-T X.690 (DER), RFC 5280 (certificates).
 * @module
 */

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  generalizedTime: 0x18,
  utcTime: 0x17,
} as const;

/** Tag, length, content. Lengths above 127 take the long form. */
export function element(tag: number, content: Uint8Array): Buffer {
  const length = content.length;
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content]);
  const lengthBytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) lengthBytes.unshift(rest % 256);
  return Buffer.concat([Buffer.of(tag, 0x80 | lengthBytes.length, ...lengthBytes), content]);
}

export function sequence(...items: readonly Uint8Array[]): Buffer {
  return element(TAG.sequence, Buffer.concat(items));
}

export function set(...items: readonly Uint8Array[]): Buffer {
  return element(TAG.set, Buffer.concat(items));
}

export function octetString(content: Uint8Array): Buffer {
  return element(TAG.octetString, content);
}

export function bitString(content: Uint8Array, unusedBits = 0): Buffer {
  return element(TAG.bitString, Buffer.concat([Buffer.of(unusedBits), content]));
}

export function utf8String(text: string): Buffer {
  return element(TAG.utf8String, Buffer.from(text, 'utf8'));
}

export function boolean(value: boolean): Buffer {
  return element(TAG.boolean, Buffer.of(value ? 0xff : 0));
}

/** Context-specific constructed tag `[n]`. */
export function explicit(n: number, content: Uint8Array): Buffer {
  return element(0xa0 | n, content);
}

/** Context-specific primitive tag `[n]`. */
export function implicit(n: number, content: Uint8Array): Buffer {
  return element(0x80 | n, content);
}

/** A non-negative integer from its big-endian magnitude: no leading zeros, but one before a set top bit. */
export function unsignedInteger(magnitude: Uint8Array): Buffer {
  let start = 0;
  while (start < magnitude.length - 1 && magnitude[start] === 0) start++;
  const digits = magnitude.subarray(start);
  const padded = digits.length === 0 || digits[0]! >= 0x80;
  return element(TAG.integer, padded ? Buffer.concat([Buffer.of(0), digits]) : digits);
}

/** A non-negative safe integer. */
export function smallInteger(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return unsignedInteger(bytes);
}

export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) {
      groups.unshift(0x80 | (left % 128));
    }
    bytes.push(...groups);
  }
  return element(TAG.objectIdentifier, Buffer.from(bytes));
}

/** RFC 5280 §4.1.2.5: UTCTime until 2049, GeneralizedTime from 2050. Whole seconds. */
export function time(epochMs: number): Buffer {
  const digits = new Date(epochMs)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:T]/g, '');
  return digits < '2050'
    ? element(TAG.utcTime, Buffer.from(digits.slice(2), 'latin1'))
    : element(TAG.generalizedTime, Buffer.from(digits, 'latin1'));
}

/** One decoded element: `bytes` is all of it, `content` what is inside. */
export interface DerElement {
  readonly tag: number;
  readonly content: Buffer;
  readonly bytes: Buffer;
}

/** Reads the element at `offset`; `null` if the bytes are not one (indefinite or absurd lengths included). */
export function readElement(source: Uint8Array, offset = 0): DerElement | null {
  const bytes = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  if (offset + 2 > bytes.length) return null;
  const tag = bytes[offset]!;
  const first = bytes[offset + 1]!;
  let length = first;
  let at = offset + 2;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > 4 || at + count > bytes.length) return null;
    length = bytes.readUIntBE(at, count);
    at += count;
  }
  if (at + length > bytes.length) return null;
  return {
    tag,
    content: bytes.subarray(at, at + length),
    bytes: bytes.subarray(offset, at + length),
  };
}

/** All elements inside a constructed one; `null` if one of them is malformed. */
export function readElements(content: Uint8Array): DerElement[] | null {
  const elements: DerElement[] = [];
  for (let offset = 0; offset < content.length;) {
    const next = readElement(content, offset);
    if (next === null) return null;
    elements.push(next);
    offset += next.bytes.length;
  }
  return elements;
}

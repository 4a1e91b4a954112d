/**
 * Protocol buffers as they lie on the wire: just enough to walk a block in the browser without a quarter megabyte of
 * generated classes.
 * Source: https://protobuf.dev/programming-guides/encoding/
 * @module
 */

/** Length-delimited fields are bytes, varints are numbers; in the order of the wire. */
export interface Message {
  bytes(field: number): Uint8Array;
  all(field: number): readonly Uint8Array[];
  number(field: number): number;
  text(field: number): string;
}

const VARINT = 0;
const FIXED_64 = 1;
const LENGTH = 2;
const FIXED_32 = 5;

/** @throws {RangeError} if the bytes are not a message */
export function readMessage(bytes: Uint8Array): Message {
  const chunks = new Map<number, Uint8Array[]>();
  const numbers = new Map<number, number>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 63; factor *= 128) {
      const byte = bytes[at];
      if (byte === undefined) break;
      at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new RangeError('not a protocol buffer: a number has no end');
  };
  const skip = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new RangeError('not a protocol buffer: cut short');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    const kind = tag % 8;
    if (kind === VARINT) numbers.set(field, varint());
    else if (kind === LENGTH) {
      const chunk = skip(varint());
      const known = chunks.get(field);
      if (known === undefined) chunks.set(field, [chunk]);
      else known.push(chunk);
    } else if (kind === FIXED_64) skip(8);
    else if (kind === FIXED_32) skip(4);
    else throw new RangeError(`not a protocol buffer: wire type ${kind}`);
  }
  const last = (field: number): Uint8Array => chunks.get(field)?.at(-1) ?? new Uint8Array();
  return {
    bytes: last,
    all: (field) => chunks.get(field) ?? [],
    number: (field) => numbers.get(field) ?? 0,
    text: (field) => new TextDecoder().decode(last(field)),
  };
}

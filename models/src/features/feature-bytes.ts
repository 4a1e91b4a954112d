/**
 * Canonical bytes of ring, profile and role tables: LEB128 integers in shortest form and little-endian int16 columns.
 * A reader accepts exactly what the writer makes, so that equal values are equal bytes on every endorser.
 * @module
 */

import { FeatureError } from './errors.js';

export interface FeatureWriter {
  /** Integer in [0, 2^53). */
  whole(value: number): void;
  /** Integer in (−2^52, 2^52), zig-zag. */
  signed(value: number): void;
  raw(bytes: Uint8Array): void;
  columns(values: Int16Array): void;
  finish(): Uint8Array;
}

export function createFeatureWriter(): FeatureWriter {
  let bytes = new Uint8Array(512);
  let length = 0;
  const room = (count: number): void => {
    if (length + count <= bytes.length) return;
    const grown = new Uint8Array(Math.max(bytes.length * 2, length + count));
    grown.set(bytes);
    bytes = grown;
  };
  const whole = (value: number): void => {
    room(8);
    let rest = value;
    while (rest >= 128) {
      bytes[length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    bytes[length++] = rest;
  };
  return {
    whole,
    signed: (value) => whole(value < 0 ? -value * 2 - 1 : value * 2),
    raw(part) {
      room(part.length);
      bytes.set(part, length);
      length += part.length;
    },
    columns(values) {
      room(values.length * 2);
      for (const value of values) {
        bytes[length++] = value & 255;
        bytes[length++] = (value >> 8) & 255;
      }
    },
    finish: () => bytes.slice(0, length),
  };
}

export interface FeatureReader {
  /** @param most - the largest value that is accepted */
  whole(what: string, most: number): number;
  signed(what: string, most: number): number;
  raw(what: string, count: number): Uint8Array;
  columns(what: string, count: number): Int16Array;
  /** Refuses bytes that are left over. */
  finish(): void;
  refuse(what: string, expected: string): never;
}

/** @throws {FeatureError} every method: `ERR_FEATURE_BYTES` with kind, field and byte offset as `path` */
export function createFeatureReader(kind: string, bytes: Uint8Array): FeatureReader {
  let offset = 0;
  const refuse = (what: string, expected: string): never => {
    throw new FeatureError('ERR_FEATURE_BYTES', {
      path: `${kind}: ${what} at byte ${offset}`,
      got: offset < bytes.length ? `byte ${bytes[offset]!}` : `the end after ${bytes.length} bytes`,
      expected,
    });
  };
  const whole = (what: string, most: number): number => {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 8; count++) {
      const byte = bytes[offset] ?? refuse(what, 'a further byte');
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (byte === 0 && count > 0) refuse(what, 'the shortest form of an integer');
        if (value > most) refuse(what, `an integer of at most ${most}`);
        offset++;
        return value;
      }
      scale *= 128;
      offset++;
    }
    return refuse(what, 'an integer of at most 8 bytes');
  };
  const raw = (what: string, count: number): Uint8Array => {
    if (offset + count > bytes.length) refuse(what, `${count} bytes`);
    offset += count;
    return bytes.slice(offset - count, offset);
  };
  return {
    whole,
    signed(what, most) {
      const value = whole(what, most * 2);
      return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
    },
    raw,
    columns(what, count) {
      const part = raw(what, count * 2);
      const values = new Int16Array(count);
      for (let i = 0; i < count; i++) values[i] = part[2 * i]! | (part[2 * i + 1]! << 8);
      return values;
    },
    finish() {
      if (offset !== bytes.length) refuse('end', 'no further byte');
    },
    refuse,
  };
}

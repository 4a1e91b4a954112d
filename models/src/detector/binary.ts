/**
 * Strict little-endian reading and writing. A reader never reads past its end, never returns a number that is not
 * finite, and insists on having read everything. The last four bytes are the CRC-32 of those before: whatever accident
 * changes up to 32 bits in a row is refused and never becomes another value. (A hash is what binds against intent.)
 * @module
 */
import { DetectorError } from '../errors.js';
import { crc32 } from './crc32.js';

/** The code of a reader's errors. */
export type BinaryCode = 'ERR_DETECTOR_BYTES' | 'ERR_TABLE_BYTES' | 'ERR_CANARIES_BYTES';

const CRC_BYTES = 4;

export class BinaryReader {
  readonly #code: BinaryCode;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(code: BinaryCode, bytes: Uint8Array) {
    this.#code = code;
    this.#bytes = bytes.subarray(0, Math.max(0, bytes.length - CRC_BYTES));
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, this.#bytes.length);
    if (bytes.length < CRC_BYTES) this.fail('length', `at least ${CRC_BYTES} bytes`, bytes.length);
    const crc = new DataView(bytes.buffer, bytes.byteOffset + this.#bytes.length).getUint32(
      0,
      true,
    );
    const expected = crc32(this.#bytes);
    if (crc !== expected) this.fail('checksum', expected.toString(16), crc.toString(16));
  }

  get offset(): number {
    return this.#offset;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  i8(): number {
    return this.#view.getInt8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  /** An integer from `least` to `most`. */
  within(value: number, name: string, least: number, most: number): number {
    if (value < least || value > most) this.fail(name, `${least} … ${most}`, value);
    return value;
  }

  magic(text: string): void {
    const got = this.ascii(text.length, 'magic');
    if (got !== text) this.fail('magic', text, JSON.stringify(got));
  }

  /** Printable ASCII of a given length. */
  ascii(length: number, name: string): string {
    let text = '';
    for (const byte of this.bytes(length)) {
      if (byte < 0x20 || byte > 0x7e) this.fail(name, 'printable ASCII', byte);
      text += String.fromCharCode(byte);
    }
    return text;
  }

  bytes(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.slice(start, start + length);
  }

  hash(): string {
    return Array.from(this.bytes(32), (byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  /** A flag byte, then the hash if the flag is 1; '' if it is 0. */
  optionalHash(name: string): string {
    return this.within(this.u8(), name, 0, 1) === 1 ? this.hash() : '';
  }

  f32s(count: number, name: string): Float32Array {
    const values = new Float32Array(count);
    const start = this.#advance(4 * count);
    for (let i = 0; i < count; i++) {
      const value = this.#view.getFloat32(start + 4 * i, true);
      if (!Number.isFinite(value)) this.fail(`${name}[${i}]`, 'a finite number', value);
      values[i] = value;
    }
    return values;
  }

  i32s(count: number): Int32Array {
    const values = new Int32Array(count);
    const start = this.#advance(4 * count);
    for (let i = 0; i < count; i++) values[i] = this.#view.getInt32(start + 4 * i, true);
    return values;
  }

  i16s(count: number): Int16Array {
    const values = new Int16Array(count);
    const start = this.#advance(2 * count);
    for (let i = 0; i < count; i++) values[i] = this.#view.getInt16(start + 2 * i, true);
    return values;
  }

  u32s(count: number): Uint32Array {
    const values = new Uint32Array(count);
    const start = this.#advance(4 * count);
    for (let i = 0; i < count; i++) values[i] = this.#view.getUint32(start + 4 * i, true);
    return values;
  }

  end(): void {
    const rest = this.#bytes.length - this.#offset;
    if (rest !== 0) this.fail('end', 'no further bytes', rest);
  }

  fail(name: string, expected: string, got: string | number): never {
    throw new DetectorError(
      this.#code,
      `${name} (byte ${this.#offset}): expected ${expected}, got ${got}`,
      { name, offset: this.#offset, expected, got: String(got) },
    );
  }

  #advance(count: number): number {
    const start = this.#offset;
    if (count > this.#bytes.length - start) {
      this.fail('length', `${count} more bytes`, this.#bytes.length - start);
    }
    this.#offset += count;
    return start;
  }
}

/** Grows as needed; the values were checked by the caller. */
export class BinaryWriter {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  u8(value: number): this {
    this.#view.setUint8(this.#grow(1), value);
    return this;
  }

  i8(value: number): this {
    this.#view.setInt8(this.#grow(1), value);
    return this;
  }

  u16(value: number): this {
    this.#view.setUint16(this.#grow(2), value, true);
    return this;
  }

  u32(value: number): this {
    this.#view.setUint32(this.#grow(4), value, true);
    return this;
  }

  ascii(text: string): this {
    for (let i = 0; i < text.length; i++) this.u8(text.charCodeAt(i));
    return this;
  }

  bytes(bytes: Uint8Array): this {
    const start = this.#grow(bytes.length);
    this.#bytes.set(bytes, start);
    return this;
  }

  hash(hex: string): this {
    for (let i = 0; i < 64; i += 2) this.u8(Number.parseInt(hex.slice(i, i + 2), 16));
    return this;
  }

  optionalHash(hex: string): this {
    if (hex === '') return this.u8(0);
    return this.u8(1).hash(hex);
  }

  f32s(values: Float32Array): this {
    let at = this.#grow(4 * values.length);
    for (const value of values) {
      this.#view.setFloat32(at, value, true);
      at += 4;
    }
    return this;
  }

  i32s(values: Int32Array): this {
    let at = this.#grow(4 * values.length);
    for (const value of values) {
      this.#view.setInt32(at, value, true);
      at += 4;
    }
    return this;
  }

  i16s(values: Int16Array): this {
    let at = this.#grow(2 * values.length);
    for (const value of values) {
      this.#view.setInt16(at, value, true);
      at += 2;
    }
    return this;
  }

  u32s(values: Uint32Array): this {
    let at = this.#grow(4 * values.length);
    for (const value of values) {
      this.#view.setUint32(at, value, true);
      at += 4;
    }
    return this;
  }

  /** The bytes with their checksum. */
  done(): Uint8Array {
    this.u32(crc32(this.#bytes.subarray(0, this.#length)));
    return this.#bytes.slice(0, this.#length);
  }

  #grow(count: number): number {
    const start = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#length);
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return start;
  }
}

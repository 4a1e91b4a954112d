/**
 * Feature rows of many calls, side by side and on disk. A window is the rows of a session up to a call, so each row is stored
 * once, and a call only says how many rows before it are its own.
 * @module
 */
import { COLUMN_COUNT } from '@bhschain/models/features';
import type { ScoredWindow } from '@bhschain/models/detector';
import { readFileSync, writeFileSync } from 'node:fs';

/** A window that knows its place, so that a score computed once can be found again. */
export interface PlacedWindow extends ScoredWindow {
  readonly index: number;
  /** Place of its group (a case, or a round) in the store's list. */
  readonly group: number;
  readonly flag: number;
}

const HEAD = 4;

/** Windows share rows: the sessions of a group are written as they ended, call by call. */
export class RowStore {
  #rows = new Int16Array(4096 * COLUMN_COUNT);
  #calls = new Uint32Array(4096 * HEAD);
  #rowCount = 0;
  #callCount = 0;

  get size(): number {
    return this.#callCount;
  }

  /** Adds a row and returns its place. */
  addRow(columns: Int16Array): number {
    if ((this.#rowCount + 1) * COLUMN_COUNT > this.#rows.length) this.#rows = grown(this.#rows);
    this.#rows.set(columns, this.#rowCount * COLUMN_COUNT);
    return this.#rowCount++;
  }

  /** A window of the `length` rows that end at `lastRow`. */
  addWindow(
    lastRow: number,
    length: number,
    facts: { mask: number; group: number; flag: number },
  ): void {
    if ((this.#callCount + 1) * HEAD > this.#calls.length) this.#calls = grown(this.#calls);
    const head = [lastRow, length * 256 + facts.flag, facts.mask, facts.group];
    this.#calls.set(head, this.#callCount * HEAD);
    this.#callCount++;
  }

  window(index: number): PlacedWindow {
    const [lastRow, packed, mask, group] = this.#calls.subarray(
      index * HEAD,
      (index + 1) * HEAD,
    ) as unknown as [number, number, number, number];
    const length = packed >>> 8;
    const rows = Array.from({ length }, (_, i) => {
      const at = (lastRow - length + 1 + i) * COLUMN_COUNT;
      return this.#rows.subarray(at, at + COLUMN_COUNT);
    });
    return { index, rows, mask, group, flag: packed & 255 };
  }

  windows(): PlacedWindow[] {
    return Array.from({ length: this.#callCount }, (_, index) => this.window(index));
  }

  write(file: string): void {
    const head = Uint32Array.of(this.#rowCount, this.#callCount, COLUMN_COUNT, HEAD);
    const calls = this.#calls.subarray(0, this.#callCount * HEAD);
    const rows = this.#rows.subarray(0, this.#rowCount * COLUMN_COUNT);
    writeFileSync(file, Buffer.concat([bytesOf(head), bytesOf(calls), bytesOf(rows)]));
  }

  static read(file: string): RowStore {
    const bytes = readFileSync(file);
    const data = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    const [rowCount, callCount] = new Uint32Array(data, 0, 4) as unknown as [number, number];
    const store = new RowStore();
    store.#rowCount = rowCount;
    store.#callCount = callCount;
    store.#calls = new Uint32Array(data, 16, callCount * HEAD);
    store.#rows = new Int16Array(data, 16 + callCount * HEAD * 4, rowCount * COLUMN_COUNT);
    return store;
  }
}

function grown<T extends Int16Array | Uint32Array>(array: T): T {
  const next = new (array.constructor as new (length: number) => T)(array.length * 2);
  next.set(array);
  return next;
}

function bytesOf(array: Int16Array | Uint32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/**
 * Feature rows of many calls, side by side and on disk. A window is the rows of a session up to a call, so each row is stored
 * once, and a call only says how many rows before it are its own.
 * @module
 */
import { COLUMN_COUNT } from '@bhschain/models/features';
import type { ScoredWindow } from '@bhschain/models/detector';
import { readFileSync, writeFileSync } from 'node:fs';

/** A window without its rows: all that strata, halves and cases go by. */
export interface WindowPlace {
  /** Place in the source, so that a score computed once can be found again. */
  readonly index: number;
  readonly rows: ArrayLike<unknown>;
  readonly mask: number;
  /** Place of its group (a case, or a round) in the store's list. */
  readonly group: number;
  readonly flag: number;
}

export type PlacedWindow = WindowPlace & ScoredWindow;

/** Where windows come from: a store, or a store seen otherwise. */
export interface WindowSource {
  readonly size: number;
  /** Every window, in the order of their adding. */
  places(): WindowPlace[];
  /** The windows at these places with their rows, ten times as large; default all. */
  windows(indexes?: readonly number[]): PlacedWindow[];
}

const HEAD = 4;
/** What stands for rows where only their number counts. */
const OF_LENGTH: readonly ArrayLike<unknown>[] = Array.from({ length: 257 }, (_, length) => ({
  length,
}));

/** Windows share rows: the sessions of a group are written as they ended, call by call. */
export class RowStore implements WindowSource {
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

  places(): WindowPlace[] {
    return Array.from({ length: this.#callCount }, (_, index) => {
      const { length, mask, group, flag } = this.#headOf(index);
      return { index, rows: OF_LENGTH[length]!, mask, group, flag };
    });
  }

  /** A row is one view, however many of the windows it stands in. */
  windows(indexes: readonly number[] = [...Array(this.#callCount).keys()]): PlacedWindow[] {
    const views = new Map<number, Int16Array>();
    const view = (row: number): Int16Array => {
      const known = views.get(row);
      if (known !== undefined) return known;
      const made = this.#rows.subarray(row * COLUMN_COUNT, (row + 1) * COLUMN_COUNT);
      views.set(row, made);
      return made;
    };
    return indexes.map((index) => {
      const { lastRow, length, mask, group, flag } = this.#headOf(index);
      const rows = Array.from({ length }, (_, i) => view(lastRow - length + 1 + i));
      return { index, rows, mask, group, flag };
    });
  }

  #headOf(index: number): {
    lastRow: number;
    length: number;
    mask: number;
    group: number;
    flag: number;
  } {
    const at = index * HEAD;
    const packed = this.#calls[at + 1]!;
    return {
      lastRow: this.#calls[at]!,
      length: packed >>> 8,
      mask: this.#calls[at + 2]!,
      group: this.#calls[at + 3]!,
      flag: packed & 255,
    };
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

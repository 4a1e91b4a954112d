/**
 * The state of the ledger in memory: the newest value of every key with the version that wrote it, older values as long
 * as somebody simulates against them, and where each key was ever written.
 * @module
 */
import { compareKeys, lowerBound } from './key-order.js';
import type { KeyWrite, Version } from './read-write-set.js';

export interface VersionedValue {
  readonly value: Uint8Array;
  readonly version: Version;
}

/** State as it was after block `height − 1`. Values of later blocks cannot be seen through it. */
export interface StateView {
  readonly height: number;
  get(key: string): VersionedValue | null;
  /** Keys that exist in `[startKey, endKey)`, in key order; an empty `endKey` means no upper bound. */
  range(startKey: string, endKey: string): IterableIterator<readonly [string, VersionedValue]>;
  close(): void;
}

interface Cell {
  readonly value: Uint8Array | null;
  readonly version: Version;
  readonly older: Cell | null;
}

interface Entry {
  newest: Cell;
  readonly writes: Version[];
}

/** Values that were replaced this many blocks ago are kept, for endorsers that lag behind (a fault of the tests). */
export const RETAINED_BLOCKS = 8;

export class WorldState {
  readonly #entries = new Map<string, Entry>();
  readonly #viewsAt = new Map<number, number>();
  #sorted: string[] = [];
  #unsorted: string[] = [];
  #height = 0;

  /** Blocks that the state contains. */
  get height(): number {
    return this.#height;
  }

  /** The newest value, deleted keys being absent. */
  get(key: string): VersionedValue | null {
    return visible(this.#entries.get(key)?.newest ?? null);
  }

  /** All versions that wrote or deleted `key`, oldest first. */
  writesOf(key: string): readonly Version[] {
    return this.#entries.get(key)?.writes ?? [];
  }

  /** Applies the valid writes of one block and moves the height past it. */
  applyBlock(block: number, writes: Iterable<KeyWrite & { readonly tx: number }>): void {
    const oldestView = this.#oldestView();
    for (const { key, value, tx } of writes) {
      const version = { block, tx };
      const entry = this.#entries.get(key);
      if (entry === undefined) {
        this.#entries.set(key, { newest: { value, version, older: null }, writes: [version] });
        this.#unsorted.push(key);
      } else {
        entry.newest = { value, version, older: keptFor(entry.newest, oldestView) };
        entry.writes.push(version);
      }
    }
    this.#height = block + 1;
  }

  /** A view of the present, or of a few blocks ago if their values are still kept. Must be closed. */
  view(height: number = this.#height): StateView {
    this.#viewsAt.set(height, (this.#viewsAt.get(height) ?? 0) + 1);
    let open = true;
    const get = (key: string): VersionedValue | null => {
      let cell = this.#entries.get(key)?.newest ?? null;
      while (cell !== null && cell.version.block >= height) cell = cell.older;
      return visible(cell);
    };
    return {
      height,
      get,
      range: (startKey, endKey) => this.#range(startKey, endKey, get),
      close: () => {
        if (!open) return;
        open = false;
        const left = this.#viewsAt.get(height)! - 1;
        if (left === 0) this.#viewsAt.delete(height);
        else this.#viewsAt.set(height, left);
      },
    };
  }

  *range(startKey: string, endKey: string): IterableIterator<readonly [string, VersionedValue]> {
    yield* this.#range(startKey, endKey, (key) => this.get(key));
  }

  /** Walks a copy of the matching keys, since a commit between two steps may insert into the index. */
  *#range(
    startKey: string,
    endKey: string,
    get: (key: string) => VersionedValue | null,
  ): IterableIterator<readonly [string, VersionedValue]> {
    this.#sort();
    const from = lowerBound(this.#sorted, startKey);
    const to = endKey === '' ? this.#sorted.length : lowerBound(this.#sorted, endKey);
    for (const key of this.#sorted.slice(from, Math.max(from, to))) {
      const found = get(key);
      if (found !== null) yield [key, found];
    }
  }

  /** New keys wait unsorted until somebody asks for a range, which hot paths never do. */
  #sort(): void {
    if (this.#unsorted.length === 0) return;
    const fresh = this.#unsorted.sort(compareKeys);
    this.#unsorted = [];
    const old = this.#sorted;
    const merged: string[] = [];
    let i = 0;
    for (const key of fresh) {
      while (i < old.length && compareKeys(old[i]!, key) < 0) merged.push(old[i++]!);
      merged.push(key);
    }
    while (i < old.length) merged.push(old[i++]!);
    this.#sorted = merged;
  }

  #oldestView(): number {
    let oldest = this.#height - RETAINED_BLOCKS;
    for (const height of this.#viewsAt.keys()) oldest = Math.min(oldest, height);
    return oldest;
  }
}

function visible(cell: Cell | null): VersionedValue | null {
  if (cell === null || cell.value === null) return null;
  return { value: cell.value, version: cell.version };
}

/** The chain from `cell` on, cut behind the first value that the oldest view can see. */
function keptFor(cell: Cell, oldestView: number): Cell {
  if (cell.version.block < oldestView || cell.older === null) {
    return cell.older === null ? cell : { ...cell, older: null };
  }
  return { ...cell, older: keptFor(cell.older, oldestView) };
}

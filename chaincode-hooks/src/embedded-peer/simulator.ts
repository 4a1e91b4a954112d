/**
 * One simulation: what a contract read and wrote against a fixed view, and the read-write set that this makes.
 *
 * As in Fabric, a simulation never sees its own writes, a repeated read is recorded once, and a page of a paginated
 * query is not recorded at all, so a transaction that used one may not write.
 * @module
 */
import { compareKeys } from './key-order.js';
import { encodeReadWriteSet, type KeyRead, type RangeRead } from './read-write-set.js';
import type { StateView, VersionedValue } from './world-state.js';

export type KeyValue = readonly [key: string, found: VersionedValue];

/** A range query under way. */
export interface RangeCursor {
  /** Up to `count` further results; fewer only at the end. */
  take(count: number): readonly KeyValue[];
  /** True once all results were given out. */
  readonly done: boolean;
}

export class Simulator {
  readonly view: StateView;
  readonly #reads = new Map<string, KeyRead>();
  readonly #ranges: { cursor: RangeCursor; record: () => RangeRead }[] = [];
  readonly #writes = new Map<string, Uint8Array | null>();
  #paginated = false;

  constructor(view: StateView) {
    this.view = view;
  }

  /** The value before this transaction, or `null`. */
  getState(key: string): Uint8Array | null {
    const found = this.view.get(key);
    if (!this.#reads.has(key)) this.#reads.set(key, { key, version: found?.version ?? null });
    return found?.value ?? null;
  }

  /** `null` deletes. Throws a plain `Error` whose text the contract sees. */
  putState(key: string, value: Uint8Array | null): void {
    if (key === '') throw new Error('key must not be an empty string');
    if (this.#paginated) {
      throw new Error('a transaction that made a paginated query must not write');
    }
    this.#writes.set(key, value);
  }

  openRange(startKey: string, endKey: string): RangeCursor {
    const reads: KeyRead[] = [];
    const results = this.view.range(startKey, endKey);
    let next = results.next();
    const cursor = {
      take(count: number): readonly KeyValue[] {
        const page: KeyValue[] = [];
        for (; next.done !== true && page.length < count; next = results.next()) {
          const [key, found] = next.value;
          reads.push({ key, version: found.version });
          page.push(next.value);
        }
        return page;
      },
      get done(): boolean {
        return next.done === true;
      },
    };
    const record = (): RangeRead => ({
      startKey,
      endKey: cursor.done ? endKey : (reads[reads.length - 1]?.key ?? startKey),
      exhausted: cursor.done,
      reads,
    });
    this.#ranges.push({ cursor, record });
    return cursor;
  }

  /** One page of a query, not recorded. `bookmark` is the first key of the page, or empty. */
  page(
    startKey: string,
    endKey: string,
    options: Readonly<{ pageSize: number; bookmark: string }>,
  ): { readonly results: readonly KeyValue[]; readonly bookmark: string } {
    if (this.#writes.size > 0) {
      throw new Error('a transaction that writes must not make a paginated query');
    }
    this.#paginated = true;
    const from = options.bookmark === '' ? startKey : options.bookmark;
    const results: KeyValue[] = [];
    for (const result of this.view.range(from, endKey)) {
      if (results.length === options.pageSize) return { results, bookmark: result[0] };
      results.push(result);
    }
    return { results, bookmark: '' };
  }

  /** TxReadWriteSet: reads and writes sorted by key, ranges in the order in which they were opened. */
  results(namespace: string): Uint8Array {
    const writes = [...this.#writes].map(([key, value]) => ({ key, value }));
    return encodeReadWriteSet(namespace, {
      reads: [...this.#reads.values()].sort((a, b) => compareKeys(a.key, b.key)),
      ranges: this.#ranges
        .map(({ record }) => record())
        .filter(({ exhausted, reads }) => exhausted || reads.length > 0),
      writes: writes.sort((a, b) => compareKeys(a.key, b.key)),
    });
  }
}

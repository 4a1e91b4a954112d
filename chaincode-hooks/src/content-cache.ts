/**
 * The only kind of cache that contract code may keep: by content.
 *
 * A value found here equals the value that would be made again, so a warm and a cold endorser answer alike. It saves no *read*
 * of the ledger, because reads are in the read set and endorsers must agree on those too; the one exception, the detector's
 * blobs, is argued in `active-detector.ts`.
 * @module
 */

export interface ContentCache<Value> {
  /** The value for `content`, made at most once while it is among the `entriesMax` most recently used. */
  (content: string, make: () => Value): Value;
  /** The value if it is there. */
  known(content: string): Value | undefined;
}

export function contentCache<Value>(entriesMax: number): ContentCache<Value> {
  const entries = new Map<string, Value>();
  const use = (content: string): Value | undefined => {
    const value = entries.get(content);
    if (value !== undefined) {
      entries.delete(content);
      entries.set(content, value);
    }
    return value;
  };
  const valueOf = (content: string, make: () => Value): Value => {
    const known = use(content);
    if (known !== undefined) return known;
    const made = make();
    entries.set(content, made);
    if (entries.size > entriesMax) {
      for (const oldest of entries.keys()) {
        entries.delete(oldest);
        break;
      }
    }
    return made;
  };
  return Object.assign(valueOf, { known: use });
}

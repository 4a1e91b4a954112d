/**
 * The only kind of cache that contract code may keep: by content.
 *
 * A value found here equals the value that would be made again, so a warm and a cold endorser answer alike. It never
 * saves a *read* of the ledger: reads are in the read set, and endorsers must agree on those too.
 * @module
 */

/** Returns the value for `content`, making it at most once while it is among the `entriesMax` most recently used. */
export type ContentCache<Value> = (content: string, make: () => Value) => Value;

export function contentCache<Value>(entriesMax: number): ContentCache<Value> {
  const entries = new Map<string, Value>();
  return (content, make) => {
    const known = entries.get(content);
    if (known !== undefined) {
      entries.delete(content);
      entries.set(content, known);
      return known;
    }
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
}

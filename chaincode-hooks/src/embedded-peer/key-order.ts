/**
 * The order of keys on the ledger: that of their UTF-8 bytes, as in goleveldb. JavaScript compares UTF-16 units, which
 * differs where surrogate pairs meet U+E000…U+FFFF – and U+10FFFF, the end of every composite key range, is such a pair.
 * @module
 */

/** Moves surrogates above the rest of the basic plane, so that units compare like code points. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}

/** Negative, 0 or positive, as `Array.prototype.sort` wants it. */
export function compareKeys(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const a = left.charCodeAt(i);
    const b = right.charCodeAt(i);
    if (a !== b) return rank(a) - rank(b);
  }
  return left.length - right.length;
}

/** First index in the sorted `keys` whose key is not below `key`. */
export function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(keys[middle]!, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Integer logarithms against `Math.log2`, which tests may use and the ledger may not. */
import { describe, expect, it } from 'vitest';
import { log2Q8, surprisalQ8 } from '../src/features/index.js';

describe('integer logarithms', () => {
  it('are within 1.3 units of 256 · log2 x for every x up to 2^20', () => {
    let worst = 0;
    for (let x = 1; x <= 1 << 20; x++) {
      worst = Math.max(worst, Math.abs(log2Q8(x) - 256 * Math.log2(x)));
    }
    expect(worst).toBeLessThan(1.3);
  });

  it('hold beyond 32 bits', () => {
    for (let x = 2 ** 30; x < 2 ** 52; x = Math.floor(x * 1.37) + 1) {
      expect(Math.abs(log2Q8(x) - 256 * Math.log2(x))).toBeLessThan(1.3);
    }
  });

  it('never fall as x rises', () => {
    let before = 0;
    for (let x = 1; x < 300_000; x++) {
      const now = log2Q8(x);
      if (now < before) throw new Error(`log2Q8(${x}) falls to ${now} from ${before}`);
      before = now;
    }
  });

  it('give surprisals within 2.2 units for all c ≤ n ≤ 4096', () => {
    let worst = 0;
    for (let n = 1; n <= 4096; n++) {
      for (let c = 1; c <= n; c++) {
        worst = Math.max(worst, Math.abs(surprisalQ8(c, n) - 256 * Math.log2(n / c)));
      }
    }
    expect(worst).toBeLessThan(2.2);
  });

  it('are exact at powers of two', () => {
    for (let k = 0; k <= 52; k++) expect(log2Q8(2 ** k)).toBe(256 * k);
  });
});

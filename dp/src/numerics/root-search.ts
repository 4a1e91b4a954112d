/**
 * One-dimensional searches that say which side they return.
 * @module
 */

/**
 * Finds where a predicate that is false below and true above changes, and returns the *true* side.
 *
 * @param bounds - false at `low`, true at `high`
 * @param relativeTolerance - width of the last bracket in terms of its upper end
 */
export function bisectToTrue(
  holds: (x: number) => boolean,
  bounds: Readonly<{ low: number; high: number }>,
  relativeTolerance: number,
): number {
  let { low, high } = bounds;
  for (let i = 0; i < 200 && high - low > relativeTolerance * Math.abs(high); i++) {
    const middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    if (holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}

const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** Golden-section search for the smallest value of a function with one valley; returns the best point it has seen. */
export function minimise(
  f: (x: number) => number,
  bounds: Readonly<{ low: number; high: number }>,
  iterations: number,
): { x: number; value: number } {
  let { low, high } = bounds;
  let x1 = high - GOLDEN * (high - low);
  let x2 = low + GOLDEN * (high - low);
  let f1 = f(x1);
  let f2 = f(x2);
  for (let i = 0; i < iterations; i++) {
    if (f1 <= f2) {
      high = x2;
      x2 = x1;
      f2 = f1;
      x1 = high - GOLDEN * (high - low);
      f1 = f(x1);
    } else {
      low = x1;
      x1 = x2;
      f1 = f2;
      x2 = low + GOLDEN * (high - low);
      f2 = f(x2);
    }
  }
  return f1 <= f2 ? { x: x1, value: f1 } : { x: x2, value: f2 };
}

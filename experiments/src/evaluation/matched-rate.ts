/**
 * Two systems at the same false-positive rate: recall read off the ROC at exactly that rate, found incidents by the largest
 * threshold that keeps it.
 * @module
 */

/** Largest number that at most `rate` of the benign scores exceed; what alarms is above it. NaN without a benign score. */
export function thresholdAt(benign: readonly number[], rate: number): number {
  const sorted = Float64Array.from(benign).sort();
  return sorted[sorted.length - 1 - Math.floor(rate * sorted.length)] ?? Number.NaN;
}

/**
 * Recall at exactly `rate`. Scores that tie with the threshold count by the share of benign ties that the rate still allows (a
 * straight line in the ROC): a system of few scores, like points, is not made worse than it is.
 */
export function recallAtRate(
  benign: readonly number[],
  abnormal: readonly number[],
  rate: number,
): number {
  return recallAt(benign, abnormal, rate, thresholdAt(benign, rate));
}

/** The ROC at several rates, the benign scores sorted once. */
export function recallsAtRates(
  benign: readonly number[],
  abnormal: readonly number[],
  rates: readonly number[],
): number[] {
  const sorted = Float64Array.from(benign).sort();
  return rates.map((rate) => {
    // Where everything alarms, so does what left no case.
    if (rate >= 1) return 1;
    const threshold = sorted[sorted.length - 1 - Math.floor(rate * sorted.length)];
    return recallAt(benign, abnormal, rate, threshold ?? Number.NaN);
  });
}

function recallAt(
  benign: readonly number[],
  abnormal: readonly number[],
  rate: number,
  threshold: number,
): number {
  if (benign.length === 0 || abnormal.length === 0) return Number.NaN;
  const normal = against(benign, threshold);
  const found = against(abnormal, threshold);
  const above = normal.above / benign.length;
  const ties = normal.ties / benign.length;
  const allowed = ties === 0 ? 0 : (rate - above) / ties;
  return (found.above + allowed * found.ties) / abnormal.length;
}

function against(scores: readonly number[], threshold: number): { above: number; ties: number } {
  let above = 0;
  let ties = 0;
  for (const score of scores) {
    if (score > threshold) above++;
    else if (score === threshold) ties++;
  }
  return { above, ties };
}

/**
 * Two systems at the same false-positive rate: recall read off the ROC at exactly that rate, found incidents by the largest
 * threshold that keeps it.
 * @module
 */

/** Largest number that at most `rate` of the benign scores exceed; what alarms is above it. */
export function thresholdAt(benign: readonly number[], rate: number): number {
  if (benign.length === 0) return Number.NaN;
  return benign.toSorted((a, b) => b - a)[Math.floor(rate * benign.length)]!;
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
  if (benign.length === 0 || abnormal.length === 0) return Number.NaN;
  const threshold = thresholdAt(benign, rate);
  const count = (scores: readonly number[], holds: (score: number) => boolean): number =>
    scores.filter(holds).length;
  const above = count(benign, (score) => score > threshold) / benign.length;
  const ties = count(benign, (score) => score === threshold) / benign.length;
  const allowed = ties === 0 ? 0 : (rate - above) / ties;
  return (
    (count(abnormal, (score) => score > threshold) +
      allowed * count(abnormal, (score) => score === threshold)) /
    abnormal.length
  );
}

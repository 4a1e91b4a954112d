import type { JSX } from 'preact';
import { scoreWord } from './words.js';

const THETA = 870_000;
/** Most of the scale is uninteresting: it is drawn from here on. */
const FROM = 800_000;

/** The score on a line from 0.80 to 1, with the threshold as a tick. */
export function ScoreBar({
  millionths,
}: {
  readonly millionths: number | null;
}): JSX.Element | null {
  if (millionths === null) return null;
  const at = (value: number): number => Math.max(0, ((value - FROM) / (1_000_000 - FROM)) * 100);
  return (
    <svg
      class="score-bar"
      viewBox="0 0 100 8"
      preserveAspectRatio="none"
      role="img"
      aria-label={`score ${scoreWord(millionths)}, threshold 0.870`}
    >
      <rect class="track" x="0" y="2" width="100" height="4" rx="2" />
      <rect class="fill" x="0" y="2" width={at(millionths)} height="4" rx="2" />
      <rect class="theta" x={at(THETA) - 0.75} y="0" width="1.5" height="8" />
    </svg>
  );
}

/**
 * Two distributions of scores over the same bins, and the threshold between them.
 * @module
 */
import { line, px, text, titled, WIDTH, type Figure } from './frame.js';

export interface Histogram {
  readonly caption: string;
  readonly binWidth: number;
  /** Counts by bin, from score 0 on. */
  readonly benign: readonly number[];
  readonly incidents: readonly number[];
  readonly theta: number;
}

const LEFT = 64;
const HALF = 110;
const TOP = 22;
const HEIGHT = TOP + 2 * HALF + 40;

export function histogramChart({ caption, binWidth, benign, incidents, theta }: Histogram): Figure {
  const x = (score: number): number => LEFT + Math.min(1, score) * (WIDTH - LEFT - 20);
  const middle = TOP + HALF;
  const shares = (counts: readonly number[]): number[] => {
    const total = Math.max(
      1,
      counts.reduce((sum, count) => sum + count, 0),
    );
    return counts.map((count) => count / total);
  };
  const [up, down] = [shares(benign), shares(incidents)];
  const bars = (values: readonly number[], side: -1 | 1, kind: string, what: string): string[] =>
    values.map((share, bin) => {
      // Each side fills its half: incidents crowd where honest days are few.
      const height = (share / Math.max(...values, 0.01)) * (HALF - 6);
      const from = x(bin * binWidth);
      const width = x((bin + 1) * binWidth) - from - 1;
      return `<rect class="${kind}" x="${px(from)}" y="${px(side < 0 ? middle - height : middle)}" width="${px(width)}" height="${px(height)}">${titled(`${what}, score ${(bin * binWidth).toFixed(2)}: ${(100 * share).toFixed(1)} %`)}</rect>`;
    });
  const marks = [
    ...[0, 0.25, 0.5, 0.75, 1].map((tick) =>
      text('tick', { x: x(tick), y: HEIGHT - 22, anchor: 'middle' }, String(tick)),
    ),
    text(
      'axis',
      { x: (LEFT + WIDTH - 20) / 2, y: HEIGHT - 4, anchor: 'middle' },
      'score 1 − p^γ of a case, against the days before',
    ),
    ...bars(up, -1, 'control', 'benign actor-days'),
    ...bars(down, 1, 'ours', 'incidents'),
    line('grid', [LEFT, middle], [WIDTH - 20, middle]),
    text('name', { x: LEFT + 4, y: TOP + 12 }, `benign actor-days, up to ${percent(up)} a bin`),
    text('name', { x: LEFT + 4, y: middle + HALF - 8 }, `incidents, up to ${percent(down)} a bin`),
    line('mark', [x(theta), TOP], [x(theta), TOP + 2 * HALF]),
    text('tick', { x: x(theta) - 5, y: TOP - 6, anchor: 'middle' }, `θ = ${theta}`),
  ];
  return {
    caption,
    height: HEIGHT,
    marks,
    csv: [
      ['score from', 'benign actor-days', 'incidents'],
      ...benign.map((count, bin) => [bin * binWidth, count, incidents[bin]!]),
    ],
  };
}

function percent(shares: readonly number[]): string {
  return `${(100 * Math.max(...shares)).toFixed(0)} %`;
}

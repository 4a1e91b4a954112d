/**
 * Shares from 0 to 1 with their intervals, one bar each.
 * @module
 */
import { line, px, text, titled, WIDTH, type Figure } from './frame.js';

export interface Bar {
  readonly label: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Ours, a rival, or a control. */
  readonly standing: 'ours' | 'rival' | 'control';
}

const ROW = 22;
const LEFT = 230;

export function barChart(caption: string, bars: readonly Bar[]): Figure {
  const height = bars.length * ROW + 34;
  const x = (value: number): number => LEFT + Math.max(0, Math.min(1, value)) * (WIDTH - LEFT - 60);
  const marks = [0, 0.25, 0.5, 0.75, 1].flatMap((tick) => [
    line('grid', [x(tick), 6], [x(tick), height - 24]),
    text('tick', { x: x(tick), y: height - 8, anchor: 'middle' }, String(tick)),
  ]);
  bars.forEach(({ label, value, low, high, standing }, i) => {
    const y = 10 + i * ROW;
    marks.push(
      text('name', { x: LEFT - 8, y: y + 12, anchor: 'end' }, label),
      `<rect class="${standing}" x="${px(x(0))}" y="${y + 2}" width="${px(x(value) - x(0))}" height="13">${titled(`${label}: ${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`)}</rect>`,
      line('whisker', [x(low), y + 8.5], [x(high), y + 8.5]),
      text('value', { x: WIDTH - 52, y: y + 12 }, value.toFixed(3)),
    );
  });
  return {
    caption,
    height,
    marks,
    csv: [
      ['arm', 'value', 'low', 'high'],
      ...bars.map(({ label, value, low, high }) => [label, value, low, high]),
    ],
  };
}

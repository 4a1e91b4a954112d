/**
 * Rows with a dot and an interval for each of a few arms: which scenario is found by whom.
 * @module
 */
import { line, px, text, titled, WIDTH, type Figure } from './frame.js';

export interface DotRow {
  readonly label: string;
  /** In the order of the arms; null where an arm has no figure. */
  readonly dots: readonly ({
    readonly value: number;
    readonly low: number;
    readonly high: number;
  } | null)[];
}

const LEFT = 250;
const BETWEEN = 7;
const HEAD = 26;

export function dotChart(
  caption: string,
  arms: readonly string[],
  rows: readonly DotRow[],
): Figure {
  const rowHeight = arms.length * BETWEEN + 9;
  const height = HEAD + rows.length * rowHeight + 26;
  const x = (value: number): number => LEFT + value * (WIDTH - LEFT - 20);
  const marks = [0, 0.25, 0.5, 0.75, 1].flatMap((tick) => [
    line('grid', [x(tick), HEAD - 4], [x(tick), height - 22]),
    text('tick', { x: x(tick), y: height - 6, anchor: 'middle' }, String(tick)),
  ]);
  let legend = LEFT;
  arms.forEach((arm, i) => {
    marks.push(
      `<circle class="line${i}" cx="${px(legend)}" cy="10" r="4"/>`,
      text('name', { x: legend + 9, y: 14 }, arm),
    );
    legend += 30 + arm.length * 6.6;
  });
  rows.forEach(({ label, dots }, row) => {
    const top = HEAD + row * rowHeight;
    if (row > 0) marks.push(line('grid', [8, top - 1], [WIDTH - 20, top - 1]));
    marks.push(text('name', { x: LEFT - 10, y: top + rowHeight / 2 + 3, anchor: 'end' }, label));
    dots.forEach((dot, i) => {
      if (dot === null) return;
      const y = top + 7 + i * BETWEEN;
      marks.push(
        line('whisker', [x(dot.low), y], [x(dot.high), y]).replace('whisker', `whisker line${i}`),
        `<circle class="line${i}" cx="${px(x(dot.value))}" cy="${px(y)}" r="3.2">${titled(`${label}, ${arms[i]!}: ${dot.value.toFixed(2)} [${dot.low.toFixed(2)}, ${dot.high.toFixed(2)}]`)}</circle>`,
      );
    });
  });
  return {
    caption,
    height,
    marks,
    csv: [
      ['row', 'arm', 'value', 'low', 'high'],
      ...rows.flatMap(({ label, dots }) =>
        dots.flatMap((dot, i) =>
          dot === null ? [] : [[label, arms[i]!, dot.value, dot.low, dot.high]],
        ),
      ),
    ],
  };
}

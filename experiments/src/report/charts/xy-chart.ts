/**
 * Lines with bands over a scale: ROC, precision–recall, ε over rounds, a sweep, weeks.
 * @module
 */
import { line, px, text, titled, WIDTH, type Figure } from './frame.js';

export interface Point {
  readonly x: number;
  readonly y: number;
  /** Band over seeds; absent: none. */
  readonly low?: number;
  readonly high?: number;
}

export interface Series {
  readonly label: string;
  readonly points: readonly Point[];
}

export interface Axis {
  readonly label: string;
  readonly from: number;
  readonly to: number;
  readonly scale?: 'linear' | 'log';
  readonly ticks: readonly { readonly at: number; readonly label: string }[];
}

export interface XyChart {
  readonly caption: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  /** Lines that mean something: an operating point, a promise. */
  readonly marks?: readonly {
    readonly axis: 'x' | 'y';
    readonly at: number;
    readonly label: string;
  }[];
}

const COLOURS = 6;
const LEFT = 64;
const RIGHT = 200;
const TOP = 14;
const PLOT_HEIGHT = 240;
const HEIGHT = TOP + PLOT_HEIGHT + 46;

export function xyChart({ caption, x, y, series, marks = [] }: XyChart): Figure {
  const across = (value: number): number => LEFT + place(x, value) * (WIDTH - LEFT - RIGHT);
  const down = (value: number): number => TOP + (1 - place(y, value)) * PLOT_HEIGHT;
  const bottom = TOP + PLOT_HEIGHT;
  const right = WIDTH - RIGHT;
  const drawn = [
    ...y.ticks.flatMap(({ at, label }) => [
      line('grid', [LEFT, down(at)], [right, down(at)]),
      text('tick', { x: LEFT - 8, y: down(at) + 4, anchor: 'end' }, label),
    ]),
    ...x.ticks.map(({ at, label }) =>
      text('tick', { x: across(at), y: bottom + 18, anchor: 'middle' }, label),
    ),
    text('axis', { x: (LEFT + right) / 2, y: bottom + 38, anchor: 'middle' }, x.label),
    `<text class="axis" transform="translate(14 ${TOP + PLOT_HEIGHT / 2}) rotate(-90)" text-anchor="middle">${y.label}</text>`,
    ...marks.flatMap(({ axis, at, label }) =>
      axis === 'x'
        ? [
            line('mark', [across(at), TOP], [across(at), bottom]),
            text('tick', { x: across(at) + 5, y: bottom - 6 }, label),
          ]
        : [
            line('mark', [LEFT, down(at)], [right, down(at)]),
            text('tick', { x: right - 4, y: down(at) - 5, anchor: 'end' }, label),
          ],
    ),
  ];
  series.forEach(({ label, points }, i) => {
    const colour = `line${i % COLOURS}`;
    const at = (value: number, of: Point): string => `${px(across(of.x))} ${px(down(value))}`;
    const banded = points.filter(({ low, high }) => low !== undefined && high !== undefined);
    if (banded.length > 1) {
      const upper = banded.map((point) => at(point.high!, point));
      const lower = banded.map((point) => at(point.low!, point)).reverse();
      drawn.push(`<path class="band ${colour}" d="M${[...upper, ...lower].join('L')}Z"/>`);
    }
    drawn.push(
      `<path class="path ${colour}" d="M${points.map((point) => at(point.y, point)).join('L')}"/>`,
      ...points.map(
        (point) =>
          `<circle class="${colour}" cx="${px(across(point.x))}" cy="${px(down(point.y))}" r="2.6">${titled(`${label}: ${shortest(point.x)} → ${shortest(point.y)}`)}</circle>`,
      ),
      `<circle class="${colour}" cx="${right + 18}" cy="${22 + i * 20}" r="4"/>`,
      text('name', { x: right + 28, y: 26 + i * 20 }, label),
    );
  });
  return {
    caption,
    height: HEIGHT,
    marks: drawn,
    csv: [
      ['line', x.label, y.label, 'low', 'high'],
      ...series.flatMap(({ label, points }) =>
        points.map((point) => [label, point.x, point.y, point.low ?? '', point.high ?? '']),
      ),
    ],
  };
}

/** 0 … 1 along an axis; what lies outside is drawn on its border. */
function place({ from, to, scale = 'linear' }: Axis, value: number): number {
  const of = scale === 'log' ? Math.log : (number: number): number => number;
  const share =
    (of(Math.max(value, scale === 'log' ? from : -Infinity)) - of(from)) / (of(to) - of(from));
  return Math.max(0, Math.min(1, share));
}

function shortest(value: number): string {
  return String(Number(value.toPrecision(3)));
}

export function percentTicks(values: readonly number[]): Axis['ticks'] {
  return values.map((at) => ({ at, label: `${shortest(at * 100)} %` }));
}

/** Values of a sweep, one place each in their order. */
export function categoryAxis(label: string, names: readonly string[]): Axis {
  return {
    label,
    from: -0.2,
    to: Math.max(1, names.length - 1) + 0.2,
    ticks: names.map((name, at) => ({ at, label: name })),
  };
}

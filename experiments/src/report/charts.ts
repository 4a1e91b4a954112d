/**
 * Charts as inline SVG: no script, colours from the page, every mark with a title and its number beside it.
 * @module
 */
import { escapeHtml } from '../commands/inspect.js';

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
const WIDTH = 720;

/** Shares from 0 to 1 with their intervals. */
export function barChart(title: string, bars: readonly Bar[]): string {
  const height = bars.length * ROW + 34;
  const x = (value: number): number => LEFT + Math.max(0, Math.min(1, value)) * (WIDTH - LEFT - 60);
  const axis = [0, 0.25, 0.5, 0.75, 1].map(
    (tick) =>
      `<line class="grid" x1="${x(tick)}" x2="${x(tick)}" y1="6" y2="${height - 24}"/><text class="tick" x="${x(tick)}" y="${height - 8}" text-anchor="middle">${tick}</text>`,
  );
  const marks = bars.map(({ label, value, low, high, standing }, i) => {
    const y = 10 + i * ROW;
    const name = escapeHtml(label);
    return [
      `<text class="name" x="${LEFT - 8}" y="${y + 12}" text-anchor="end">${name}</text>`,
      `<rect class="${standing}" x="${x(0)}" y="${y + 2}" width="${(x(value) - x(0)).toFixed(1)}" height="13"><title>${name}: ${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]</title></rect>`,
      `<line class="whisker" x1="${x(low).toFixed(1)}" x2="${x(high).toFixed(1)}" y1="${y + 8.5}" y2="${y + 8.5}"/>`,
      `<text class="value" x="${WIDTH - 52}" y="${y + 12}">${value.toFixed(3)}</text>`,
    ].join('');
  });
  return `<figure><figcaption>${escapeHtml(title)}</figcaption><svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(title)}">${axis.join('')}${marks.join('')}</svg></figure>`;
}

export interface Line {
  readonly label: string;
  readonly points: readonly {
    readonly x: string;
    readonly y: number;
    readonly low: number;
    readonly high: number;
  }[];
}

/** One share over the values of a sweep, in their order. */
export function lineChart(title: string, lines: readonly Line[]): string {
  const height = 260;
  const labels = [...new Set(lines.flatMap(({ points }) => points.map((point) => point.x)))];
  const x = (label: string): number =>
    60 + (labels.indexOf(label) / Math.max(1, labels.length - 1)) * (WIDTH - 260);
  const y = (value: number): number => 12 + (1 - Math.max(0, Math.min(1, value))) * (height - 50);
  const axis = [
    ...[0, 0.25, 0.5, 0.75, 1].map(
      (tick) =>
        `<line class="grid" x1="60" x2="${WIDTH - 200}" y1="${y(tick)}" y2="${y(tick)}"/><text class="tick" x="52" y="${y(tick) + 4}" text-anchor="end">${tick}</text>`,
    ),
    ...labels.map(
      (label) =>
        `<text class="tick" x="${x(label)}" y="${height - 16}" text-anchor="middle">${escapeHtml(label)}</text>`,
    ),
  ];
  const drawn = lines.map(({ label, points }, i) => {
    const path = points
      .map(
        (point, at) => `${at === 0 ? 'M' : 'L'}${x(point.x).toFixed(1)} ${y(point.y).toFixed(1)}`,
      )
      .join(' ');
    const dots = points.map(
      (point) =>
        `<line class="whisker" x1="${x(point.x)}" x2="${x(point.x)}" y1="${y(point.low).toFixed(1)}" y2="${y(point.high).toFixed(1)}"/><circle class="line${i % 5}" cx="${x(point.x).toFixed(1)}" cy="${y(point.y).toFixed(1)}" r="3.5"><title>${escapeHtml(label)}, ${escapeHtml(point.x)}: ${point.y.toFixed(3)}</title></circle>`,
    );
    return `<path class="path line${i % 5}" d="${path}"/>${dots.join('')}<circle class="line${i % 5}" cx="${WIDTH - 182}" cy="${22 + i * 20}" r="4"/><text class="name" x="${WIDTH - 172}" y="${26 + i * 20}">${escapeHtml(label)}</text>`;
  });
  return `<figure><figcaption>${escapeHtml(title)}</figcaption><svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(title)}">${axis.join('')}${drawn.join('')}</svg></figure>`;
}

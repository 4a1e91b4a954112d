/**
 * Charts as inline SVG: no script, colours from the page, every mark with a title, and the numbers of each chart beside it as
 * CSV.
 * @module
 */
import { escapeHtml } from '../../commands/inspect.js';

export const WIDTH = 720;

/** A figure: what it shows in words, the drawing, and its numbers. */
export function figure(
  caption: string,
  drawing: Readonly<{ height: number; marks: readonly string[] }>,
  csv: readonly (readonly (string | number)[])[],
): string {
  const name = escapeHtml(caption);
  const rows = csv.map((row) => row.map(shown).join(',')).join('\n');
  return (
    `<figure><figcaption>${name}</figcaption>` +
    `<div class="wide"><svg viewBox="0 0 ${WIDTH} ${drawing.height}" role="img" aria-label="${name}">${drawing.marks.join('')}</svg></div>` +
    `<details><summary>numbers</summary><pre>${escapeHtml(rows)}</pre></details></figure>`
  );
}

/** One decimal of a pixel is enough, and keeps a page of many charts small. */
export function px(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '');
}

export function text(
  kind: 'name' | 'tick' | 'value' | 'axis',
  at: Readonly<{ x: number; y: number; anchor?: 'start' | 'middle' | 'end' }>,
  content: string,
): string {
  return `<text class="${kind}" x="${px(at.x)}" y="${px(at.y)}" text-anchor="${at.anchor ?? 'start'}">${escapeHtml(content)}</text>`;
}

export function line(
  kind: 'grid' | 'whisker' | 'mark',
  from: readonly [number, number],
  to: readonly [number, number],
): string {
  return `<line class="${kind}" x1="${px(from[0])}" y1="${px(from[1])}" x2="${px(to[0])}" y2="${px(to[1])}"/>`;
}

export function titled(content: string): string {
  return `<title>${escapeHtml(content)}</title>`;
}

function shown(value: string | number): string {
  if (typeof value === 'string') return /[",\n]/.test(value) ? JSON.stringify(value) : value;
  return Number.isInteger(value) ? String(value) : value.toFixed(4);
}

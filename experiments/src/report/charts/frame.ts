/**
 * Charts as inline SVG: no script, colours from the page, every mark with a title, and the numbers of each chart beside it as
 * CSV.
 * @module
 */
import { escapeHtml } from '../../commands/inspect.js';

export const WIDTH = 720;

/** Colours, light and dark. */
export const INK = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--soft:#59636e;--rule:#d1d9e0;--ours:#0969da;--rival:#9a6700;--control:#818b98;--warn:#fff8c5;--c0:#0969da;--c1:#9a6700;--c2:#1a7f37;--c3:#8250df;--c4:#cf222e;--c5:#57606a}
@media(prefers-color-scheme:dark){:root{--paper:#0d1117;--ink:#e6edf3;--soft:#9198a1;--rule:#3d444d;--ours:#4493f8;--rival:#d29922;--control:#656c76;--warn:#3a2d00;--c0:#4493f8;--c1:#d29922;--c2:#3fb950;--c3:#ab7df8;--c4:#f85149;--c5:#9198a1}}
`;

/** How marks look. */
export const STROKES = `
svg text{fill:var(--ink)}svg .tick,svg .axis{fill:var(--soft)}svg .grid{stroke:var(--rule)}svg .whisker{stroke:var(--ink);stroke-width:1.5}svg .mark{stroke:var(--ink);stroke-dasharray:4 3}
svg .ours{fill:var(--ours)}svg .rival{fill:var(--rival)}svg .control{fill:var(--control)}svg .path{fill:none;stroke-width:2}svg .band{opacity:.14}
svg circle.line0,svg .band.line0{fill:var(--c0)}svg .path.line0,svg .whisker.line0{stroke:var(--c0)}svg circle.line1,svg .band.line1{fill:var(--c1)}svg .path.line1,svg .whisker.line1{stroke:var(--c1)}svg circle.line2,svg .band.line2{fill:var(--c2)}svg .path.line2,svg .whisker.line2{stroke:var(--c2)}svg circle.line3,svg .band.line3{fill:var(--c3)}svg .path.line3,svg .whisker.line3{stroke:var(--c3)}svg circle.line4,svg .band.line4{fill:var(--c4)}svg .path.line4,svg .whisker.line4{stroke:var(--c4)}svg circle.line5,svg .band.line5{fill:var(--c5)}svg .path.line5,svg .whisker.line5{stroke:var(--c5)}
`;

/** What it shows in words, the drawing, and its numbers. */
export interface Figure {
  readonly caption: string;
  readonly height: number;
  /** SVG elements; classes are coloured by the page, or by `STROKES` where a figure stands alone. */
  readonly marks: readonly string[];
  readonly csv: readonly (readonly (string | number)[])[];
}

/** On a page, its numbers folded away beneath. */
export function figureHtml(figure: Figure): string {
  return (
    `<figure><figcaption>${escapeHtml(figure.caption)}</figcaption>` +
    `<div class="wide"><svg ${frameOf(figure)}>${figure.marks.join('')}</svg></div>` +
    `<details><summary>numbers</summary><pre>${escapeHtml(figureCsv(figure))}</pre></details></figure>`
  );
}

/** As a file of its own, in colours of paper and screen. */
export function figureSvg(figure: Figure): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" ${frameOf(figure)} font-family="system-ui,sans-serif" font-size="12">` +
    `<style>${INK}${STROKES}</style><rect width="100%" height="100%" fill="var(--paper)"/>${figure.marks.join('')}</svg>\n`
  );
}

export function figureCsv({ csv }: Figure): string {
  return csv.map((row) => row.map(shown).join(',')).join('\n');
}

function frameOf({ caption, height }: Figure): string {
  return `viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(caption)}"`;
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

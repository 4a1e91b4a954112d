/**
 * One page of all results: HTML that needs no script and no network, and the same tables as Markdown.
 * @module
 */
import { escapeHtml, tableIn } from '../commands/inspect.js';
import { sectionsOf } from './sections.js';
import type { StudyResultFile } from './study-result.js';

const NO_EVIDENCE = 'No evidence for a claim: fewer seeds than one wants, or too small a world.';

export function reportMarkdown(studies: readonly StudyResultFile[]): string {
  const parts = ['# Results', ''];
  for (const study of studies) {
    parts.push(`## ${study.title || study.name}`, '');
    if (!study.evidence) parts.push(`_${NO_EVIDENCE}_`, '');
    for (const { heading, rows, lines } of sectionsOf(study)) {
      parts.push(`### ${heading}`, '');
      if (rows !== undefined)
        parts.push(
          tableIn(
            'md',
            rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|'))),
          ),
          '',
        );
      if (lines !== undefined) parts.push(...lines.map((line) => `- ${line}`), '');
    }
  }
  return `${parts.join('\n').trimEnd()}\n`;
}

export function reportHtml(studies: readonly StudyResultFile[]): string {
  const contents = studies
    .map(
      ({ name, title, evidence }) =>
        `<li><a href="#${escapeHtml(name)}">${escapeHtml(title || name)}</a>${evidence ? '' : ' – no evidence'}</li>`,
    )
    .join('');
  const bodies = studies.map((study) => {
    const sections = sectionsOf(study).map(
      ({ heading, figure = '', rows, lines }) =>
        `<h3>${escapeHtml(heading)}</h3>${figure}${rows === undefined ? '' : `<div class="wide">${tableIn('html', rows)}</div>`}${lines === undefined ? '' : `<ul>${lines.map((line) => `<li>${escapeHtml(line)}</li>`).join('')}</ul>`}`,
    );
    return `<section id="${escapeHtml(study.name)}"><h2>${escapeHtml(study.title || study.name)}</h2>${study.evidence ? '' : `<p class="warning">${NO_EVIDENCE}</p>`}${sections.join('')}</section>`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Results</title><style>${STYLE}</style></head>
<body><main><h1>Results</h1><p>Simulated hospitals unless a log is named. Rates are of actor-days unless another unit is named.</p><nav><ul>${contents}</ul></nav>${bodies.join('\n')}</main></body></html>
`;
}

const STYLE = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--soft:#59636e;--rule:#d1d9e0;--ours:#0969da;--rival:#9a6700;--control:#818b98;--warn:#fff8c5;--c0:#0969da;--c1:#9a6700;--c2:#1a7f37;--c3:#8250df;--c4:#cf222e;--c5:#57606a}
@media(prefers-color-scheme:dark){:root{--paper:#0d1117;--ink:#e6edf3;--soft:#9198a1;--rule:#3d444d;--ours:#4493f8;--rival:#d29922;--control:#656c76;--warn:#3a2d00;--c0:#4493f8;--c1:#d29922;--c2:#3fb950;--c3:#ab7df8;--c4:#f85149;--c5:#9198a1}}
body{background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif;margin:0}main{max-width:64rem;margin:0 auto;padding:1.5rem}
h2{border-top:1px solid var(--rule);padding-top:1.2rem;margin-top:2.5rem}h3{margin-top:1.6rem}a{color:var(--ours)}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}th,td{border-bottom:1px solid var(--rule);padding:.25rem .6rem;text-align:left;white-space:nowrap}th{color:var(--soft);font-weight:600}
figure{margin:1rem 0}figcaption,summary{color:var(--soft);font-size:13px}pre{max-height:16rem;overflow:auto;font-size:12px}li{overflow-wrap:anywhere}
svg{display:block;min-width:36rem;max-width:45rem;width:100%;height:auto;font:12px system-ui,sans-serif}
svg text{fill:var(--ink)}svg .tick,svg .axis{fill:var(--soft)}svg .grid{stroke:var(--rule)}svg .whisker{stroke:var(--ink);stroke-width:1.5}svg .mark{stroke:var(--ink);stroke-dasharray:4 3}
svg .ours{fill:var(--ours)}svg .rival{fill:var(--rival)}svg .control{fill:var(--control)}svg .path{fill:none;stroke-width:2}svg .band{opacity:.14}
svg circle.line0,svg .band.line0{fill:var(--c0)}svg .path.line0,svg .whisker.line0{stroke:var(--c0)}svg circle.line1,svg .band.line1{fill:var(--c1)}svg .path.line1,svg .whisker.line1{stroke:var(--c1)}svg circle.line2,svg .band.line2{fill:var(--c2)}svg .path.line2,svg .whisker.line2{stroke:var(--c2)}svg circle.line3,svg .band.line3{fill:var(--c3)}svg .path.line3,svg .whisker.line3{stroke:var(--c3)}svg circle.line4,svg .band.line4{fill:var(--c4)}svg .path.line4,svg .whisker.line4{stroke:var(--c4)}svg circle.line5,svg .band.line5{fill:var(--c5)}svg .path.line5,svg .whisker.line5{stroke:var(--c5)}
.warning{background:var(--warn);padding:.6rem .9rem;border-radius:6px}@media print{main{max-width:none}}
`;

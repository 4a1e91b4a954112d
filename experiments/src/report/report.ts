/**
 * One page of all results: HTML that needs no script and no network, and the same tables as Markdown.
 * @module
 */
import { escapeHtml, tableIn } from '../commands/inspect.js';
import { figureHtml, INK, STROKES } from './charts/frame.js';
import { sectionsOf } from './sections.js';
import { findings } from './studies-table.js';
import type { StudyResultFile } from './study-result.js';

const NO_EVIDENCE = 'No evidence for a claim: fewer seeds than one wants, or too small a world.';

export function reportMarkdown(studies: readonly StudyResultFile[]): string {
  const parts = ['# Results', ''];
  const said = findings(studies);
  if (said.length > 0) parts.push(...said.map((sentence) => `- ${sentence}`), '');
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
  const said = findings(studies)
    .map((sentence) => `<li>${escapeHtml(sentence.replaceAll('`', ''))}</li>`)
    .join('');
  const bodies = studies.map((study) => {
    const sections = sectionsOf(study).map(
      ({ heading, figure, rows, lines }) =>
        `<h3>${escapeHtml(heading)}</h3>${figure === undefined ? '' : figureHtml(figure)}${rows === undefined ? '' : `<div class="wide">${tableIn('html', rows)}</div>`}${lines === undefined ? '' : `<ul>${lines.map((line) => `<li>${escapeHtml(line)}</li>`).join('')}</ul>`}`,
    );
    return `<section id="${escapeHtml(study.name)}"><h2>${escapeHtml(study.title || study.name)}</h2>${study.evidence ? '' : `<p class="warning">${NO_EVIDENCE}</p>`}${sections.join('')}</section>`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Results</title><style>${STYLE}</style></head>
<body><main><h1>Results</h1><p>Simulated hospitals unless a log is named. Rates are of actor-days unless another unit is named.</p><nav><ul>${contents}</ul></nav>${said === '' ? '' : `<ul>${said}</ul>`}${bodies.join('\n')}</main></body></html>
`;
}

const STYLE = `${INK}${STROKES}
body{background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif;margin:0}main{max-width:64rem;margin:0 auto;padding:1.5rem}
h2{border-top:1px solid var(--rule);padding-top:1.2rem;margin-top:2.5rem}h3{margin-top:1.6rem}a{color:var(--ours)}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}th,td{border-bottom:1px solid var(--rule);padding:.25rem .6rem;text-align:left;white-space:nowrap}th{color:var(--soft);font-weight:600}
figure{margin:1rem 0}figcaption,summary{color:var(--soft);font-size:13px}pre{max-height:16rem;overflow:auto;font-size:12px}li{overflow-wrap:anywhere}
svg{display:block;min-width:36rem;max-width:45rem;width:100%;height:auto;font:12px system-ui,sans-serif}
.warning{background:var(--warn);padding:.6rem .9rem;border-radius:6px}@media print{main{max-width:none}}
`;

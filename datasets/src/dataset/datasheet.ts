/**
 * The datasheet of a data set, as data and as text: why it exists, how it was made, what it holds, what it is not.
 * Source of the questions: Gebru et al. 2021, "Datasheets for Datasets".
 * @module
 */

import type { TargetRow } from '../targets.js';

export interface Datasheet {
  readonly format: 'datasheet/1';
  readonly name: string;
  /** True for what a generator made, and to be said wherever figures of it stand. */
  readonly simulated: boolean;
  readonly purpose: string;
  readonly origin: string;
  readonly terms: string;
  readonly composition: readonly HospitalFacts[];
  readonly labels: readonly LabelFacts[];
  readonly oddities: readonly Readonly<{ kind: string; count: number }>[];
  /** Of the first hospital. */
  readonly shape: readonly TargetRow[];
  readonly limits: readonly string[];
}

export interface HospitalFacts {
  readonly nodeId: string;
  readonly staff: number;
  readonly events: number;
  readonly serviceShare: number;
  readonly patients: number;
}

export interface LabelFacts {
  readonly scenario: string;
  readonly kind: string;
  readonly difficulty: number;
  readonly incidents: number;
  readonly events: number;
}

export function datasheetMarkdown(sheet: Datasheet): string {
  const labelled = sheet.labels.reduce((sum, each) => sum + each.events, 0);
  const events = sheet.composition.reduce((sum, each) => sum + each.events, 0);
  return `${[
    `# ${sheet.name}`,
    sheet.simulated
      ? '**Simulated.** No person, hospital or access in it exists.'
      : 'A real log; its terms are below.',
    `**Why.** ${sheet.purpose}`,
    `**Origin.** ${sheet.origin}`,
    `**Terms.** ${sheet.terms}`,
    '## What it holds',
    table(
      ['hospital', 'staff', 'events', 'events of services', 'patients'],
      sheet.composition.map((of) => [
        of.nodeId,
        String(of.staff),
        String(of.events),
        percent(of.serviceShare),
        String(of.patients),
      ]),
    ),
    '## Labels',
    sheet.labels.length === 0
      ? 'None.'
      : `${labelled} of ${events} events are malicious (${percent(labelled / Math.max(1, events))}). Labels stand in files of their own.`,
    ...(sheet.labels.length === 0
      ? []
      : [
          table(
            ['scenario', 'kind', 'difficulty', 'incidents', 'events'],
            sheet.labels.map((of) => [
              of.scenario,
              of.kind,
              String(of.difficulty),
              String(of.incidents),
              String(of.events),
            ]),
          ),
        ]),
    '## Legitimate anomalies',
    sheet.oddities.length === 0
      ? 'None.'
      : table(
          ['kind', 'count'],
          sheet.oddities.map((of) => [of.kind, String(of.count)]),
        ),
    '## Shape, beside what was measured on real logs',
    targetTable(sheet.shape),
    '## What it is not',
    sheet.limits.map((limit) => `- ${limit}`).join('\n'),
  ].join('\n\n')}\n`;
}

/** The rows of `describeAgainstTargets` as a Markdown table. */
export function targetTable(rows: readonly TargetRow[]): string {
  return table(
    ['quantity', 'measured on', 'target', 'band', 'here', 'inside'],
    rows.map(({ quantity, source, target, band, value, inside }) => [
      quantity,
      source,
      figure(target),
      `${figure(band[0])} – ${figure(band[1])}`,
      value === null ? 'none' : figure(value),
      inside === null ? '–' : inside ? 'yes' : 'no',
    ]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function figure(value: number): string {
  if (value !== 0 && Math.abs(value) < 1) return value.toFixed(3);
  return value < 100 ? String(Math.round(value * 10) / 10) : Math.round(value).toLocaleString('en');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.01 ? 3 : 1)} %`;
}

/**
 * Datasheets of the public data sets that loaders read: where they come from, on which terms, what was counted in them, and
 * what they cannot show.
 * @module
 */

import { DatasetError } from '../errors.js';
import type { ActData, SessionData } from '../public-data.js';

export const PUBLIC_DATA_NAMES = ['hdfs', 'adfa', 'lanl', 'sepsis', 'bpic2011'] as const;
export type PublicDataName = (typeof PUBLIC_DATA_NAMES)[number];

export interface PublicDatasheet {
  readonly format: 'public-datasheet/1';
  readonly name: PublicDataName;
  readonly title: string;
  readonly origin: string;
  readonly terms: string;
  readonly purpose: string;
  /** Counted in the data that was given, by what is counted. */
  readonly counts: Readonly<Record<string, number>>;
  readonly limits: readonly string[];
}

type Facts = Pick<PublicDatasheet, 'title' | 'origin' | 'terms' | 'purpose' | 'limits'>;

const SWITCHES =
  'No labels: incidents are user switches that we inject, and everything else counts as benign.';

const FACTS: Readonly<Record<PublicDataName, Facts>> = {
  hdfs: {
    title: 'HDFS sessions',
    origin:
      'Console logs of HDFS (Xu et al., SOSP 2009) as event ids, from loghub through LogDeep.',
    terms: 'Research or academic work, with the notice of loghub; packaging MIT.',
    purpose: 'Shows that a pipeline works.',
    limits: [
      'Easy: most normal test sessions occur verbatim in the training file.',
      'No times and no users; the order of the file stands in for time.',
    ],
  },
  adfa: {
    title: 'ADFA-LD system-call traces',
    origin: 'ADFA Linux Dataset (Creech and Hu, UNSW Canberra, 2013).',
    terms: 'Free for academic research; no commercial use without agreement.',
    purpose: 'A hard test of sequences.',
    limits: ['No times, users or arguments.', 'Three families of attacks on one machine.'],
  },
  lanl: {
    title: 'LANL authentications',
    origin:
      'Comprehensive, Multi-Source Cyber-Security Events (Kent 2015), a slice of days 0, 1, 2.',
    terms: 'Public domain (CC0).',
    purpose: 'Real people and machines, for user switches.',
    limits: [SWITCHES, 'Each slice covers minutes; the red-team flag is 0 in every row.'],
  },
  sepsis: {
    title: 'Sepsis cases',
    origin: 'Event log of a hospital (Mannhardt 2016, 4TU).',
    terms: 'Terms of 4TU, to be cited; no attempt at re-identification.',
    purpose: 'A real hospital process, for user switches.',
    limits: [SWITCHES, 'Times are shifted per case; groups are departments, not people.'],
  },
  bpic2011: {
    title: 'BPIC 2011 hospital log',
    origin: 'Gynaecology of a Dutch academic hospital, 2005 to 2008 (van Dongen 2011, 4TU).',
    terms: 'Terms of 4TU, to be cited; no attempt at re-identification.',
    purpose: 'A real hospital log with a large vocabulary, for user switches.',
    limits: [
      SWITCHES,
      'Dates only; departments, not people, and a full switch between them is easily seen.',
    ],
  },
};

/** @throws {DatasetError} `ERR_DATASET_OPTION` for a name that no loader has */
export function publicDatasheet(
  name: PublicDataName,
  data: SessionData | ActData,
): PublicDatasheet {
  if (!PUBLIC_DATA_NAMES.includes(name)) {
    throw new DatasetError(
      'ERR_DATASET_OPTION',
      `name: expected ${PUBLIC_DATA_NAMES.join(', ')}, got ${name as string}`,
      { name: 'name', got: name },
    );
  }
  return {
    format: 'public-datasheet/1',
    name,
    ...FACTS[name],
    counts: 'rows' in data ? countsOfActs(data) : countsOfSessions(data),
  };
}

function countsOfActs({ rows }: ActData): Record<string, number> {
  return {
    events: rows.length,
    actors: new Set(rows.map((row) => row.actor)).size,
    acts: new Set(rows.map((row) => row.act)).size,
  };
}

function countsOfSessions({ train, test }: SessionData): Record<string, number> {
  const counts: Record<string, number> = {
    'sessions to train, all normal': train.length,
    'kinds of events in training': new Set(train.flatMap((session) => session.events)).size,
  };
  for (const { label } of test) {
    const name = `sessions to test, ${label}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

export function publicDatasheetMarkdown(sheet: PublicDatasheet): string {
  const counts = Object.entries(sheet.counts).map(([name, count]) => `| ${name} | ${count} |`);
  return `${[
    `# ${sheet.title}`,
    `**Why.** ${sheet.purpose}`,
    `**Origin.** ${sheet.origin}`,
    `**Terms.** ${sheet.terms}`,
    ['| what | count |', '| --- | --- |', ...counts].join('\n'),
    '## What it is not',
    sheet.limits.map((limit) => `- ${limit}`).join('\n'),
  ].join('\n\n')}\n`;
}

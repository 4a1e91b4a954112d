import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { configurationSchema } from '../src/commands/schema.js';
import { roomReadme } from '../src/report/readme.js';
import { reportHtml, reportMarkdown } from '../src/report/report.js';
import { readStudyResults } from '../src/report/study-result.js';
import type { Config } from '../src/harness/study-config.js';
import { latencyStudy } from '../src/studies/latency/study.js';
import { paperStudy } from '../src/studies/paper/study.js';

const results = readStudyResults(fileURLToPath(new URL('../results', import.meta.url)));

describe('committed results', () => {
  it('are what the README of this room shows, and nothing else is', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const squeezed = (text: string): string => text.replaceAll(/[\s-]+/g, ' ');
    expect(squeezed(roomReadme(readme, results))).toBe(squeezed(readme));
  });

  it('come with a published schema of what a configuration may say', () => {
    const published = readFileSync(new URL('../configs/schema.json', import.meta.url), 'utf8');
    expect(JSON.parse(published)).toEqual(JSON.parse(JSON.stringify(configurationSchema())));
  });

  it('say what made them: command, seeds, machine, hashes', () => {
    expect(results.length).toBeGreaterThan(0);
    for (const study of results) {
      expect(study.command).toMatch(/^npm run experiment -- run experiments\/configs\//);
      expect(study.hashes['code']).toMatch(/^[0-9a-f]{64}$/);
      for (const run of study.runs) expect(run.seeds.length).toBeGreaterThan(0);
    }
  });

  it.each([latencyStudy, paperStudy])(
    'of $name are made of what lies in the repository now',
    (of) => {
      const result = results.find(({ name }) => name === of.name)!;
      expect(result.hashes['data']).toBe(of.dataHash(result.config as Config));
    },
  );

  it('make a page without script or network, with every study in it', () => {
    const html = reportHtml(results);
    expect(html).not.toMatch(/<script|https?:|url\(/);
    expect(html).toContain('prefers-color-scheme:dark');
    for (const { name } of results) expect(html).toContain(`id="${name}"`);
    expect(reportMarkdown(results).match(/^## /gm)).toHaveLength(results.length);
  });
});

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { frontReadme } from '../src/report/readme.js';
import { readStudyResults } from '../src/report/study-result.js';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

describe('the README', () => {
  it('shows the figures of the result files and no others; npm run readme renews them', () => {
    const studies = readStudyResults(fileURLToPath(new URL('../results', import.meta.url)));
    expect(frontReadme(readme, studies)).toBe(readme);
  });

  it('shows a run in which every hop held', () => {
    expect(readme).toContain('Every hop holds.');
    expect(readme).not.toMatch(/sign in: \w+ \/ [0-9a-f]{6}-/);
  });

  it('names the two commands', () => {
    expect(readme).toContain('npm ci && npm run demo');
    expect(readme).toContain('npm ci && npm test');
  });
});

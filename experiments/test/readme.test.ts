import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readResults, withBlock } from '../src/report/readme.js';
import { resultsTable } from '../src/report/results-table.js';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

describe('the README', () => {
  it('shows the figures of the result files and no others; npm run readme renews them', () => {
    expect(withBlock(readme, 'results', resultsTable(readResults()))).toBe(readme);
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

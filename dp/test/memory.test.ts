/** No answer takes more than 200 MB, whatever is asked; what would is refused with the reason. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { QUESTIONS } from './memory-question.js';

const script = new URL('./memory-question.ts', import.meta.url).pathname;
const BYTES_MAX = 200e6;

interface Outcome {
  /** Code and message, or null where there was an answer. */
  readonly refused: string | null;
  /** Growth of the process's peak of resident memory, in bytes. */
  readonly grown: number;
}

async function ask(question: string): Promise<Outcome> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc',
    '--import',
    'tsx',
    script,
    question,
  ]);
  return JSON.parse(stdout) as Outcome;
}

const REFUSED = new Map([
  [
    'a rare record, a million steps',
    /^ERR_DP_GRID: A privacy loss distribution of \d+ points: needs \d+ MB/,
  ],
  ['a billion steps', /^ERR_DP_GRID: Losses over \S+ in steps of \S+: needs \d+ MB/],
  ['ε far beyond use', /^ERR_DP_GRID: Losses over \S+ in steps of \S+: needs \d+ MB/],
  ['forty lattices', /^ERR_DP_GRID: A discrete Gaussian of sigma \d+/],
  ['a lattice without end', /^ERR_DP_GRID: A discrete Gaussian of sigma 1000000000/],
]);

describe('memory of one answer', () => {
  it.each(Object.keys(QUESTIONS))(
    '%s',
    async (question) => {
      const { refused, grown } = await ask(question);
      expect(grown).toBeLessThan(BYTES_MAX);
      const reason = REFUSED.get(question);
      if (reason === undefined) expect(refused).toBeNull();
      else expect(refused).toMatch(reason);
    },
    60_000,
  );

  it('is measured: an answer that holds 300 MB would be seen', async () => {
    const hold =
      'const held = new Float64Array(37.5e6).fill(1); process.stdout.write(String(process.resourceUsage().maxRSS * 1024 - held[0]));';
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', hold]);
    expect(Number(stdout)).toBeGreaterThan(300e6);
  });
});

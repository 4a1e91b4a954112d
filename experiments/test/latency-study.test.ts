import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { STUDIES } from '../src/studies/index.js';
import type { StudyContext } from '../src/harness/study.js';

const study = STUDIES['inline-latency']!;
// It needs nothing of the harness: what was measured lies in files.
const context = {} as StudyContext;
let dir = '';
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'bhs-bench-'))));
afterEach(() => rmSync(dir, { recursive: true }));

const spread = (median: number) => ({ median, min: median, max: median });

describe('inline latency', () => {
  it('is what the committed benches say, name by name, with their machine', async () => {
    const bench = {
      machine: { cpu: 'two cores', loadAverageBefore: [7, 8, 9] },
      results: [
        { name: 'guarded call', unit: 'ms', runs: 7, bar: '≤ 1 ms', ok: true, ...spread(0.2) },
      ],
      loads: [
        {
          load: 'own sessions',
          clients: 25,
          arm: 'enforce',
          rounds: 1,
          perSecond: spread(9.7),
          ofOff: spread(0.9),
          p50Ms: 2_221,
          p95Ms: 2_500,
          p99Ms: 2_566,
          quarantineShare: 0,
          failedShare: 0,
        },
      ],
    };
    writeFileSync(join(dir, 'fabric.json'), JSON.stringify(bench));
    const { metrics, notes } = await study.run({ data: { dir } }, context);
    expect(metrics).toEqual({
      'fabric: guarded call': 0.2,
      'fabric: enforce, own sessions, 25 clients: per second': 9.7,
      'fabric: enforce, own sessions, 25 clients: of guard off': 0.9,
      'fabric: enforce, own sessions, 25 clients: p50 ms': 2_221,
      'fabric: enforce, own sessions, 25 clients: p99 ms': 2_566,
    });
    expect(notes).toEqual(['fabric: cpu two cores, loadAverageBefore [7,8,9]']);
  });

  it('without a bench, or with another file, is refused with what makes one', () => {
    expect(() => study.dataHash({ data: { dir } })).toThrow(/npm run bench -w chaincode-hooks/);
    writeFileSync(join(dir, 'other.json'), '{"results":[]}');
    expect(() => study.run({ data: { dir } }, context)).toThrow(
      /other\.json: expected .* got results/,
    );
  });
});

/** The main job on real hospital logs; skipped with a line where they are absent. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { startDemo, temporaryState } from './demo-process.js';

const data =
  process.env['BHS_DATA'] ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));
const logs = ['sepsis.csv.gz', 'bpic2011_hospital.csv.gz'];

describe('the main job on a real log', () => {
  for (const name of logs) {
    const file = join(data, 'hospital_event_logs', name);
    const present = existsSync(file);
    if (!present) process.stderr.write(`skipped: ${file} is absent; set BHS_DATA to its folder\n`);
    it.skipIf(!present)(
      `${name}: every hop holds, and the summary says what the log is worth`,
      async () => {
        const state = temporaryState();
        try {
          const demo = startDemo(['--log', file, '--exit', '--json', '--state', state.dir]);
          const { status, stdout, stderr } = await demo.exited;
          expect(status, stderr).toBe(0);
          const summary = JSON.parse(stdout) as {
            ok: boolean;
            notes: string[];
            incidents: { planted: number; found: number };
            transactions: { scored: number };
          };
          expect(summary.ok).toBe(true);
          expect(summary.transactions.scored).toBeGreaterThan(500);
          expect(summary.incidents.planted).toBeGreaterThanOrEqual(4);
          expect(summary.incidents.found).toBeGreaterThanOrEqual(4);
          expect(summary.notes.join(' ')).toContain('too small to train');
        } finally {
          state.remove();
        }
      },
      20 * 60_000,
    );
  }
});

import { describe, expect, it } from 'vitest';

import {
  PROPOSAL_WINDOW_MS,
  createSimulationLog,
  uncommittedSimulations,
} from '../src/simulation-log.js';

const simulation = (n: number): { txId: string; function: string; atMs: number } => ({
  txId: `t${n}`,
  function: 'RecordAccessContract:requestAccess',
  atMs: n * 1000,
});

describe('the simulation log', () => {
  it('answers what came after, in order, each once', () => {
    const log = createSimulationLog(10);
    for (let i = 1; i <= 5; i++) log.note(simulation(i));
    const first = log.after(0);
    expect(first.items.map(({ txId }) => txId)).toEqual(['t1', 't2', 't3', 't4', 't5']);
    expect(log.after(first.next)).toEqual({ items: [], next: 5, lost: 0 });
    log.note(simulation(6));
    expect(log.after(first.next).items.map(({ txId }) => txId)).toEqual(['t6']);
  });

  it('keeps the last ones and says how many were lost', () => {
    const log = createSimulationLog(10);
    for (let i = 1; i <= 37; i++) log.note(simulation(i));
    const page = log.after(5);
    expect(page.items.map(({ sequence }) => sequence)).toEqual([
      28, 29, 30, 31, 32, 33, 34, 35, 36, 37,
    ]);
    expect(page.lost).toBe(22);
  });

  it('gives at most a thousand at once', () => {
    const log = createSimulationLog(5_000);
    for (let i = 1; i <= 2_500; i++) log.note(simulation(i));
    expect([0, 1_000, 2_000].map((after) => log.after(after).items.length)).toEqual([
      1_000, 1_000, 500,
    ]);
  });
});

describe('the probing report', () => {
  it('names what can no longer be committed and was not', () => {
    const log = createSimulationLog(10);
    for (let i = 0; i < 4; i++) log.note(simulation(i));
    const nowMs = PROPOSAL_WINDOW_MS + 5 * 60_000 + 2_500; // too late for the first three
    const report = uncommittedSimulations(log.after(0).items, {
      nowMs,
      isCommitted: (txId) => txId === 't1',
    });
    expect(report.map(({ txId }) => txId)).toEqual(['t0', 't2']);
  });
});

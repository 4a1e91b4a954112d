import { COLUMNS, PEERLESS_MASK, TIMELESS_MASK } from '@bhschain/models/features';
import { describe, expect, it } from 'vitest';
import { createJudges, explainHold, type EvidenceInput } from '../src/review/evidence.js';
import {
  heldWindows,
  MODEL,
  ringBytesOf,
  scorerOfDetectorZero,
  TABLE,
} from './evidence-fixture.js';

const scorer = scorerOfDetectorZero();
const held = heldWindows(scorer);
const judges = createJudges();
const { window, score } = held[Math.floor(held.length / 2)]!;
const input: EvidenceInput = {
  txId: 'f'.repeat(64),
  args: ['s', 'd', '40', 'treatment', 'notes', ''],
  score,
  ring: Buffer.concat([ringBytesOf(window), Buffer.alloc(8)]),
  model: MODEL,
  table: TABLE,
};

describe('the evidence of a hold', () => {
  it('is the score of the ledger again, from the ring and the detector in the blocks', () => {
    const evidence = explainHold(input, judges);
    expect(evidence).toMatchObject({ score, agrees: true, theta: 870_000 });
    expect(explainHold({ ...input, score: score - 1 }, judges).agrees).toBe(false);
  });

  it('holds one error per step and column, which sum to the error of the step', () => {
    const { steps, columns } = explainHold(input, judges);
    expect(steps).toHaveLength(window.rows.length);
    for (const step of steps) {
      expect(step.errors).toHaveLength(columns.length);
      const sum = step.errors.reduce((total, error) => total + error, 0);
      expect(Math.abs(sum - step.error)).toBeLessThan(1e-2);
    }
    expect(steps.at(-1)).toMatchObject({ outcome: 'diverted' });
  });

  it('shows values in their unit, and reasons with what the score would be without them', () => {
    const { steps, columns, reasons } = explainHold(input, judges);
    const distinct = columns.findIndex(({ name }) => name === 'distinct records per event');
    expect(steps.at(-1)!.values[distinct]).toBeCloseTo(window.rows.at(-1)![14]! / 256, 6);
    expect(reasons.length).toBeGreaterThan(0);
    for (const reason of reasons) expect(reason.scoreWithout).toBeLessThanOrEqual(1_000_000);
  });

  it('leaves out the columns that were absent when the call was judged', () => {
    const absent = (mask: number): string[] =>
      COLUMNS.filter((_, i) => (mask & (1 << i)) !== 0).map(({ name }) => name);
    const coarse = explainHold({ ...input, args: ['s', 'at=5;time=day;code=3'] }, judges);
    const names = coarse.columns.map(({ name }) => name);
    for (const name of absent(PEERLESS_MASK | TIMELESS_MASK)) expect(names).not.toContain(name);
  });

  it.each([
    ['no detector judged it', { score: null }],
    ['no sequence of calls', { ring: null }],
    ['not in the blocks read', { model: null }],
    ['does not decode', { ring: Buffer.from('nonsense') }],
    ['does not decode', { table: MODEL }],
  ])('says why there is none: %s', (reason, change) => {
    const explain = (): unknown => explainHold({ ...input, ...change }, judges);
    expect(explain).toThrow(expect.objectContaining({ code: 'ERR_HOLD_EVIDENCE' }) as Error);
    expect(explain).toThrow(reason);
  });
});

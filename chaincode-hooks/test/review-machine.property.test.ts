import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { ChaincodeError } from '../src/errors.js';
import { FINDINGS, REVIEW_ACTIONS, type QuarantineRecord } from '../src/quarantine-record.js';
import { NO_JUDGEMENT, openRecord } from '../src/review-filing.js';
import { advanceReview, type ReviewCommand, type ReviewStepName } from '../src/review-machine.js';
import { START_MS } from './memory-ledger.js';

const DAY_MS = 86_400_000;
const ACTOR = 'a'.repeat(32);
const PEOPLE = [ACTOR, 'b'.repeat(32), 'c'.repeat(32), 'e'.repeat(32)];
const STEPS: readonly ReviewStepName[] = [
  'claim',
  'unclaim',
  'propose',
  'approve',
  'return',
  'escalate',
  'appeal',
  'close',
];

const filed = (): QuarantineRecord =>
  openRecord('f'.repeat(64), {
    caller: { actor: ACTOR, mspId: 'H1MSP', role: 'clerk', class: 'person', ward: '', record: '' },
    functionName: 'RecordAccessContract:export',
    digest: 'd'.repeat(64),
    session: '00000000000000a1',
    atMs: START_MS,
    filedMs: START_MS,
    cause: 'score',
    judgement: NO_JUDGEMENT,
    ringDigest: '',
    codeHash: '',
  });

interface Move {
  readonly step: ReviewStepName;
  readonly by: string;
  readonly mspId: string;
  readonly waitMs: number;
  readonly stale: boolean;
  readonly action: (typeof REVIEW_ACTIONS)[number];
}

/** The steps that lead to a decision come more often, so that random games get there. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<ReviewStepName>('claim', 'propose', 'approve') },
  { weight: 1, arbitrary: fc.constantFrom(...STEPS) },
);

const move: fc.Arbitrary<Move> = fc.record({
  step,
  by: fc.constantFrom(...PEOPLE),
  mspId: fc.constantFrom('H1MSP', 'H1MSP', 'H1MSP', 'H2MSP'),
  waitMs: fc.constantFrom(0, 0, 1_000, DAY_MS + 1, 31 * DAY_MS),
  stale: fc.constantFrom(false, false, false, true),
  action: fc.constantFrom(...REVIEW_ACTIONS),
});

interface Passed {
  readonly before: QuarantineRecord;
  readonly command: ReviewCommand;
  readonly after: QuarantineRecord;
}

/** Plays random moves; refused ones must be coded and change nothing. */
function play(moves: readonly Move[], highRisk: boolean): readonly Passed[] {
  const passed: Passed[] = [];
  let record = filed();
  let nowMs = START_MS;
  for (const { step, by, mspId, waitMs, stale, action } of moves) {
    nowMs += waitMs;
    const command: ReviewCommand = {
      step,
      by,
      mspId,
      atMs: nowMs,
      expectedVersion: record.version - (stale ? 1 : 0),
      highRisk,
      proposal: { action, finding: FINDINGS[0], reasonDigest: 'd'.repeat(64) },
    };
    const snapshot = JSON.stringify(record);
    try {
      const after = advanceReview(record, command);
      passed.push({ before: record, command, after });
      expect(stale).toBe(false);
      record = after;
    } catch (error) {
      if (!(error instanceof ChaincodeError)) throw error;
      expect(JSON.stringify(record)).toBe(snapshot);
    }
  }
  return passed;
}

const game = fc.tuple(fc.array(move, { minLength: 60, maxLength: 60 }), fc.boolean());

describe('a review, over random steps of random people', () => {
  it('counts every step once and keeps a history of them', () => {
    fc.assert(
      fc.property(game, ([moves, highRisk]) => {
        for (const { before, after, command } of play(moves, highRisk)) {
          expect(after.version).toBe(before.version + 1);
          expect(after.history).toHaveLength(after.version);
          expect(after.history.at(-1)).toMatchObject({ step: command.step, to: after.state });
        }
      }),
    );
  });

  it('is decided by two people, neither of them the actor', () => {
    let decided = 0;
    fc.assert(
      fc.property(game, ([moves, highRisk]) => {
        for (const { before, after, command } of play(moves, highRisk)) {
          if (command.step !== 'approve') continue;
          decided++;
          expect(new Set([ACTOR, before.proposal!.by, command.by]).size).toBe(3);
          expect(after.state).toBe(before.proposal!.action === 'release' ? 'released' : 'rejected');
          expect(command.mspId === before.mspId).toBe(!highRisk);
        }
      }),
      { numRuns: 300 },
    );
    expect(decided).toBeGreaterThan(20); // or the property said nothing
  });

  it('has a holder exactly while somebody works on it', () => {
    fc.assert(
      fc.property(game, ([moves, highRisk]) => {
        for (const { after } of play(moves, highRisk)) {
          expect(after.holder !== null).toBe(['claimed', 'proposed'].includes(after.state));
          expect(after.holder).not.toBe(ACTOR);
        }
      }),
    );
  });

  it('is appealed at most once, by the actor, and never leaves closed', () => {
    fc.assert(
      fc.property(game, ([moves, highRisk]) => {
        const steps = play(moves, highRisk);
        const appeals = steps.filter(({ command }) => command.step === 'appeal');
        expect(appeals.length).toBeLessThanOrEqual(1);
        for (const { command } of appeals) expect(command.by).toBe(ACTOR);
        for (const { before } of steps) expect(before.state).not.toBe('closed');
      }),
      { numRuns: 300 },
    );
  });

  it('escalates and closes only after the deadline', () => {
    fc.assert(
      fc.property(game, ([moves, highRisk]) => {
        for (const { before, command } of play(moves, highRisk)) {
          if (command.step !== 'escalate' && command.step !== 'close') continue;
          expect(command.atMs).toBeGreaterThan(before.deadlineMs);
        }
      }),
    );
  });
});

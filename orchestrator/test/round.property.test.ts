/** Invariants over random event streams. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFinal, type Round, type RoundEvent, type TimerName } from '../src/round/round.js';
import { scheduleRound, step } from '../src/round/step.js';
import { FEDERATION_ID, SLOT_MS, START_MS, TEST_POLICY } from './consortium.js';

const NODES = ['H1', 'H2', 'H3', 'H4', 'H5'];
const node = fc.constantFrom(...NODES, 'H9');
const timers: readonly TimerName[] = ['open', 'gather', 'grace', 'deadline', 'seal'];

type Move = (round: Round, atMs: number) => RoundEvent;
const fixed =
  (event: object): Move =>
  (_round, atMs) =>
    ({ ...event, atMs }) as RoundEvent;

const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 4, arbitrary: node.map((nodeId) => fixed({ kind: 'node-ready', nodeId })) },
  {
    weight: 6,
    arbitrary: fc
      .record({
        nodeId: node,
        update: fc.constantFrom('u1', 'u2', 'u3', 'u4', 'u5', 'u6'),
        verdict: fc.constantFrom(
          { kind: 'accepted', reason: '' },
          { kind: 'accepted', reason: '' },
          { kind: 'quarantined', reason: 'norm-envelope' },
          { kind: 'rejected', reason: 'length' },
        ),
      })
      .map((o) => fixed({ kind: 'submission', envelope: `e ${o.update}`, ...o })),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(...timers).map((name): Move => (round, atMs) => ({
      kind: 'timer',
      name,
      armedForMs: round.timers[name] ?? atMs,
      atMs,
    })),
  },
  fc
    .record({ nodeId: node, reason: fc.constant('budget') })
    .map((o) => fixed({ kind: 'node-declined', ...o })),
  node.map((nodeId) => fixed({ kind: 'node-revoked', nodeId })),
  fc
    .record({ nodeId: node, disposition: fc.constantFrom('release', 'discard') })
    .map((o) => fixed({ kind: 'review', reviewers: ['ana', 'ben'], ...o })),
  fc.constantFrom(
    fixed({ kind: 'aggregated', resultModel: 'r', optimiserState: '' }),
    fixed({ kind: 'aggregate-failed', reason: 'aggregate-failed' }),
    fixed({ kind: 'manifest-signed', manifest: 'm' }),
  ),
);

const first = (): Round =>
  scheduleRound(
    {
      id: { federationId: FEDERATION_ID, slotIndex: START_MS / SLOT_MS, attempt: 1 },
      policy: { ...TEST_POLICY, quorum: 3 },
      planHash: '',
      layoutHash: '',
      baseModel: '',
      previousManifest: '',
      optimiserState: '',
      interval: { fromMs: 0, toMs: 1 },
      roster: NODES,
    },
    { atMs: START_MS, skip: null },
  ).round;

describe('any stream of events', () => {
  it('keeps the invariants of a round', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
        let round = first();
        let pendingEffects = 0;
        moves.forEach((make, index) => {
          const before = round;
          const transition = step(round, make(round, START_MS + index * 100));
          round = transition.round;
          if (!transition.applied) expect(round).toBe(before);
          if (isFinal(before)) expect(transition.applied).toBe(false);
          // I2: the members of a round never change their names.
          expect(Object.keys(round.members)).toEqual(NODES);
          // I3: aggregated only with a quorum.
          const accepted = Object.values(round.members).filter((m) => m.state === 'accepted');
          if (['aggregating', 'sealing', 'sealed'].includes(round.phase)) {
            expect(accepted.length).toBeGreaterThanOrEqual(round.policy.quorum);
            expect(new Set(accepted.map((m) => m.update)).size).toBe(accepted.length);
          }
          // I5: what is not final has a timer ahead or an effect to wait for.
          const work = transition.effects.filter((each) => each.kind !== 'alert').length;
          if (round.phase !== before.phase) pendingEffects = work;
          if (!isFinal(round)) {
            expect(Object.keys(round.timers).length + pendingEffects).toBeGreaterThan(0);
          }
          // I6: one update per node, for good.
          for (const nodeId of NODES) {
            const was = before.members[nodeId]!;
            const is = round.members[nodeId]!;
            if (was.update !== '') expect(is.update).toBe(was.update);
            // I13: a verdict changes only from quarantined, by a copy, or by revocation.
            if (was.state === 'rejected') expect(is.state).toBe('rejected');
            if (was.state === 'accepted' && is.state !== 'accepted') {
              expect(['duplicate', 'revoked']).toContain(is.reason);
            }
          }
          // The grace window never outlives the deadline.
          const { grace, deadline } = round.timers;
          if (grace !== undefined && deadline !== undefined) {
            expect(grace).toBeLessThanOrEqual(deadline);
          }
        });
        // A round is plain data: it survives the store.
        expect(JSON.parse(JSON.stringify(round))).toEqual(round);
      }),
      { numRuns: 1_000 },
    );
  });

  it('accepts the same set whatever the order of arrival', () => {
    const shuffled = fc.shuffledSubarray(NODES, { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(
        shuffled,
        shuffled,
        fc.array(fc.constantFrom('u1', 'u2', 'u3', 'u4', 'u5'), { minLength: 5, maxLength: 5 }),
        (one, other, updates) => {
          const outcome = (order: readonly string[]): unknown => {
            let round = first();
            const play = (event: RoundEvent): void => {
              round = step(round, event).round;
            };
            const open = round.timers.open!;
            play({ kind: 'timer', name: 'open', armedForMs: open, atMs: open });
            for (const nodeId of NODES) play({ kind: 'node-ready', nodeId, atMs: open });
            for (const nodeId of order) {
              const update = updates[NODES.indexOf(nodeId)]!;
              const verdict = { kind: 'accepted', reason: '' } as const;
              play({ kind: 'submission', nodeId, envelope: nodeId, update, verdict, atMs: open });
            }
            const deadline = round.timers.deadline ?? 0;
            play({ kind: 'timer', name: 'deadline', armedForMs: deadline, atMs: deadline });
            return { phase: round.phase, members: round.members };
          };
          expect(outcome(one)).toEqual(outcome(other));
        },
      ),
    );
  });
});

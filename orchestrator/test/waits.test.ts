/** Every wait says what is awaited, from whom, until when and what then; the table is closed and every row occurs. */
import { describe, expect, it } from 'vitest';
import { WAIT_KINDS, waitsOf, type Wait, type WaitFacts } from '../src/http/waits.js';
import type { Round, RoundEvent } from '../src/round/round.js';
import { scheduleRound, step } from '../src/round/step.js';
import type { EnrolmentRequest, NodeRow, Publication, Review } from '../src/store/store.js';
import { FEDERATION_ID, SLOT_MS, START_MS, TEST_POLICY } from './consortium.js';

const QUIET: WaitFacts = {
  nowMs: START_MS + 10_000,
  policy: TEST_POLICY,
  paused: false,
  open: null,
  reviews: new Map(),
  publications: [],
  channelError: null,
  attestations: 2,
  attestMaxMs: 60_000,
  nodes: [],
  requests: [],
};

const SCHEDULED = scheduleRound(
  {
    id: { federationId: FEDERATION_ID, slotIndex: START_MS / SLOT_MS, attempt: 1 },
    policy: TEST_POLICY,
    planHash: '',
    layoutHash: '',
    baseModel: '',
    previousManifest: '',
    optimiserState: '',
    interval: { fromMs: 0, toMs: 1 },
    roster: ['H1', 'H2', 'H3'],
  },
  { atMs: START_MS, skip: null },
).round;

function play(...events: readonly RoundEvent[]): Round {
  return events.reduce((round, event) => {
    const { applied, round: next } = step(round, event);
    expect(applied, event.kind).toBe(true);
    return next;
  }, SCHEDULED);
}

const atMs = START_MS + 2_000;
const opens: RoundEvent = { kind: 'timer', name: 'open', armedForMs: START_MS + 1_000, atMs };
const ready = ['H1', 'H2', 'H3'].map((nodeId): RoundEvent => ({
  kind: 'node-ready',
  nodeId,
  atMs,
}));
const submission = (nodeId: string, kind: 'accepted' | 'quarantined'): RoundEvent => ({
  kind: 'submission',
  nodeId,
  envelope: nodeId,
  update: `update ${nodeId}`,
  verdict: { kind, reason: kind === 'accepted' ? '' : 'norm-envelope' },
  atMs,
});

function awaitedIn(round: Round, o: Partial<WaitFacts> = {}): readonly Wait[] {
  return waitsOf({ ...QUIET, ...o, open: { round, events: [submission('H3', 'quarantined')] } });
}
const publication = (state: Publication['state']): Publication => ({
  sequence: 1,
  key: null,
  model: 'a'.repeat(64),
  manifest: '',
  state,
  version: 1,
  detector: '',
  calibration: '',
  reason: '',
  tries: 0,
  dueAtMs: 0,
  proposedAtMs: START_MS,
});
const REQUEST = {
  requestId: 'r1',
  nodeId: 'H4',
  state: 'pending',
  createdAtMs: START_MS,
  expiresAtMs: START_MS + 86_400_000,
} as EnrolmentRequest;
const NEWCOMER = { nodeId: 'H4', mspId: 'H4MSP', state: 'active', admitted: false } as NodeRow;

const CASES: Readonly<Record<(typeof WAIT_KINDS)[number], readonly Wait[]>> = {
  'next-slot': waitsOf(QUIET),
  resume: waitsOf({ ...QUIET, paused: true }),
  opening: awaitedIn(SCHEDULED),
  'members-ready': awaitedIn(play(opens, ready[0]!)),
  quorum: awaitedIn(play(opens, ...ready, submission('H1', 'accepted'))),
  grace: awaitedIn(
    play(opens, ...ready, submission('H1', 'accepted'), submission('H2', 'accepted')),
  ),
  review: awaitedIn(play(opens, ...ready, submission('H3', 'quarantined'))),
  aggregate: awaitedIn(
    play(opens, ...ready, ...['H1', 'H2', 'H3'].map((id) => submission(id, 'accepted'))),
  ),
  manifest: awaitedIn(
    play(opens, ...ready, ...['H1', 'H2', 'H3'].map((id) => submission(id, 'accepted')), {
      kind: 'aggregated',
      resultModel: 'm',
      optimiserState: '',
      atMs,
    }),
  ),
  detector: waitsOf({ ...QUIET, publications: [publication('queued')] }),
  channel: waitsOf({ ...QUIET, publications: [publication('built')], channelError: 'no gateway' }),
  attestations: waitsOf({ ...QUIET, publications: [publication('proposed')] }),
  enrolment: waitsOf({ ...QUIET, requests: [REQUEST] }),
  admission: waitsOf({ ...QUIET, nodes: [NEWCOMER] }),
};

describe('waits', () => {
  it.each(WAIT_KINDS)('%s: says what, from whom and what then', (kind) => {
    const found = CASES[kind].find((each) => each.kind === kind);
    expect(found).toBeDefined();
    expect(found!.awaited).not.toBe('');
    expect(found!.from.length).toBeGreaterThan(0);
    expect(found!.then).not.toBe('');
  });

  it('names those who are awaited, and the deadline of the round', () => {
    expect(CASES['members-ready'][0]).toMatchObject({
      from: ['H2', 'H3'],
      untilMs: atMs + TEST_POLICY.gatherMaxMs,
      then: 'the slot is skipped',
    });
    expect(CASES.grace[0]).toMatchObject({ from: ['H3'], untilMs: atMs + TEST_POLICY.graceMs });
  });

  it('says whose word is missing on a quarantined update', () => {
    const round = play(opens, ...ready, submission('H3', 'quarantined'));
    const reviews = new Map([['H3', [{ mspId: 'H1MSP' } as Review]]]);
    const found = awaitedIn(round, { reviews }).find((each) => each.kind === 'review');
    expect(found).toMatchObject({
      about: 'H3',
      from: ['another hospital than H1MSP'],
      sinceMs: atMs,
      untilMs: round.timers.deadline,
    });
  });

  it('names each wait apart and puts the nearest deadline first', () => {
    const waits = waitsOf({
      ...QUIET,
      publications: [publication('built'), publication('proposed')],
      nodes: [NEWCOMER],
      requests: [REQUEST],
    });
    expect(waits.map((each) => each.kind)).toEqual([
      'next-slot',
      'attestations',
      'enrolment',
      'channel',
      'admission',
    ]);
    expect(new Set(waits.map((each) => `${each.kind} ${each.about}`)).size).toBe(waits.length);
  });

  it('says nothing of a request that has lapsed', () => {
    const nowMs = REQUEST.expiresAtMs + 1;
    const kinds = waitsOf({ ...QUIET, nowMs, requests: [REQUEST] }).map((each) => each.kind);
    expect(kinds).toEqual(['next-slot']);
  });
});

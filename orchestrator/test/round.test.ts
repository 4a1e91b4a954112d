/** The table of the design document, row by row. */
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../src/metrics.js';
import type { Member, Round, RoundEvent, Transition } from '../src/round/round.js';
import { scheduleRound, step, type RoundFacts } from '../src/round/step.js';
import { FEDERATION_ID, SLOT_MS, START_MS, TEST_POLICY } from './consortium.js';

const DIGEST = 'a'.repeat(64);
const FACTS: RoundFacts = {
  id: { federationId: FEDERATION_ID, slotIndex: START_MS / SLOT_MS, attempt: 1 },
  policy: TEST_POLICY,
  planHash: DIGEST,
  layoutHash: DIGEST,
  baseModel: DIGEST,
  previousManifest: '',
  optimiserState: '',
  interval: { fromMs: START_MS - SLOT_MS, toMs: START_MS },
  roster: ['H1', 'H2', 'H3'],
};

function scheduled(): Round {
  return scheduleRound(FACTS, { atMs: START_MS, skip: null }).round;
}

function play(round: Round, ...events: readonly RoundEvent[]): Transition {
  let transition: Transition = { round, effects: [], applied: true };
  for (const event of events) transition = step(transition.round, event);
  return transition;
}

const timer = (
  name: 'open' | 'gather' | 'grace' | 'deadline' | 'seal',
  atMs: number,
): RoundEvent => ({
  kind: 'timer',
  name,
  armedForMs: atMs,
  atMs,
});
const ready = (nodeId: string, atMs = START_MS + 2_000): RoundEvent => ({
  kind: 'node-ready',
  nodeId,
  atMs,
});
const submission = (
  nodeId: string,
  o: { atMs?: number; update?: string; kind?: 'accepted' | 'quarantined' | 'rejected' } = {},
): RoundEvent => ({
  kind: 'submission',
  nodeId,
  envelope: `envelope ${nodeId}`,
  update: o.update ?? `update ${nodeId}`,
  verdict: { kind: o.kind ?? 'accepted', reason: o.kind === undefined ? '' : 'norm-envelope' },
  atMs: o.atMs ?? START_MS + 4_000,
});
/** The gauge, after the round has told its metrics. */
async function quarantinedBy(...rounds: readonly Round[]): Promise<number | undefined> {
  const { observer, registry } = createMetrics();
  for (const round of rounds) observer.changed?.(round);
  const { values } = await registry.getSingleMetric('federation_quarantined_updates')!.get();
  return values[0]?.value;
}
const OPEN_MS = START_MS + TEST_POLICY.openDelayMs;
const COLLECT_MS = START_MS + 2_000;
const DEADLINE_MS = COLLECT_MS + TEST_POLICY.collectMaxMs;
const collecting = (): Round =>
  play(scheduled(), timer('open', OPEN_MS), ready('H1'), ready('H2'), ready('H3')).round;
const statesOf = (round: Round): string[] =>
  Object.values(round.members).map((member: Member) => member.state);

describe('a round', () => {
  it('is scheduled with the timer that opens it', () => {
    expect(scheduled()).toMatchObject({ phase: 'scheduled', timers: { open: OPEN_MS } });
  });

  it('may be put on record as skipped', () => {
    const { round } = scheduleRound(FACTS, { atMs: START_MS, skip: 'backlog' });
    expect(round).toMatchObject({ phase: 'skipped', outcome: 'backlog', timers: {} });
  });

  it('gathers when its time has come', () => {
    const { round } = play(scheduled(), timer('open', OPEN_MS));
    expect(round).toMatchObject({
      phase: 'gathering',
      timers: { gather: OPEN_MS + TEST_POLICY.gatherMaxMs },
    });
  });

  it('collects as soon as the whole roster is ready', () => {
    const round = collecting();
    expect(round).toMatchObject({ phase: 'collecting', timers: { deadline: DEADLINE_MS } });
    expect(statesOf(round)).toEqual(['expected', 'expected', 'expected']);
  });

  it('collects at the timer if the quorum is ready; the late one may still join', () => {
    const gather = OPEN_MS + TEST_POLICY.gatherMaxMs;
    const { round } = play(
      scheduled(),
      timer('open', OPEN_MS),
      ready('H1'),
      ready('H2'),
      timer('gather', gather),
    );
    expect(round.phase).toBe('collecting');
    expect(Object.keys(round.members)).toEqual(['H1', 'H2', 'H3']);
  });

  it('is skipped at the timer if the quorum is not ready', () => {
    const { round, effects } = play(
      scheduled(),
      timer('open', OPEN_MS),
      ready('H1'),
      timer('gather', OPEN_MS + TEST_POLICY.gatherMaxMs),
    );
    expect(round).toMatchObject({ phase: 'skipped', outcome: 'cohort-below-quorum' });
    expect(effects).toEqual([{ kind: 'alert', about: 'cohort-below-quorum' }]);
  });

  it('starts the grace window when the quorum is met', () => {
    const { round } = play(collecting(), submission('H1'), submission('H2'));
    expect(round).toMatchObject({
      phase: 'collecting',
      quorumReachedAtMs: START_MS + 4_000,
      timers: { grace: START_MS + 4_000 + TEST_POLICY.graceMs, deadline: DEADLINE_MS },
    });
  });

  it('never lets the grace window pass the deadline', () => {
    const late = DEADLINE_MS - 1_000;
    const { round } = play(collecting(), submission('H1'), submission('H2', { atMs: late }));
    expect(round.timers.grace).toBe(DEADLINE_MS);
  });

  it('aggregates when everybody is settled', () => {
    const { round, effects } = play(collecting(), submission('H2'), submission('H1'), {
      kind: 'node-declined',
      nodeId: 'H3',
      reason: 'budget',
      atMs: START_MS + 5_000,
    });
    expect(round).toMatchObject({ phase: 'aggregating', closedAtMs: START_MS + 5_000 });
    expect(effects).toEqual([{ kind: 'aggregate' }]);
  });

  it('aggregates at the end of the grace window and names who is missing', () => {
    const grace = START_MS + 4_000 + TEST_POLICY.graceMs;
    const { round } = play(collecting(), submission('H1'), submission('H2'), timer('grace', grace));
    expect(round.phase).toBe('aggregating');
    expect(statesOf(round)).toEqual(['accepted', 'accepted', 'missing']);
  });

  it('aborts at the deadline without a quorum', () => {
    const { round } = play(collecting(), submission('H1'), timer('deadline', DEADLINE_MS));
    expect(round).toMatchObject({ phase: 'aborted', outcome: 'quorum-not-reached' });
    expect(statesOf(round)).toEqual(['accepted', 'missing', 'missing']);
  });

  it('waits for the review of a quarantined update, and counts it when two people release it', async () => {
    const before = play(
      collecting(),
      submission('H1'),
      submission('H2', { kind: 'quarantined' }),
      submission('H3', { kind: 'rejected' }),
    ).round;
    expect(before.phase).toBe('collecting');
    const review = (reviewers: string[]): RoundEvent => ({
      kind: 'review',
      nodeId: 'H2',
      disposition: 'release',
      reviewers,
      atMs: START_MS + 6_000,
    });
    expect(step(before, review(['ana', 'ana'])).applied).toBe(false);
    const after = step(before, review(['ana', 'ben'])).round;
    expect(after.phase).toBe('aggregating');
    expect(await quarantinedBy(before)).toBe(1);
    expect(await quarantinedBy(before, after)).toBe(0);
  });

  it('quarantines both of two equal updates, whichever came first', async () => {
    const { round } = play(
      collecting(),
      submission('H1', { update: 'same' }),
      submission('H3'),
      submission('H2', { update: 'same' }),
    );
    expect(round.members).toMatchObject({
      H1: { state: 'quarantined', reason: 'duplicate' },
      H2: { state: 'quarantined', reason: 'duplicate' },
      H3: { state: 'accepted' },
    });
    expect(await quarantinedBy(round)).toBe(2);
    // The quorum is not there any more, so its grace window is over too.
    expect(round.timers).toEqual({ deadline: DEADLINE_MS });
    expect(round.quorumReachedAtMs).toBeNull();
  });

  it('takes a revoked node out of the set and disarms the grace window', () => {
    const { round } = play(collecting(), submission('H1'), submission('H2'), {
      kind: 'node-revoked',
      nodeId: 'H2',
      atMs: START_MS + 5_000,
    });
    expect(round.members['H2']).toMatchObject({ state: 'rejected', reason: 'revoked' });
    expect(round.timers).toEqual({ deadline: DEADLINE_MS });
  });

  it('keeps the first update of a node', () => {
    const once = play(collecting(), submission('H1')).round;
    const twice = step(once, submission('H1', { update: 'other' }));
    expect(twice).toMatchObject({ applied: false, round: once });
  });

  const aggregating = (): Round =>
    play(collecting(), submission('H1'), submission('H2'), submission('H3')).round;

  it('seals after the result and the signature', () => {
    const sealing = step(aggregating(), {
      kind: 'aggregated',
      resultModel: 'r',
      optimiserState: '',
      atMs: DEADLINE_MS,
    });
    expect(sealing).toMatchObject({
      round: { phase: 'sealing', resultModel: 'r' },
      effects: [{ kind: 'sign-manifest' }],
    });
    const sealed = step(sealing.round, {
      kind: 'manifest-signed',
      manifest: 'm',
      atMs: DEADLINE_MS,
    });
    expect(sealed).toMatchObject({
      round: { phase: 'sealed', manifest: 'm', timers: {}, outcome: null },
      effects: [{ kind: 'enqueue-publication' }],
    });
  });

  it('aborts when the aggregation fails, since it would fail again', () => {
    const { round } = step(aggregating(), {
      kind: 'aggregate-failed',
      reason: 'model-range',
      atMs: DEADLINE_MS,
    });
    expect(round).toMatchObject({ phase: 'aborted', outcome: 'model-range' });
  });

  it('aborts when what the manifest says of the updates cannot be read again', () => {
    const averaged = { kind: 'aggregated', resultModel: 'r', optimiserState: '' } as const;
    const sealing = step(aggregating(), { ...averaged, atMs: DEADLINE_MS }).round;
    const { round } = step(sealing, {
      kind: 'aggregate-failed',
      reason: 'aggregate-failed',
      atMs: DEADLINE_MS,
    });
    expect(round).toMatchObject({ phase: 'aborted', outcome: 'aggregate-failed', timers: {} });
  });

  it('raises an alert and stays when sealing takes too long', () => {
    const round = aggregating();
    const late = step(round, timer('seal', round.timers.seal!));
    expect(late).toMatchObject({
      round: { phase: 'aggregating' },
      effects: [{ kind: 'alert', about: 'seal-overdue' }],
    });
  });

  it('is aborted by two people, not by one, and not after the end', () => {
    const abort = (by: string[]): RoundEvent => ({ kind: 'abort', by, atMs: DEADLINE_MS });
    expect(step(collecting(), abort(['ana'])).applied).toBe(false);
    const aborted = step(collecting(), abort(['ana', 'ben']));
    expect(aborted.round).toMatchObject({ phase: 'aborted', outcome: 'admin' });
    expect(step(aborted.round, abort(['ana', 'ben'])).applied).toBe(false);
  });

  it('ignores a timer that was armed for another time', () => {
    expect(step(collecting(), timer('deadline', DEADLINE_MS + 1)).applied).toBe(false);
  });
});

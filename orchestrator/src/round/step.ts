/**
 * The round as a pure function of (round, event). Timers and sockets call it; they do not think.
 * Design: federation §2.3; the table there is the table of the tests.
 * @module
 */
import type { Interval, RoundId } from '../protocol/identifiers.js';
import type { Verdict } from '../protocol/receipt.js';
import { slotStartMs } from './calendar.js';
import { policyHash, type RoundPolicy } from './policy.js';
import {
  isSettled,
  nodesIn,
  type AbortReason,
  type Effect,
  type Member,
  type Round,
  type RoundEvent,
  type SkipReason,
  type TimerName,
  type Transition,
} from './round.js';

const EXPECTED: Member = { state: 'expected', reason: '', envelope: '', update: '' };

/** Facts that a round is frozen with when its slot is due. */
export interface RoundFacts {
  readonly id: RoundId;
  readonly policy: RoundPolicy;
  readonly planHash: string;
  readonly layoutHash: string;
  readonly baseModel: string;
  readonly previousManifest: string;
  readonly optimiserState: string;
  readonly interval: Interval;
  /** Active, not revoked members of a supported protocol level. */
  readonly roster: readonly string[];
}

/**
 * A slot is due. With `skip` the round is put on record as skipped, so that the slot never runs.
 */
export function scheduleRound(
  facts: RoundFacts,
  o: Readonly<{ atMs: number; skip: SkipReason | null }>,
): Transition {
  const opensAtMs = Math.max(
    o.atMs,
    slotStartMs(facts.id.slotIndex, facts.policy.slotLengthMs) + facts.policy.openDelayMs,
  );
  const round: Round = {
    id: facts.id,
    phase: o.skip === null ? 'scheduled' : 'skipped',
    policy: facts.policy,
    policyHash: policyHash(facts.policy),
    planHash: facts.planHash,
    layoutHash: facts.layoutHash,
    baseModel: facts.baseModel,
    previousManifest: facts.previousManifest,
    optimiserState: facts.optimiserState,
    interval: facts.interval,
    members: Object.fromEntries(facts.roster.map((nodeId) => [nodeId, EXPECTED])),
    timers: o.skip === null ? { open: opensAtMs } : {},
    scheduledAtMs: o.atMs,
    openedAtMs: null,
    collectingAtMs: null,
    quorumReachedAtMs: null,
    closedAtMs: null,
    endedAtMs: o.skip === null ? null : o.atMs,
    outcome: o.skip,
    resultModel: '',
    resultOptimiserState: '',
    manifest: '',
  };
  return { round, effects: [], applied: true };
}

/** Total: an event that does not fit the phase changes nothing and says so. */
export function step(round: Round, event: RoundEvent): Transition {
  if (event.kind === 'timer' && round.timers[event.name] !== event.armedForMs) return ignore(round);
  if (event.kind === 'abort') return abortByPeople(round, event.by, event.atMs);
  switch (round.phase) {
    case 'scheduled':
      return inScheduled(round, event);
    case 'gathering':
      return inGathering(round, event);
    case 'collecting':
      return inCollecting(round, event);
    case 'aggregating':
      return inAggregating(round, event);
    case 'sealing':
      return inSealing(round, event);
    case 'sealed':
    case 'skipped':
    case 'aborted':
      return ignore(round);
  }
}

function inScheduled(round: Round, event: RoundEvent): Transition {
  if (event.kind === 'node-revoked') return revokeBeforeCollecting(round, event.nodeId);
  if (event.kind !== 'timer' || event.name !== 'open') return ignore(round);
  return apply({
    ...disarm(round, 'open'),
    phase: 'gathering',
    openedAtMs: event.atMs,
    timers: { gather: event.atMs + round.policy.gatherMaxMs },
  });
}

function inGathering(round: Round, event: RoundEvent): Transition {
  switch (event.kind) {
    case 'node-ready':
      return setWhen(round, event.nodeId, ['expected'], { state: 'ready' }, (next) =>
        whenWholeRosterReady(next, event.atMs),
      );
    case 'node-declined':
      return setWhen(
        round,
        event.nodeId,
        ['expected', 'ready'],
        { state: 'declined', reason: event.reason },
        (next) => whenWholeRosterReady(next, event.atMs),
      );
    case 'node-revoked': {
      const revoked = revokeBeforeCollecting(round, event.nodeId);
      return revoked.applied ? whenWholeRosterReady(revoked.round, event.atMs) : revoked;
    }
    case 'timer':
      return nodesIn(round, 'ready').length >= round.policy.quorum
        ? startCollecting(round, event.atMs)
        : end(round, 'skipped', 'cohort-below-quorum', event.atMs);
    default:
      return ignore(round);
  }
}

function whenWholeRosterReady(round: Round, atMs: number): Transition {
  const waiting = nodesIn(round, 'expected').length;
  const ready = nodesIn(round, 'ready').length;
  return waiting === 0 && ready >= round.policy.quorum
    ? startCollecting(round, atMs)
    : apply(round);
}

/** Freezes the cohort: whoever declined or was revoked stays in it as such; the late may still join. */
function startCollecting(round: Round, atMs: number): Transition {
  const members = mapMembers(round, (member) => (member.state === 'ready' ? EXPECTED : member));
  return apply({
    ...round,
    phase: 'collecting',
    members,
    collectingAtMs: atMs,
    timers: { deadline: atMs + round.policy.collectMaxMs },
  });
}

function inCollecting(round: Round, event: RoundEvent): Transition {
  const { atMs } = event;
  switch (event.kind) {
    case 'node-phase':
      return setWhen(round, event.nodeId, ['expected', 'training', 'uploading'], {
        state: event.phase,
      });
    case 'node-declined':
      return setWhen(
        round,
        event.nodeId,
        ['expected', 'training', 'uploading'],
        { state: 'declined', reason: event.reason },
        (next) => settle(next, atMs),
      );
    case 'submission':
      return setWhen(
        round,
        event.nodeId,
        ['expected', 'training', 'uploading'],
        submitted(round, event.update, event.envelope, event.verdict),
        (next) => settle(quarantineCopies(next, event.nodeId), atMs),
      );
    case 'review':
      if (new Set(event.reviewers).size < 2) return ignore(round);
      return setWhen(
        round,
        event.nodeId,
        ['quarantined'],
        event.disposition === 'release'
          ? { state: 'accepted', reason: '' }
          : { state: 'rejected', reason: 'discarded' },
        (next) => settle(next, atMs),
      );
    case 'node-revoked':
      return setWhen(
        round,
        event.nodeId,
        ['expected', 'training', 'uploading', 'accepted', 'quarantined', 'declined'],
        { state: 'rejected', reason: 'revoked' },
        (next) => settle(next, atMs),
      );
    case 'timer':
      return acceptedCount(round) >= round.policy.quorum
        ? startAggregating(round, atMs)
        : quorumMissed(round, atMs);
    default:
      return ignore(round);
  }
}

function submitted(
  round: Round,
  update: string,
  envelope: string,
  verdict: Verdict,
): Partial<Member> {
  const copied = Object.values(round.members).some((member) => member.update === update);
  return verdict.kind === 'accepted' && copied
    ? { state: 'quarantined', reason: 'duplicate', envelope, update }
    : { state: verdict.kind, reason: verdict.reason, envelope, update };
}

/** Noise makes equal bytes of two nodes impossible: neither is trusted, whichever came first. */
function quarantineCopies(round: Round, nodeId: string): Round {
  const { update } = round.members[nodeId]!;
  return {
    ...round,
    members: mapMembers(round, (member, other) =>
      other !== nodeId && member.update === update && member.state === 'accepted'
        ? { ...member, state: 'quarantined', reason: 'duplicate' }
        : member,
    ),
  };
}

/** After a change among the members: is the quorum there, is everybody done? */
function settle(round: Round, atMs: number): Transition {
  const members = Object.values(round.members);
  const enough = acceptedCount(round) >= round.policy.quorum;
  const done = members.every((member) => isSettled(member) && member.state !== 'quarantined');
  if (done) return enough ? startAggregating(round, atMs) : quorumMissed(round, atMs);
  if (!enough) return apply({ ...disarm(round, 'grace'), quorumReachedAtMs: null });
  if (round.timers.grace !== undefined) return apply(round);
  const graceMs = Math.min(atMs + round.policy.graceMs, round.timers.deadline ?? atMs);
  return apply({
    ...round,
    quorumReachedAtMs: atMs,
    timers: { ...round.timers, grace: graceMs },
  });
}

function startAggregating(round: Round, atMs: number): Transition {
  const members = mapMembers(round, (member) =>
    isSettled(member) ? member : { ...member, state: 'missing' },
  );
  return apply(
    {
      ...round,
      phase: 'aggregating',
      members,
      quorumReachedAtMs: round.quorumReachedAtMs ?? atMs,
      closedAtMs: atMs,
      timers: { seal: atMs + round.policy.sealMaxMs },
    },
    { kind: 'aggregate' },
  );
}

function quorumMissed(round: Round, atMs: number): Transition {
  const members = mapMembers(round, (member) =>
    isSettled(member) ? member : { ...member, state: 'missing' },
  );
  return end({ ...round, members }, 'aborted', 'quorum-not-reached', atMs);
}

function inAggregating(round: Round, event: RoundEvent): Transition {
  switch (event.kind) {
    case 'aggregated':
      return apply(
        {
          ...round,
          phase: 'sealing',
          resultModel: event.resultModel,
          resultOptimiserState: event.optimiserState,
        },
        { kind: 'sign-manifest' },
      );
    case 'aggregate-failed':
      return end(round, 'aborted', event.reason, event.atMs);
    case 'timer':
      return overdue(round, event.name);
    default:
      return ignore(round);
  }
}

function inSealing(round: Round, event: RoundEvent): Transition {
  switch (event.kind) {
    case 'manifest-signed':
      return apply(
        {
          ...round,
          phase: 'sealed',
          manifest: event.manifest,
          endedAtMs: event.atMs,
          timers: {},
        },
        { kind: 'enqueue-publication' },
      );
    case 'aggregate-failed':
      // The manifest is derived from the updates as well; after a restart they are read again.
      return end(round, 'aborted', event.reason, event.atMs);
    case 'timer':
      return overdue(round, event.name);
    default:
      return ignore(round);
  }
}

function overdue(round: Round, name: TimerName): Transition {
  return apply(disarm(round, name), { kind: 'alert', about: 'seal-overdue' });
}

function abortByPeople(round: Round, by: readonly string[], atMs: number): Transition {
  const final = round.phase === 'sealed' || round.phase === 'skipped' || round.phase === 'aborted';
  if (final || new Set(by).size < 2) return ignore(round);
  return end(round, 'aborted', 'admin', atMs);
}

function end(
  round: Round,
  phase: 'skipped' | 'aborted',
  outcome: SkipReason | AbortReason,
  atMs: number,
): Transition {
  return apply(
    { ...round, phase, outcome, endedAtMs: atMs, timers: {} },
    { kind: 'alert', about: outcome },
  );
}

function revokeBeforeCollecting(round: Round, nodeId: string): Transition {
  return setWhen(round, nodeId, ['expected', 'ready', 'declined'], {
    state: 'rejected',
    reason: 'revoked',
  });
}

function acceptedCount(round: Round): number {
  return Object.values(round.members).filter((member) => member.state === 'accepted').length;
}

/** Changes one member if it is in one of `states`, then goes on with `then`. */
function setWhen(
  round: Round,
  nodeId: string,
  states: readonly Member['state'][],
  change: Partial<Member>,
  then: (round: Round) => Transition = apply,
): Transition {
  const member = Object.hasOwn(round.members, nodeId) ? round.members[nodeId] : undefined;
  if (member === undefined || !states.includes(member.state)) return ignore(round);
  return then({ ...round, members: { ...round.members, [nodeId]: { ...member, ...change } } });
}

function mapMembers(
  round: Round,
  change: (member: Member, nodeId: string) => Member,
): Readonly<Record<string, Member>> {
  return Object.fromEntries(
    Object.entries(round.members).map(([nodeId, member]) => [nodeId, change(member, nodeId)]),
  );
}

function disarm(round: Round, name: TimerName): Round {
  const armed = Object.entries(round.timers).filter(([each]) => each !== name);
  return { ...round, timers: Object.fromEntries(armed) };
}

function apply(round: Round, ...effects: readonly Effect[]): Transition {
  return { round, effects, applied: true };
}

function ignore(round: Round): Transition {
  return { round, effects: [], applied: false };
}

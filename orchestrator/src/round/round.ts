/**
 * A round as it is stored: plain data, no methods. Design: federation §2.2.
 * @module
 */
import { compareNodeIds, type Interval, type RoundId } from '../protocol/identifiers.js';
import type { Verdict } from '../protocol/receipt.js';
import type { RoundPolicy } from './policy.js';

export type Phase =
  | 'scheduled'
  | 'gathering'
  | 'collecting'
  | 'aggregating'
  | 'sealing'
  | 'sealed'
  | 'skipped'
  | 'aborted';

export const FINAL_PHASES: readonly Phase[] = ['sealed', 'skipped', 'aborted'];

export type SkipReason =
  'cohort-below-quorum' | 'paused' | 'quiet-hours' | 'backlog' | 'missed' | 'clock';
export type AbortReason = 'quorum-not-reached' | 'aggregate-failed' | 'model-range' | 'admin';

export type MemberState =
  | 'expected'
  | 'ready'
  | 'training'
  | 'uploading'
  | 'accepted'
  | 'quarantined'
  | 'rejected'
  | 'declined'
  | 'missing';

export interface Member {
  readonly state: MemberState;
  /** Why it was quarantined or rejected, or why it declined; empty otherwise. */
  readonly reason: string;
  /** Digests of what it handed in; empty before. */
  readonly envelope: string;
  readonly update: string;
}

export type TimerName = 'open' | 'gather' | 'grace' | 'deadline' | 'seal';

export interface Round {
  readonly id: RoundId;
  readonly phase: Phase;
  readonly policy: RoundPolicy;
  readonly policyHash: string;
  readonly planHash: string;
  readonly layoutHash: string;
  readonly baseModel: string;
  /** Manifest of the round that sealed the base model; empty for the first. */
  readonly previousManifest: string;
  /** What the server optimiser takes up from the base model; empty if it starts afresh or carries nothing. */
  readonly optimiserState: string;
  readonly interval: Interval;
  /** By node id. Until collecting starts these are the roster, from then on the frozen cohort. */
  readonly members: Readonly<Record<string, Member>>;
  /** Armed timers: when each is due. */
  readonly timers: Readonly<Partial<Record<TimerName, number>>>;
  readonly scheduledAtMs: number;
  readonly openedAtMs: number | null;
  readonly collectingAtMs: number | null;
  readonly quorumReachedAtMs: number | null;
  readonly closedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly outcome: SkipReason | AbortReason | null;
  readonly resultModel: string;
  readonly resultOptimiserState: string;
  readonly manifest: string;
}

export type RoundEvent = Readonly<{ atMs: number }> &
  (
    | Readonly<{ kind: 'timer'; name: TimerName; armedForMs: number }>
    | Readonly<{ kind: 'node-ready' | 'node-revoked'; nodeId: string }>
    | Readonly<{ kind: 'node-phase'; nodeId: string; phase: 'training' | 'uploading' }>
    | Readonly<{ kind: 'node-declined'; nodeId: string; reason: string }>
    | Readonly<{
        kind: 'submission';
        nodeId: string;
        envelope: string;
        update: string;
        verdict: Verdict;
      }>
    | Readonly<{
        kind: 'review';
        nodeId: string;
        disposition: 'release' | 'discard';
        reviewers: readonly string[];
      }>
    | Readonly<{ kind: 'aggregated'; resultModel: string; optimiserState: string }>
    | Readonly<{ kind: 'aggregate-failed'; reason: 'aggregate-failed' | 'model-range' }>
    | Readonly<{ kind: 'manifest-signed'; manifest: string }>
    | Readonly<{ kind: 'abort'; by: readonly string[] }>
  );

/** What the world has to do after a transition was stored. Timers are facts of the round, not effects. */
export type Effect =
  | Readonly<{ kind: 'aggregate' }>
  | Readonly<{ kind: 'sign-manifest' }>
  | Readonly<{ kind: 'enqueue-publication' }>
  | Readonly<{ kind: 'alert'; about: string }>;

export interface Transition {
  readonly round: Round;
  readonly effects: readonly Effect[];
  /** False if the event did not fit the phase: nothing changed, and the caller counts it. */
  readonly applied: boolean;
}

const SETTLED: readonly MemberState[] = [
  'accepted',
  'quarantined',
  'rejected',
  'declined',
  'missing',
];

export function isFinal(round: Round): boolean {
  return FINAL_PHASES.includes(round.phase);
}

export function isSettled(member: Member): boolean {
  return SETTLED.includes(member.state);
}

/** Node ids in the canonical order: as UTF-8 bytes, ascending. */
export function nodesIn(round: Round, ...states: readonly MemberState[]): string[] {
  return Object.keys(round.members)
    .filter((nodeId) => states.includes(round.members[nodeId]!.state))
    .sort(compareNodeIds);
}

/**
 * Everything that the federation may be waiting for, from a closed table: what is awaited, from whom, since when, until
 * when, and what happens then. Pure; the sentences are what people read. Design: experience §5.
 * @module
 */
import { slotStartMs } from '../round/calendar.js';
import { nodesIn, type Round, type RoundEvent } from '../round/round.js';
import type { RoundPolicy } from '../round/policy.js';
import type { EnrolmentRequest, NodeRow, Publication, Review } from '../store/store.js';

export const WAIT_KINDS = [
  'next-slot',
  'resume',
  'opening',
  'members-ready',
  'quorum',
  'grace',
  'review',
  'aggregate',
  'manifest',
  'detector',
  'channel',
  'attestations',
  'enrolment',
  'admission',
] as const;
export type WaitKind = (typeof WAIT_KINDS)[number];

export interface Wait {
  readonly kind: WaitKind;
  /** Node, model or slot that it is about; with `kind` it names the wait. */
  readonly about: string;
  /** What is awaited, a noun phrase. */
  readonly awaited: string;
  /** From whom: nodes, hospitals or an office. */
  readonly from: readonly string[];
  /** Null where nothing that is stored says it. */
  readonly sinceMs: number | null;
  /** Null for a wait without a deadline. */
  readonly untilMs: number | null;
  /** What happens then. */
  readonly then: string;
}

export interface WaitFacts {
  readonly nowMs: number;
  readonly policy: RoundPolicy;
  readonly paused: boolean;
  readonly open: Readonly<{ round: Round; events: readonly RoundEvent[] }> | null;
  /** Reviews of the updates in quarantine, by node. */
  readonly reviews: ReadonlyMap<string, readonly Review[]>;
  /** Those that are not at their end. */
  readonly publications: readonly Publication[];
  /** Why the channel did not take the last transaction; null if it did. */
  readonly channelError: string | null;
  readonly attestations: number;
  readonly attestMaxMs: number;
  readonly nodes: readonly NodeRow[];
  readonly requests: readonly EnrolmentRequest[];
}

/** Later than any deadline. */
const LAST = Number.MAX_SAFE_INTEGER;

/** The most urgent first: those with the nearest deadline, then those without one. */
export function waitsOf(facts: WaitFacts): readonly Wait[] {
  const waits = [
    ...roundWaits(facts),
    ...reviewWaits(facts),
    ...publicationWaits(facts),
    ...memberWaits(facts),
  ];
  return waits.toSorted((a, b) => (a.untilMs ?? LAST) - (b.untilMs ?? LAST));
}

function roundWaits(facts: WaitFacts): readonly Wait[] {
  const { open, policy, nowMs } = facts;
  if (open === null) return [facts.paused ? RESUME : nextSlot(nowMs, policy)];
  const { round } = open;
  const { timers } = round;
  const { quorum } = round.policy;
  switch (round.phase) {
    case 'scheduled':
      return [
        {
          kind: 'opening',
          about: String(round.id.slotIndex),
          awaited: 'late lines of the access logs',
          from: Object.keys(round.members),
          sinceMs: round.scheduledAtMs,
          untilMs: timers.open ?? null,
          then: 'the round gathers its members',
        },
      ];
    case 'gathering':
      return [
        {
          kind: 'members-ready',
          about: String(round.id.slotIndex),
          awaited: `members that say they are ready: ${nodesIn(round, 'ready').length} of ${Object.keys(round.members).length} are, ${quorum} are needed`,
          from: nodesIn(round, 'expected'),
          sinceMs: round.openedAtMs,
          untilMs: timers.gather ?? null,
          then:
            nodesIn(round, 'ready').length >= quorum
              ? 'collecting starts with those that are ready; the others may still join'
              : 'the slot is skipped',
        },
      ];
    case 'collecting':
      return [collecting(round)];
    case 'aggregating':
    case 'sealing':
      return [
        {
          kind: round.phase === 'aggregating' ? 'aggregate' : 'manifest',
          about: String(round.id.slotIndex),
          awaited: round.phase === 'aggregating' ? 'the average' : 'the signed manifest',
          from: ['this orchestrator'],
          sinceMs: round.closedAtMs,
          untilMs: timers.seal ?? null,
          then: 'an alert is raised; the round goes on',
        },
      ];
    case 'sealed':
    case 'skipped':
    case 'aborted':
      return [];
  }
}

function collecting(round: Round): Wait {
  const { timers, policy } = round;
  const accepted = nodesIn(round, 'accepted').length;
  const from = nodesIn(round, 'expected', 'training', 'uploading');
  if (timers.grace !== undefined) {
    return {
      kind: 'grace',
      about: String(round.id.slotIndex),
      awaited: `updates of the others; ${accepted} are accepted, the quorum of ${policy.quorum} is met`,
      from,
      sinceMs: round.quorumReachedAtMs,
      untilMs: timers.grace,
      then: 'the average is made without those that are missing',
    };
  }
  return {
    kind: 'quorum',
    about: String(round.id.slotIndex),
    awaited: `updates: ${accepted} of the ${policy.quorum} that are needed are accepted`,
    from,
    sinceMs: round.collectingAtMs,
    untilMs: timers.deadline ?? null,
    then: 'the round is aborted and the model stays as it is',
  };
}

const RESUME: Wait = {
  kind: 'resume',
  about: '',
  awaited: 'an operator who resumes the rounds',
  from: ['operators'],
  sinceMs: null,
  untilMs: null,
  then: 'until then every slot is skipped',
};

function nextSlot(nowMs: number, policy: RoundPolicy): Wait {
  const slot = Math.floor(nowMs / policy.slotLengthMs);
  return {
    kind: 'next-slot',
    about: String(slot + 1),
    awaited: 'the next slot',
    from: ['the calendar'],
    sinceMs: slotStartMs(slot, policy.slotLengthMs),
    untilMs: slotStartMs(slot + 1, policy.slotLengthMs),
    then: 'a round is scheduled',
  };
}

function reviewWaits({ open, reviews }: WaitFacts): readonly Wait[] {
  if (open?.round.phase !== 'collecting') return [];
  const { round, events } = open;
  return nodesIn(round, 'quarantined').map((nodeId) => {
    const heard = [...new Set((reviews.get(nodeId) ?? []).map((each) => each.mspId))];
    return {
      kind: 'review',
      about: nodeId,
      awaited: `two people of two hospitals who agree on the update of ${nodeId} (${round.members[nodeId]!.reason})`,
      from: [
        heard.length === 0 ? 'any two hospitals' : `another hospital than ${heard.join(', ')}`,
      ],
      sinceMs:
        events.find((each) => each.kind === 'submission' && each.nodeId === nodeId)?.atMs ?? null,
      untilMs: round.timers.grace ?? round.timers.deadline ?? null,
      then: 'it is left out of the average',
    };
  });
}

function publicationWaits(facts: WaitFacts): readonly Wait[] {
  return facts.publications.map((each): Wait => {
    const model = `detector of model ${each.model.slice(0, 8)}…`;
    if (each.state === 'proposed') {
      return {
        kind: 'attestations',
        about: each.model,
        awaited: `${facts.attestations} attestations of ${model}, version ${each.version ?? 0}`,
        from: ['hospitals'],
        sinceMs: each.proposedAtMs,
        untilMs: each.proposedAtMs === null ? null : each.proposedAtMs + facts.attestMaxMs,
        then: 'it is refused and the version before stays active',
      };
    }
    if (each.state === 'built') {
      return {
        kind: 'channel',
        about: each.model,
        awaited: `a channel that takes the ${model}${facts.channelError === null ? '' : `; last answer: ${facts.channelError}`}`,
        from: ['the channel'],
        sinceMs: null,
        untilMs: null,
        then: `beyond a backlog of ${facts.policy.publicationBacklogMax} models slots are skipped`,
      };
    }
    return {
      kind: 'detector',
      about: each.model,
      awaited: `the ${model}, built and tried on the public canaries`,
      from: ['this orchestrator'],
      sinceMs: null,
      untilMs: null,
      then: 'it is proposed to the channel, or discarded',
    };
  });
}

function memberWaits({ nodes, requests, nowMs }: WaitFacts): readonly Wait[] {
  const asking = requests
    .filter((each) => each.state === 'pending' && each.expiresAtMs > nowMs)
    .map((each): Wait => ({
      kind: 'enrolment',
      about: each.requestId,
      awaited: `approval of ${each.nodeId}, after its fingerprint was compared by telephone`,
      from: ['operators'],
      sinceMs: each.createdAtMs,
      untilMs: each.expiresAtMs,
      then: 'the request lapses and the hospital needs a new invitation',
    }));
  const unknown = nodes
    .filter((each) => each.state === 'active' && !each.admitted)
    .map((each): Wait => ({
      kind: 'admission',
      about: each.nodeId,
      awaited: `the channel's word that ${each.mspId} is one of its hospitals`,
      from: ['the channel'],
      sinceMs: null,
      untilMs: null,
      then: `until then ${each.nodeId} trains, and its attestations do not count`,
    }));
  return [...asking, ...unknown];
}

/**
 * The decision table: facts in, disposition out, the first row that fits. Pure; no row looks at anything else.
 *
 * A throw leaves nothing behind on the ledger, so only a suspended actor is refused by one: the suspension itself is on the
 * ledger, and refusing without a trace keeps a stolen identity from flooding the channel. Everything else that must not run
 * is a committed quarantine record.
 * @module
 */
import type { QuarantineCause } from './quarantine-record.js';

/** θ = 0.87 in millionths. Operators choose α, never θ. */
export const SCORE_THRESHOLD = 870_000;

export interface CallFacts {
  readonly class: 'enforce' | 'break-glass' | 'shadow';
  readonly actorSuspended: boolean;
  /** A service account whose epoch nobody folded in time. */
  readonly epochOverdue: boolean;
  /** `unknown`: no such function. `malformed`: wrong number of arguments, or one that does not parse. */
  readonly call: 'understood' | 'malformed' | 'unknown';
  /** `none`: the call claims no release. `valid`: for exactly this actor and request, unused, unexpired. */
  readonly grant: 'none' | 'valid' | 'invalid';
  /** `unusable`: named by the pointer, but bytes, hashes or score cannot be trusted. */
  readonly detector: 'none' | 'shadow' | 'enforce' | 'unusable';
  /** Millionths; null when no detector judged. */
  readonly score: number | null;
}

export type Disposition =
  | { readonly kind: 'refused'; readonly code: 'ERR_ACTOR_SUSPENDED' }
  | { readonly kind: 'quarantined'; readonly cause: QuarantineCause }
  | { readonly kind: 'flagged' }
  | { readonly kind: 'allowed'; readonly because: AllowedBecause };

export type AllowedBecause = 'grant' | 'no-detector' | 'shadow' | 'score';

interface Row {
  readonly when: (facts: CallFacts) => boolean;
  readonly then: Disposition;
}

/** The table of README and of the tests, in order. */
export const DISPOSITION_TABLE: readonly Row[] = [
  { when: (f) => f.actorSuspended, then: { kind: 'refused', code: 'ERR_ACTOR_SUSPENDED' } },
  { when: (f) => f.call === 'unknown', then: { kind: 'quarantined', cause: 'unknown-function' } },
  { when: (f) => f.call === 'malformed', then: { kind: 'quarantined', cause: 'arity' } },
  { when: (f) => f.class === 'break-glass', then: { kind: 'flagged' } },
  { when: (f) => f.grant === 'valid', then: { kind: 'allowed', because: 'grant' } },
  { when: (f) => f.grant === 'invalid', then: { kind: 'quarantined', cause: 'grant-invalid' } },
  { when: (f) => f.epochOverdue, then: { kind: 'quarantined', cause: 'epoch-overdue' } },
  { when: (f) => f.detector === 'none', then: { kind: 'allowed', because: 'no-detector' } },
  {
    when: (f) => f.class === 'shadow' || f.detector === 'shadow',
    then: { kind: 'allowed', because: 'shadow' },
  },
  {
    when: (f) => f.detector === 'unusable' || f.score === null,
    then: { kind: 'quarantined', cause: 'detector-unusable' },
  },
  {
    when: (f) => f.score !== null && f.score >= SCORE_THRESHOLD,
    then: { kind: 'quarantined', cause: 'score' },
  },
];

const OTHERWISE: Disposition = { kind: 'allowed', because: 'score' };

export function disposition(facts: CallFacts): Disposition {
  return DISPOSITION_TABLE.find((row) => row.when(facts))?.then ?? OTHERWISE;
}

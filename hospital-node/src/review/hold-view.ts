/**
 * A hold as the API shows it: times as RFC 3339, and which steps this person could take. The list of steps serves the
 * screen only; who may really do what is decided by the ledger.
 * @module
 */
import type { HoldDetail, HoldStep, HoldSummary } from './review-store.js';
import type { Person } from './people.js';

export type StepName = 'claim' | 'unclaim' | 'propose' | 'approve' | 'return' | 'escalate';

export interface HoldView extends Omit<HoldSummary, 'deadlineMs' | 'atMs' | 'filedMs'> {
  readonly deadlineAt: string;
  readonly at: string;
  readonly filedAt: string;
  readonly mine: boolean;
  readonly can: readonly StepName[];
}

export interface HoldDetailView
  extends HoldView, Omit<HoldDetail, keyof HoldSummary | 'history' | 'grant'> {
  readonly grant: Readonly<{ expiresAt: string; usedBy: string | null }> | null;
  readonly history: readonly (Omit<HoldStep, 'atMs'> & { readonly at: string })[];
}

export function holdView(hold: HoldSummary, person: Person, nowMs: number): HoldView {
  const { deadlineMs, atMs, filedMs, ...rest } = hold;
  return {
    ...rest,
    deadlineAt: iso(deadlineMs),
    at: iso(atMs),
    filedAt: iso(filedMs),
    mine: hold.holder?.actorId === person.actor,
    can: stepsOf(hold, person, nowMs),
  };
}

export function holdDetailView(hold: HoldDetail, person: Person, nowMs: number): HoldDetailView {
  const { grant, history, ...rest } = hold;
  const { deadlineMs, atMs, filedMs, ...detail } = rest;
  return {
    ...detail,
    ...holdView(hold, person, nowMs),
    grant: grant === null ? null : { expiresAt: iso(grant.expiresMs), usedBy: grant.usedBy },
    history: history.map(({ atMs: stepMs, ...step }) => ({ ...step, at: iso(stepMs) })),
  };
}

function stepsOf(hold: HoldSummary, person: Person, nowMs: number): readonly StepName[] {
  const own = hold.mspId === person.mspId;
  const over: readonly StepName[] = nowMs > hold.deadlineMs ? ['escalate'] : [];
  switch (hold.state) {
    case 'open':
      return own ? ['claim', ...over] : over;
    case 'escalated':
      return own ? ['claim'] : [];
    case 'claimed':
      return hold.holder?.actorId === person.actor ? ['propose', 'unclaim', ...over] : over;
    case 'proposed':
      return hold.proposer?.actorId === person.actor ? over : ['approve', 'return', ...over];
    default:
      return [];
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

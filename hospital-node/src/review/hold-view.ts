/**
 * A hold as the API shows it: times as RFC 3339, and which steps this person could take. The list of steps serves the
 * screen only; who may really do what is decided by the ledger.
 * @module
 */
import { REVIEWERS } from '../http/rights.js';
import type { Hold, HoldDetail as HoldDetailAnswer, Step } from '../http/answers.js';
import type { HoldDetail, HoldSummary } from './review-store.js';
import type { Person } from './people.js';

/** The hold as the ledger has it; what the hospital has laid around it is added where that is known. */
export type LedgerView = Omit<HoldDetailAnswer, 'deferredBy' | 'inCase'>;

export function holdView(hold: HoldSummary, person: Person, nowMs: number): Hold {
  return {
    id: hold.id,
    txId: hold.txId,
    kind: hold.kind,
    mspId: hold.mspId,
    actor: hold.actor,
    role: hold.role,
    ward: hold.ward,
    function: hold.function,
    cause: hold.cause,
    scoreMillionths: hold.scoreMillionths,
    topReason: hold.topReason,
    state: hold.state,
    version: hold.version,
    holder: hold.holder,
    proposer: hold.proposer,
    action: hold.action,
    finding: hold.finding,
    appealed: hold.appealed,
    deadlineAt: iso(hold.deadlineMs),
    at: iso(hold.atMs),
    filedAt: iso(hold.filedMs),
    mine: hold.holder?.actorId === person.actor,
    can: stepsOf(hold, person, nowMs),
  };
}

export function holdDetailView(hold: HoldDetail, person: Person, nowMs: number): LedgerView {
  return {
    ...holdView(hold, person, nowMs),
    actorId: hold.actorId,
    arguments: hold.arguments,
    reason: hold.reason,
    reasonDigest: hold.reasonDigest,
    grantable: hold.grantable,
    grant:
      hold.grant === null
        ? null
        : { expiresAt: iso(hold.grant.expiresMs), usedBy: hold.grant.usedBy },
    history: hold.history.map(({ atMs, ...step }) => ({ ...step, at: iso(atMs) })),
    sameActor: hold.sameActor.map(({ atMs, ...other }) => ({ ...other, at: iso(atMs) })),
    precedents: {
      ...hold.precedents,
      nearest: hold.precedents.nearest.map(({ atMs, ...other }) => ({ ...other, at: iso(atMs) })),
    },
    evidence: hold.evidence,
    evidenceMissing: hold.evidenceMissing,
    proof: hold.proof,
  };
}

/** Whoever has no key here, or a role that reads only, is offered nothing that would be refused. */
function canReview({ actor, role }: Person): boolean {
  return actor !== '' && REVIEWERS.includes(role);
}

function stepsOf(hold: HoldSummary, person: Person, nowMs: number): readonly Step[] {
  if (hold.actorId === person.actor) return stepsOfActor(hold);
  if (!canReview(person)) return [];
  const own = hold.mspId === person.mspId;
  const over: readonly Step[] = nowMs > hold.deadlineMs ? ['escalate'] : [];
  switch (hold.state) {
    case 'open':
      return own ? ['claim', ...over] : over;
    case 'escalated':
      return own ? ['claim'] : [];
    case 'claimed':
      return hold.holder?.actorId === person.actor ? ['propose', 'unclaim', ...over] : over;
    case 'proposed':
      return hold.proposer?.actorId === person.actor ? over : ['approve', 'return', ...over];
    case 'released':
    case 'rejected':
      return nowMs > hold.deadlineMs ? ['close'] : [];
    default:
      return [];
  }
}

/** Nobody reviews a call of her own; against a decision on it she may appeal, once. */
function stepsOfActor({ state, appealed }: HoldSummary): readonly Step[] {
  return (state === 'released' || state === 'rejected') && !appealed ? ['appeal'] : [];
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/**
 * Who may call what: the functions that are not scored. One row a function; the contracts themselves check states and people.
 * @module
 */

export type LedgerRole =
  'orchestrator' | 'hospital-node' | 'hospital-admin' | 'analyst' | 'privacy-officer';

export const ORCHESTRATOR_MSP = 'OpsMSP';

export interface GovernanceRule {
  /** `query`: writes nothing and emits nothing. */
  readonly class: 'governance' | 'query';
  readonly kind: 'review' | 'detector' | 'federation';
  readonly arity: number;
  /** Empty: any role. */
  readonly roles: readonly LedgerRole[];
  /** `ops`: the orchestrator's MSP. `hospital`: a member of the configured federation. `any`: every Application member. */
  readonly msp: 'ops' | 'hospital' | 'any';
}

const REVIEWERS: readonly LedgerRole[] = ['analyst', 'privacy-officer'];

function governance(
  kind: GovernanceRule['kind'],
  arity: number,
  msp: GovernanceRule['msp'],
  roles: readonly LedgerRole[],
): GovernanceRule {
  return { class: 'governance', kind, arity, roles, msp };
}

function query(kind: GovernanceRule['kind'], arity: number): GovernanceRule {
  return { class: 'query', kind, arity, roles: [], msp: 'any' };
}

export const GOVERNANCE_POLICY: Readonly<Record<string, GovernanceRule>> = {
  'FederationContract:configure': governance('federation', 1, 'ops', ['orchestrator']),
  'FederationContract:enrolActors': governance('federation', 1, 'hospital', ['hospital-node']),
  'FederationContract:config': query('federation', 0),

  'DetectorContract:propose': governance('detector', 4, 'ops', ['orchestrator']),
  'DetectorContract:attest': governance('detector', 5, 'hospital', ['hospital-node']),
  'DetectorContract:activate': governance('detector', 1, 'ops', ['orchestrator']),
  'DetectorContract:refuse': governance('detector', 2, 'ops', ['orchestrator']),
  'DetectorContract:vote': governance('detector', 3, 'hospital', ['hospital-admin']),
  'DetectorContract:rollBack': governance('detector', 1, 'hospital', ['hospital-admin']),
  'DetectorContract:withdraw': governance('detector', 1, 'hospital', ['hospital-admin']),
  'DetectorContract:status': query('detector', 1),
  'DetectorContract:blob': query('detector', 1),

  'QuarantineContract:claim': governance('review', 2, 'hospital', REVIEWERS),
  'QuarantineContract:unclaim': governance('review', 2, 'hospital', REVIEWERS),
  'QuarantineContract:propose': governance('review', 5, 'hospital', REVIEWERS),
  'QuarantineContract:approve': governance('review', 2, 'hospital', REVIEWERS),
  'QuarantineContract:return': governance('review', 3, 'hospital', REVIEWERS),
  'QuarantineContract:escalate': governance('review', 2, 'any', []),
  'QuarantineContract:appeal': governance('review', 2, 'any', []),
  'QuarantineContract:close': governance('review', 2, 'any', []),
  'QuarantineContract:proposeSuspension': governance('review', 3, 'hospital', REVIEWERS),
  'QuarantineContract:approveSuspension': governance('review', 1, 'hospital', REVIEWERS),
  'QuarantineContract:get': query('review', 1),
  'QuarantineContract:list': query('review', 2),
};

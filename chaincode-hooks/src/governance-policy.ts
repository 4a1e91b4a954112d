/**
 * Who may call what: the functions that are not scored. One row a function; the contracts themselves check states and people.
 * The scored ones are in `FUNCTION_POLICY` (record access) and `business-functions.ts`.
 * @module
 */

export type LedgerRole =
  'orchestrator' | 'hospital-node' | 'hospital-admin' | 'analyst' | 'privacy-officer' | 'auditor';

export const ORCHESTRATOR_MSP = 'OpsMSP';

export interface GovernanceRule {
  /** `query`: writes nothing and emits nothing. */
  readonly class: 'governance' | 'query';
  /** Of the guard event; a query emits none. */
  readonly kind: 'review' | 'detector' | 'federation';
  readonly arity: number;
  /** Empty: any role. */
  readonly roles: readonly LedgerRole[];
  /** `ops`: the orchestrator's MSP. `hospital`: a member of the configured federation. `any`: every Application member. */
  readonly msp: 'ops' | 'hospital' | 'any';
}

const REVIEWERS: readonly LedgerRole[] = ['analyst', 'privacy-officer'];
const AUDITORS: readonly LedgerRole[] = ['privacy-officer', 'auditor'];

function governance(
  kind: GovernanceRule['kind'],
  arity: number,
  msp: GovernanceRule['msp'],
  roles: readonly LedgerRole[],
): GovernanceRule {
  return { class: 'governance', kind, arity, roles, msp };
}

function query(arity: number, roles: readonly LedgerRole[] = []): GovernanceRule {
  return { class: 'query', kind: 'federation', arity, roles, msp: 'any' };
}

export const GOVERNANCE_POLICY: Readonly<Record<string, GovernanceRule>> = {
  'FederationContract:configure': governance('federation', 1, 'ops', ['orchestrator']),
  'FederationContract:enrolActors': governance('federation', 1, 'hospital', ['hospital-node']),
  'FederationContract:admit': governance('federation', 1, 'ops', ['orchestrator']),
  'FederationContract:foldEpoch': governance('federation', 1, 'hospital', ['hospital-node']),
  'FederationContract:requestNode': governance('federation', 2, 'hospital', ['hospital-admin']),
  'FederationContract:approveNode': governance('federation', 1, 'hospital', ['hospital-admin']),
  'FederationContract:revokeNode': governance('federation', 2, 'hospital', ['hospital-admin']),
  'FederationContract:approvePlan': governance('federation', 1, 'hospital', ['hospital-admin']),
  'FederationContract:anchorRound': governance('federation', 3, 'ops', ['orchestrator']),
  'FederationContract:anchorAudit': governance('federation', 2, 'hospital', ['hospital-node']),
  'FederationContract:config': query(0),
  'FederationContract:node': query(1),
  'FederationContract:plan': query(1),
  'FederationContract:round': query(1),

  'DetectorContract:propose': governance('detector', 4, 'ops', ['orchestrator']),
  'DetectorContract:attest': governance('detector', 5, 'hospital', ['hospital-node']),
  'DetectorContract:calibrate': governance('detector', 4, 'hospital', ['hospital-node']),
  'DetectorContract:confirmTable': governance('detector', 3, 'hospital', ['hospital-node']),
  'DetectorContract:activate': governance('detector', 1, 'ops', ['orchestrator']),
  'DetectorContract:refuse': governance('detector', 2, 'ops', ['orchestrator']),
  'DetectorContract:vote': governance('detector', 3, 'hospital', ['hospital-admin']),
  'DetectorContract:rollBack': governance('detector', 1, 'hospital', ['hospital-admin']),
  'DetectorContract:withdraw': governance('detector', 1, 'hospital', ['hospital-admin']),
  'DetectorContract:setMode': governance('detector', 1, 'hospital', ['hospital-admin']),
  'DetectorContract:status': query(1),
  'DetectorContract:blob': query(1),

  'QuarantineContract:claim': governance('review', 2, 'hospital', REVIEWERS),
  'QuarantineContract:unclaim': governance('review', 2, 'hospital', REVIEWERS),
  'QuarantineContract:propose': governance('review', 5, 'hospital', REVIEWERS),
  'QuarantineContract:approve': governance('review', 2, 'hospital', REVIEWERS),
  'QuarantineContract:return': governance('review', 3, 'hospital', REVIEWERS),
  'QuarantineContract:escalate': governance('review', 2, 'any', []),
  'QuarantineContract:appeal': governance('review', 2, 'any', []),
  'QuarantineContract:close': governance('review', 2, 'any', []),
  'QuarantineContract:report': governance('review', 4, 'hospital', ['hospital-node']),
  'QuarantineContract:proposeSuspension': governance('review', 3, 'hospital', REVIEWERS),
  'QuarantineContract:approveSuspension': governance('review', 1, 'hospital', REVIEWERS),
  'QuarantineContract:get': query(1),
  'QuarantineContract:list': query(2),

  'ConsentContract:get': query(1),
  'ConsentContract:check': query(3),
  'AccessPolicyContract:policy': query(0),
  'AccessPolicyContract:evaluatePolicy': query(4),
  'ProvenanceContract:get': query(1),
  'ClaimsContract:get': query(1),
  'AuditContract:byRecord': query(4, AUDITORS),
  'AuditContract:byActor': query(4, AUDITORS),
  'AuditContract:byTime': query(3, AUDITORS),
};

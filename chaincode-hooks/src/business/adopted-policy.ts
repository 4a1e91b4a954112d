/**
 * `pol~active` and `pol~<version>`: the policy in force, and every proposal.
 * @module
 */
import type { GuardContext } from '../guard-context.js';
import { ACTIVE_POLICY_KEY } from '../ledger-keys.js';
import { readObject } from '../ledger.js';
import type { AccessPolicy } from './access-policy.js';

export interface AdoptedPolicy {
  readonly version: number;
  readonly policy: AccessPolicy;
  /** SHA-256 of the policy's canonical JSON. */
  readonly digest: string;
}

export interface PolicyProposal extends AdoptedPolicy {
  readonly by: string;
  readonly mspId: string;
  /** Other hospitals that must approve. */
  readonly approvalsNeeded: number;
  /** MSP ids. */
  readonly approvals: readonly string[];
}

/** Null while no policy was ever adopted. */
export async function readActivePolicy(ctx: GuardContext): Promise<AdoptedPolicy | null> {
  return (await readObject(ctx, ACTIVE_POLICY_KEY, 'policy')) as unknown as AdoptedPolicy | null;
}

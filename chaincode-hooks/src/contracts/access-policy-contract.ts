/**
 * The access policy of the consortium: proposed by one hospital, in force when another one approves it.
 *
 * While no policy was ever adopted there is no rule to enforce, and every access that the guard lets through gets its ticket.
 * From the first adopted policy on, what no rule allows is denied.
 * @module
 */
import { memberArgument } from '../arguments.js';
import {
  ACCESS_ACTIONS,
  decideAccess,
  parseAccessPolicy,
  widensFor,
} from '../business/access-policy.js';
import {
  readActivePolicy,
  type AdoptedPolicy,
  type PolicyProposal,
} from '../business/adopted-policy.js';
import { writeCountersignature } from '../business/countersignature.js';
import { canonicalBytes, type JsonObject } from '../canonical-json.js';
import { Denial, type BusinessResult } from '../denial.js';
import { sha256Hex } from '../digest.js';
import { callerOf, transactionTimeMs, type GuardContext } from '../guard-context.js';
import type { GuardOptions } from '../guard.js';
import { GuardedContract } from '../guarded-contract.js';
import { ACTIVE_POLICY_KEY, policyKey } from '../ledger-keys.js';
import { readObject, writeObject } from '../ledger.js';

type Args = readonly string[];

const POLICY_ROLE = 'hospital-admin';

export class AccessPolicyContract extends GuardedContract {
  constructor(options: GuardOptions) {
    super('AccessPolicyContract', options);
  }

  /** The version after the one in force; a proposal that nobody approved yet may be replaced by its own hospital. */
  async proposePolicy(ctx: GuardContext, ...[, version, text]: Args): Promise<BusinessResult> {
    const caller = callerOf(ctx);
    if (caller.role !== POLICY_ROLE) return new Denial('wrong-role');
    const policy = parseAccessPolicy(text!);
    if (policy === null) return new Denial('malformed');
    const active = await readActivePolicy(ctx);
    const key = policyKey(Number(version));
    const stored = (await readObject(ctx, key, 'policy')) as unknown as PolicyProposal | null;
    if (Number(version) !== (active?.version ?? 0) + 1) return new Denial('wrong-state');
    if (stored !== null && stored.mspId !== caller.mspId) return new Denial('wrong-organisation');
    const proposal: PolicyProposal = {
      version: Number(version),
      policy,
      digest: sha256Hex(canonicalBytes(policy as unknown as JsonObject)),
      by: caller.actor,
      mspId: caller.mspId,
      // Who widens her own reach needs two further hospitals, everybody else one.
      approvalsNeeded: widensFor(active?.policy ?? null, policy, caller) ? 2 : 1,
      approvals: [],
    };
    await writeObject(ctx, key, proposal);
    const { digest, approvalsNeeded } = proposal;
    return { version: proposal.version, digest, approvalsNeeded };
  }

  /** `digest` names what was proposed, so that nobody approves a policy that was exchanged meanwhile. */
  async approvePolicy(ctx: GuardContext, ...[, version, digest]: Args): Promise<BusinessResult> {
    const caller = callerOf(ctx);
    if (caller.role !== POLICY_ROLE) return new Denial('wrong-role');
    const active = await readActivePolicy(ctx);
    const key = policyKey(Number(version));
    const stored = (await readObject(ctx, key, 'policy')) as unknown as PolicyProposal | null;
    if (stored === null) return new Denial('not-found');
    if (stored.version !== (active?.version ?? 0) + 1 || stored.digest !== digest) {
      return new Denial('wrong-state');
    }
    if (caller.mspId === stored.mspId || stored.approvals.includes(caller.mspId)) {
      return new Denial('wrong-organisation');
    }
    const approvals = [...stored.approvals, caller.mspId];
    await writeObject(ctx, key, { ...stored, approvals });
    const adopted = approvals.length >= stored.approvalsNeeded;
    if (adopted) {
      const { policy } = stored;
      const next: AdoptedPolicy = { version: stored.version, policy, digest: stored.digest };
      await writeObject(ctx, ACTIVE_POLICY_KEY, next);
      ctx.emit('policy', { version: stored.version, digest: stored.digest });
    }
    return { version: stored.version, approvals, adopted };
  }

  /**
   * Puts the caller's name under a colleague's request, named by the digest that a grant of it would have. Who may do so is the
   * rule's to say when the request comes; nobody countersigns for herself.
   */
  async countersign(ctx: GuardContext, ...[, actor, digest]: Args): Promise<BusinessResult> {
    const caller = callerOf(ctx);
    if (caller.actor === actor) return new Denial('same-person');
    const of = { actor: actor!, digest: digest! };
    const { expiresMs } = await writeCountersignature(ctx, of, caller, transactionTimeMs(ctx));
    return { ...of, expiresMs };
  }

  /** Which rule decides for the caller's own certificate, and how. */
  async evaluatePolicy(
    ctx: GuardContext,
    ...[action, section, purpose, ownRecord]: Args
  ): Promise<JsonObject> {
    const active = await readActivePolicy(ctx);
    if (active === null) return { version: null };
    const decision = decideAccess(active.policy, {
      caller: callerOf(ctx),
      action: memberArgument(action, 'action', ACCESS_ACTIONS),
      section: section!,
      purpose: purpose!,
      ownRecord: memberArgument(ownRecord, 'ownRecord', ['true', 'false'] as const) === 'true',
      atMs: transactionTimeMs(ctx),
    });
    return { version: active.version, ...decision };
  }

  /** The policy in force. */
  async policy(ctx: GuardContext): Promise<JsonObject> {
    return { policy: (await readActivePolicy(ctx)) as unknown as JsonObject | null };
  }
}

/**
 * What a guarded call leaves behind besides the writes of its function: ring row, actor, audit row.
 * @module
 */
import { encodeRing, foldSession, pushRow, type Ring } from '@bhschain/models/features';

import { encodeActorState, isOnEpochs, profileOf, withSessionOpened } from './actor-state.js';
import { writeAuditRow, type AuditKind } from './audit-trail.js';
import type { Caller, GuardContext } from './guard-context.js';
import { CODE_HASH_BYTES, opensSession, type GuardState } from './guard-state.js';
import { actorKey, epochRowKey, grantKey, sessionKey } from './ledger-keys.js';
import type { Proposal } from './proposal.js';

/** What became of the call, as its ring row says it: index in `ROW_OUTCOMES`. */
export const OUTCOME = { ran: 0, denied: 1, diverted: 2 } as const;
export type Outcome = keyof typeof OUTCOME;

/** The ring after this call, its row last. */
export function ringAfter(
  ring: Ring,
  { call }: Proposal,
  columns: Int16Array,
  outcome: Outcome,
): Uint8Array {
  const { recordTag, act } = call;
  return encodeRing(pushRow(ring, { columns, recordTag, act, outcome: OUTCOME[outcome] }, call));
}

export interface GuardWrites {
  readonly caller: Caller;
  readonly proposal: Proposal;
  readonly state: GuardState;
  readonly ring: Uint8Array;
  readonly codeHash: string;
  /** The grant that the call claimed was what let it run: it is used up. */
  readonly usedGrant: boolean;
  readonly audit: AuditKind;
}

export async function writeGuardState(ctx: GuardContext, o: GuardWrites): Promise<void> {
  const { caller, proposal, state } = o;
  const codeHash = Buffer.from(o.codeHash, 'hex').subarray(0, CODE_HASH_BYTES);
  const row = Buffer.concat([o.ring, codeHash]);
  // A row of its own for each call of a service account: blind writes never conflict.
  const rowKey = isOnEpochs(state.actor)
    ? epochRowKey(caller.actor, caller.mspId, state.actor.epoch.number, ctx.stub.getTxID())
    : sessionKey(caller.actor, proposal.session);
  await ctx.stub.putState(rowKey, row);
  await writeActor(ctx, o);
  await writeAuditRow(ctx, {
    kind: o.audit,
    function: proposal.name,
    actor: caller.actor,
    record: proposal.record,
    atMs: proposal.filedMs,
  });
}

async function writeActor(
  ctx: GuardContext,
  { caller, proposal, state, usedGrant }: GuardWrites,
): Promise<void> {
  let { actor } = state;
  if (opensSession(proposal) && !isOnEpochs(actor)) {
    const profile = profileOf(actor);
    const { timeMs } = proposal.call;
    actor = withSessionOpened(actor, {
      session: proposal.session,
      timeMs,
      profile:
        state.lastRing === null ? profile : foldSession(profile, state.lastRing.histogram, timeMs),
    });
  }
  const { grant } = proposal.context;
  if (grant !== null && usedGrant) {
    actor = { ...actor, grants: Math.max(0, actor.grants - 1) };
    await ctx.stub.deleteState(grantKey(caller.actor, grant));
  }
  if (actor !== state.actor) {
    await ctx.stub.putState(actorKey(caller.actor, caller.mspId), encodeActorState(actor));
  }
}

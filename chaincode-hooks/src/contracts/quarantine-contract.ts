/**
 * The review of quarantined and flagged calls: each step a transaction under that person's own key.
 *
 * The rules are in `review-machine.ts`; this file reads, asks them, writes, and gives the grant of a release.
 * @module
 */
import { decodeActorState, encodeActorState, newActor, type ActorState } from '../actor-state.js';
import {
  actorArgument,
  hashArgument,
  integerArgument,
  memberArgument,
  refusedArgument,
} from '../arguments.js';
import type { JsonObject } from '../canonical-json.js';
import { ChaincodeError } from '../errors.js';
import { readFederationConfig } from '../federation-config.js';
import { GRANT_MS, type Grant } from '../grant.js';
import { callerOf, transactionTimeMs, type GuardContext } from '../guard-context.js';
import type { GuardOptions } from '../guard.js';
import type { ReviewStep } from '../guard-event.js';
import { GuardedContract } from '../guarded-contract.js';
import {
  actorKey,
  grantKey,
  parseLedgerKey,
  quarantineKey,
  reviewIndexKey,
  reviewKey,
  suspensionKey,
} from '../ledger-keys.js';
import { readObject, writeObject } from '../ledger.js';
import {
  FINDINGS,
  REVIEW_ACTIONS,
  REVIEW_STATES,
  decodeQuarantineRecord,
  encodeQuarantineRecord,
  type QuarantineRecord,
} from '../quarantine-record.js';
import {
  advanceReview,
  isGrantable,
  type ReviewCommand,
  type ReviewStepName,
} from '../review-machine.js';
import { secondLineRecord } from '../review-filing.js';

type Args = readonly string[];

const PAGE_SIZE = 100;

export class QuarantineContract extends GuardedContract {
  constructor(options: GuardOptions) {
    super('QuarantineContract', options);
  }

  async claim(ctx: GuardContext, ...args: Args): Promise<JsonObject> {
    return step(ctx, 'claim', args);
  }

  async unclaim(ctx: GuardContext, ...args: Args): Promise<JsonObject> {
    return step(ctx, 'unclaim', args);
  }

  async propose(ctx: GuardContext, ...args: Args): Promise<JsonObject> {
    return step(ctx, 'propose', args, {
      action: memberArgument(args[2], 'action', REVIEW_ACTIONS),
      finding: memberArgument(args[3], 'finding', FINDINGS),
      reasonDigest: hashArgument(args[4], 'reasonDigest'),
    });
  }

  async approve(ctx: GuardContext, ...args: Args): Promise<JsonObject> {
    return step(ctx, 'approve', args);
  }

  /** The third argument, a digest of the reason, is bound by the transaction itself. */
  async return(ctx: GuardContext, ...args: Args): Promise<JsonObject> {
    hashArgument(args[2], 'reasonDigest');
    return step(ctx, 'return', args);
  }

  async escalate(ctx: GuardContext, ...args: Args): Promise<JsonObject> {
    return step(ctx, 'escalate', args);
  }

  async appeal(ctx: GuardContext, ...args: Args): Promise<JsonObject> {
    return step(ctx, 'appeal', args);
  }

  async close(ctx: GuardContext, ...args: Args): Promise<JsonObject> {
    return step(ctx, 'close', args);
  }

  /**
   * The second line: a hospital's node files a review of a call that was committed, and that its own, wider view finds strange.
   * A release of it is a record only, there is nothing to run again.
   */
  async report(
    ctx: GuardContext,
    ...[txId, actor, functionName, reasonDigest]: Args
  ): Promise<JsonObject> {
    const id = hashArgument(txId, 'txid');
    const subject = actorArgument(actor, 'actor');
    if (!/^[A-Za-z]{1,64}:[A-Za-z]{1,63}$/.test(functionName!)) {
      throw refusedArgument('function', 'Contract:function');
    }
    const { mspId } = callerOf(ctx);
    await readOwnActor(ctx, subject, mspId);
    const known = await readStored(ctx, id);
    if (known !== null) throw new ChaincodeError('ERR_REVIEW_STATE', 'there is a record of it');
    const filedMs = transactionTimeMs(ctx);
    const record = secondLineRecord(id, {
      actor: subject,
      mspId,
      functionName: functionName!,
      reasonDigest: hashArgument(reasonDigest, 'reasonDigest'),
      filedMs,
      by: callerOf(ctx).actor,
    });
    await ctx.stub.putState(reviewKey(id), encodeQuarantineRecord(record));
    await ctx.stub.putState(reviewIndexKey('open', record.deadlineMs, id), Buffer.from(mspId));
    const review: ReviewStep = { quarantine: id, from: '', to: 'open', version: record.version };
    ctx.eventParts = { quarantine: id, review };
    return review as unknown as JsonObject;
  }

  /** `action` is `suspend` or `reinstate`; a second person of the same hospital makes it true. */
  async proposeSuspension(
    ctx: GuardContext,
    ...[actor, action, reasonDigest]: Args
  ): Promise<JsonObject> {
    const subject = actorArgument(actor, 'actor');
    const to = memberArgument(action, 'action', ['suspend', 'reinstate'] as const);
    const { actor: by, mspId } = callerOf(ctx);
    await readOwnActor(ctx, subject, mspId);
    if (by === subject) throw new ChaincodeError('ERR_FOUR_EYES', 'nobody decides on herself');
    await writeObject(ctx, suspensionKey(subject, mspId), {
      action: to,
      by,
      reasonDigest: hashArgument(reasonDigest, 'reasonDigest'),
    });
    return { actor: subject, proposed: to };
  }

  async approveSuspension(ctx: GuardContext, ...[actor]: Args): Promise<JsonObject> {
    const subject = actorArgument(actor, 'actor');
    const { actor: by, mspId } = callerOf(ctx);
    const proposal = await readObject(ctx, suspensionKey(subject, mspId), 'suspension');
    const state = await readOwnActor(ctx, subject, mspId);
    if (proposal === null) {
      throw new ChaincodeError('ERR_NOT_FOUND', 'no suspension was proposed for this actor');
    }
    if (by === subject || by === proposal['by']) {
      throw new ChaincodeError('ERR_FOUR_EYES', 'approveSuspension is for a second person');
    }
    const status = proposal['action'] === 'suspend' ? 'suspended' : 'active';
    await ctx.stub.putState(actorKey(subject, mspId), encodeActorState({ ...state, status }));
    await ctx.stub.deleteState(suspensionKey(subject, mspId));
    return { actor: subject, status };
  }

  /** The record of a transaction, quarantined or flagged. */
  async get(ctx: GuardContext, ...[txId]: Args): Promise<JsonObject> {
    const { record } = await readRecord(ctx, hashArgument(txId, 'txid'));
    return record as unknown as JsonObject;
  }

  /** Up to 100 transaction ids in one state, the nearest deadline first; `bookmark` is the last one seen, or empty. */
  async list(ctx: GuardContext, ...[state, bookmark]: Args): Promise<JsonObject> {
    const wanted = memberArgument(state, 'state', REVIEW_STATES);
    const after = bookmark === undefined || bookmark === '' ? null : parseBookmark(bookmark);
    const items: JsonObject[] = [];
    let last = '';
    for await (const { key, value } of ctx.stub.getStateByPartialCompositeKey('qi', [wanted])) {
      const [, , deadline = '', txId = ''] = parseLedgerKey(key);
      const place = `${deadline}.${txId}`;
      if (after !== null && place <= after) continue;
      if (items.length === PAGE_SIZE) return { items, bookmark: last };
      items.push({
        txId,
        deadlineMs: Number(deadline),
        mspId: Buffer.from(value).toString('utf8'),
      });
      last = place;
    }
    return { items, bookmark: '' };
  }
}

async function step(
  ctx: GuardContext,
  name: ReviewStepName,
  [txId, expectedVersion]: Args,
  proposal?: ReviewCommand['proposal'],
): Promise<JsonObject> {
  const id = hashArgument(txId, 'txid');
  const expected = integerArgument(expectedVersion, 'expectedVersion');
  const { highRisk } = await readFederationConfig(ctx);
  const { key, record } = await readRecord(ctx, id);
  const { actor: by, mspId } = callerOf(ctx);
  const next = advanceReview(record, {
    step: name,
    by,
    mspId,
    atMs: transactionTimeMs(ctx),
    expectedVersion: expected,
    highRisk: highRisk.includes(record.function),
    ...(proposal === undefined ? {} : { proposal }),
  });
  await ctx.stub.putState(key, encodeQuarantineRecord(next));
  await ctx.stub.deleteState(reviewIndexKey(record.state, record.deadlineMs, id));
  await ctx.stub.putState(reviewIndexKey(next.state, next.deadlineMs, id), Buffer.from(next.mspId));
  const granted =
    next.state === 'released' && isGrantable(next) ? await grant(ctx, next, by) : null;
  const review: ReviewStep = {
    quarantine: id,
    from: record.state,
    to: next.state,
    version: next.version,
    ...(granted === null ? {} : { grant: granted }),
  };
  ctx.eventParts = { quarantine: id, review };
  return review as unknown as JsonObject;
}

/** Gives the actor of a released call the right to make it once more. */
async function grant(
  ctx: GuardContext,
  record: QuarantineRecord,
  approver: string,
): Promise<NonNullable<ReviewStep['grant']>> {
  const { actor, digest, mspId } = record;
  const value: Grant = {
    quarantine: record.txId,
    digest,
    expires: transactionTimeMs(ctx) + GRANT_MS,
    approvers: [record.proposal?.by ?? '', approver],
  };
  const stored = decodeActorState(await ctx.stub.getState(actorKey(actor, mspId)));
  const state = stored ?? newActor('person');
  await writeObject(ctx, grantKey(actor, record.txId), value);
  await ctx.stub.putState(
    actorKey(actor, mspId),
    encodeActorState({ ...state, grants: state.grants + 1 }),
  );
  return { actor, digest, expires: value.expires };
}

interface StoredRecord {
  readonly key: string;
  readonly record: QuarantineRecord;
}

async function readRecord(ctx: GuardContext, txId: string): Promise<StoredRecord> {
  const stored = await readStored(ctx, txId);
  if (stored !== null) return stored;
  throw new ChaincodeError('ERR_NOT_FOUND', 'no quarantine or review record of this transaction');
}

/** Both keys are read, whichever of the two the record is under. */
async function readStored(ctx: GuardContext, txId: string): Promise<StoredRecord | null> {
  const keys = [quarantineKey(txId), reviewKey(txId)] as const;
  const [quarantine, review] = await Promise.all([
    ctx.stub.getState(keys[0]),
    ctx.stub.getState(keys[1]),
  ]);
  if (quarantine.length > 0) return { key: keys[0], record: decodeQuarantineRecord(quarantine) };
  if (review.length > 0) return { key: keys[1], record: decodeQuarantineRecord(review) };
  return null;
}

async function readOwnActor(ctx: GuardContext, actor: string, mspId: string): Promise<ActorState> {
  const state = decodeActorState(await ctx.stub.getState(actorKey(actor, mspId)));
  if (state === null) {
    throw new ChaincodeError('ERR_NOT_FOUND', 'no such actor of this hospital on the ledger');
  }
  return state;
}

function parseBookmark(bookmark: string): string {
  if (!/^[0-9]{15}\.[0-9a-f]{64}$/.test(bookmark)) {
    throw refusedArgument('bookmark', 'the bookmark of an earlier answer');
  }
  return bookmark;
}

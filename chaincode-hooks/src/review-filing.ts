/**
 * Opening a review: the record of a call that was diverted, or that ran and must be looked at.
 * @module
 */
import { FUNCTION_NAME_MAX } from './audit-trail.js';
import type { Caller, GuardContext } from './guard-context.js';
import { quarantineKey, reviewIndexKey, reviewKey } from './ledger-keys.js';
import { writeObject } from './ledger.js';
import type { QuarantineCause, QuarantineRecord } from './quarantine-record.js';

/** Somebody has to look within a day; then anybody may escalate. */
export const REVIEW_MS: number = 24 * 3_600_000;

/** What the detector said of a call; all null where none judged. */
export interface Judgement {
  readonly score: number | null;
  readonly modelVersion: number | null;
  readonly modelHash: string | null;
  readonly reasons: QuarantineRecord['reasons'];
}

export const NO_JUDGEMENT: Judgement = {
  score: null,
  modelVersion: null,
  modelHash: null,
  reasons: [],
};

export interface ReviewedCall {
  readonly caller: Caller;
  readonly functionName: string;
  readonly digest: string;
  readonly session: string;
  readonly atMs: number;
  readonly filedMs: number;
  readonly cause: QuarantineCause;
  readonly judgement: Judgement;
  readonly ringDigest: string;
  readonly codeHash: string;
}

export function openRecord(txId: string, call: ReviewedCall): QuarantineRecord {
  const { caller, judgement } = call;
  return {
    txId,
    actor: caller.actor,
    mspId: caller.mspId,
    function: call.functionName.slice(0, FUNCTION_NAME_MAX),
    digest: call.digest,
    session: call.session,
    atMs: call.atMs,
    filedMs: call.filedMs,
    cause: call.cause,
    score: judgement.score,
    modelVersion: judgement.modelVersion,
    modelHash: judgement.modelHash,
    reasons: judgement.reasons,
    ringDigest: call.ringDigest,
    codeHash: call.codeHash,
    state: 'open',
    version: 1,
    deadlineMs: call.filedMs + REVIEW_MS,
    holder: null,
    proposal: null,
    appealed: false,
    history: [
      {
        step: 'file',
        by: caller.actor,
        mspId: caller.mspId,
        atMs: call.filedMs,
        to: 'open',
      },
    ],
  };
}

/** The record of a committed call that a hospital's second line reports; `digest` is that of its reason. */
export function secondLineRecord(
  txId: string,
  o: {
    readonly actor: string;
    readonly mspId: string;
    readonly functionName: string;
    readonly reasonDigest: string;
    readonly filedMs: number;
    readonly by: string;
  },
): QuarantineRecord {
  const { actor, mspId, functionName, reasonDigest, filedMs, by } = o;
  return {
    txId,
    actor,
    mspId,
    function: functionName,
    digest: reasonDigest,
    session: '',
    atMs: filedMs,
    filedMs,
    cause: 'second-line',
    score: null,
    modelVersion: null,
    modelHash: null,
    reasons: [],
    ringDigest: '',
    codeHash: '',
    state: 'open',
    version: 1,
    deadlineMs: filedMs + REVIEW_MS,
    holder: null,
    proposal: null,
    appealed: false,
    history: [{ step: 'report', by, mspId, atMs: filedMs, to: 'open' }],
  };
}

/** Writes `q~<txid>` (diverted) or `rev~<txid>` (ran), and its index entry. */
export async function fileReview(
  ctx: GuardContext,
  call: ReviewedCall,
  kind: 'quarantine' | 'review',
): Promise<string> {
  const txId = ctx.stub.getTxID();
  const record = openRecord(txId, call);
  const key = kind === 'quarantine' ? quarantineKey(txId) : reviewKey(txId);
  await writeObject(ctx, key, record);
  await ctx.stub.putState(
    reviewIndexKey(record.state, record.deadlineMs, txId),
    Buffer.from(record.mspId),
  );
  return txId;
}

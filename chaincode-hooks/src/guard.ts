/**
 * The guard: what happens instead of a function call.
 *
 * Read (`guard-state.ts`), judge (`judgement.ts`), decide (`disposition.ts`), then run the function or write a quarantine
 * record; in either case one ring row, one audit row and one event. Equal read sets mean equal writes, event and reply on
 * every endorser.
 * @module
 */
import type { Judges } from './active-detector.js';
import type { AuditKind } from './audit-trail.js';
import { canonicalJson, type JsonObject } from './canonical-json.js';
import { sha256Hex } from './digest.js';
import { Denial, writeDenial, type BusinessResult } from './denial.js';
import { SCORE_THRESHOLD, disposition, type Disposition } from './disposition.js';
import { ChaincodeError } from './errors.js';
import type { Call } from './governed-call.js';
import { callerOf, transactionTimeMs, type Caller, type GuardContext } from './guard-context.js';
import { GUARD_EVENT_NAME, encodeGuardEvent, type EventDisposition } from './guard-event.js';
import { readGuardState, type GuardState } from './guard-state.js';
import { ringAfter, writeGuardState } from './guard-writes.js';
import { judge, type Judged } from './judgement.js';
import { isOverdue } from './actor-state.js';
import { shadowKey } from './ledger-keys.js';
import { writeObject } from './ledger.js';
import { readProposal, unknownProposal, type Proposal } from './proposal.js';
import { fileReview, openRecord, type ReviewedCall } from './review-filing.js';

/** Given once, at start; nothing that a call leaves behind. */
export interface GuardOptions {
  /** SHA-256 (hex) over the compiled contract code and the kernel; eight bytes of it in every ring value. */
  readonly codeHash: string;
  readonly judges: Judges;
  /** Runs `work`; the server times it from outside. What it learns must not flow back. */
  readonly timeJudgement: <T>(work: () => T) => T;
}

/**
 * Judges a guarded call, and runs it or not.
 *
 * @returns the reply as canonical JSON: `{disposition: 'allowed', result}`, `{disposition: 'denied', reason}` or
 *   `{disposition: 'quarantined', quarantineId}`
 * @throws {ChaincodeError} `ERR_ACTOR_SUSPENDED`; `ERR_REPLAY_REFUSED` if the context declares a time or a code and the
 *   federation does not replay a log
 */
export async function runGuarded(
  ctx: GuardContext,
  call: Call,
  options: GuardOptions,
  business: BusinessFunction,
): Promise<string> {
  const caller = callerOf(ctx);
  const proposal = readProposal(call, caller, transactionTimeMs(ctx));
  return settle(ctx, { caller, proposal, options, ...business });
}

/** What is guarded. */
export interface BusinessFunction {
  /** Keys that it reads in any case. */
  readonly foreseen: readonly string[];
  readonly run: () => Promise<BusinessResult>;
}

/** What `unknownTransaction` does: the record, a ring row, the event; the runtime sends an empty reply. */
export async function recordUnknownFunction(
  ctx: GuardContext,
  options: GuardOptions,
): Promise<void> {
  const { fcn, params } = ctx.stub.getFunctionAndParameters();
  const proposal = unknownProposal({ name: fcn, args: params }, transactionTimeMs(ctx));
  const run = (): Promise<JsonObject> => Promise.reject(new Error('unreachable: never allowed'));
  await settle(ctx, { caller: callerOf(ctx), proposal, options, foreseen: [], run });
}

interface Settlement extends BusinessFunction {
  readonly caller: Caller;
  readonly proposal: Proposal;
  readonly options: GuardOptions;
}

/** What became of the call. */
interface Settled {
  readonly disposition: EventDisposition;
  readonly audit: AuditKind;
  readonly reply: JsonObject;
}

async function settle(ctx: GuardContext, o: Settlement): Promise<string> {
  const { caller, proposal, options } = o;
  const state = await readGuardState(ctx, o, options.judges);
  const judged = options.timeJudgement(() => judge(proposal, state));
  const decision = decide(proposal, state, judged);
  if (decision.kind === 'refused') {
    throw new ChaincodeError(decision.code, 'this actor is suspended on the channel');
  }
  const result = decision.kind === 'quarantined' ? null : await runIntercepted(ctx, o.run);
  const outcome = result === null ? 'diverted' : result instanceof Denial ? 'denied' : 'ran';
  const ring = ringAfter(state.ring, proposal, judged.columns, outcome);
  const settled = await record(ctx, o, {
    decision,
    result,
    review: {
      caller,
      functionName: proposal.name,
      digest: proposal.digest,
      session: proposal.session,
      atMs: proposal.call.timeMs,
      filedMs: proposal.filedMs,
      judgement: judged.judgement,
      ringDigest: sha256Hex(ring),
      codeHash: options.codeHash,
    },
  });
  const usedGrant =
    outcome === 'ran' && decision.kind === 'allowed' && decision.because === 'grant';
  const { audit } = settled;
  const { codeHash } = options;
  await writeGuardState(ctx, { caller, proposal, state, ring, codeHash, usedGrant, audit });
  announce(ctx, o, judged, settled);
  return canonicalJson(settled.reply);
}

function decide(proposal: Proposal, state: GuardState, judged: Judged): Disposition {
  return disposition({
    class: proposal.class,
    actorSuspended: state.actor.status === 'suspended',
    epochOverdue: isOverdue(state.actor, proposal.filedMs),
    call: proposal.understood,
    grant: state.grant,
    detector: judged.detector,
    score: judged.judgement.score,
  });
}

/** Writes the record that the decision, or the function's own denial, calls for. */
async function record(
  ctx: GuardContext,
  { caller, proposal }: Settlement,
  o: {
    readonly decision: Exclude<Disposition, { kind: 'refused' }>;
    readonly result: BusinessResult | null;
    readonly review: Omit<ReviewedCall, 'cause'>;
  },
): Promise<Settled> {
  const { decision, result, review } = o;
  const txId = ctx.stub.getTxID();
  if (decision.kind === 'quarantined' || result === null) {
    const cause = decision.kind === 'quarantined' ? decision.cause : 'score';
    await fileReview(ctx, { ...review, cause }, 'quarantine');
    const reply = { disposition: 'quarantined', quarantineId: txId };
    return { disposition: 'quarantined', audit: 'quarantine', reply };
  }
  const flagged = decision.kind === 'flagged' || ctx.reviewAsked;
  if (flagged) {
    const cause = decision.kind === 'flagged' ? 'break-glass' : 'policy';
    await fileReview(ctx, { ...review, cause }, 'review');
  } else if (decision.because === 'shadow' && (review.judgement.score ?? 0) >= SCORE_THRESHOLD) {
    await writeObject(ctx, shadowKey(txId), openRecord(txId, { ...review, cause: 'score' }));
  }
  if (result instanceof Denial) {
    const { reason } = result;
    await writeDenial(ctx, {
      function: proposal.name,
      actor: caller.actor,
      record: proposal.record,
      reason,
      atMs: proposal.filedMs,
    });
    return { disposition: 'denied', audit: 'denial', reply: { disposition: 'denied', reason } };
  }
  return {
    disposition: flagged ? 'flagged' : 'allowed',
    audit: flagged ? 'review' : 'access',
    reply: { disposition: 'allowed', result },
  };
}

/** The one event of the call. */
function announce(
  ctx: GuardContext,
  { caller, proposal }: Settlement,
  { judgement }: Judged,
  { disposition: kind, audit }: Settled,
): void {
  const reviewed = audit === 'quarantine' || audit === 'review';
  ctx.stub.setEvent(
    GUARD_EVENT_NAME,
    encodeGuardEvent({
      v: 1,
      kind: 'access',
      function: proposal.name,
      session: proposal.session,
      actor: caller.actor,
      disposition: kind,
      scored: judgement.score !== null,
      modelVersion: judgement.modelVersion,
      ...(reviewed ? { quarantine: ctx.stub.getTxID() } : {}),
      ...(ctx.innerEvent === null ? {} : { inner: ctx.innerEvent }),
    }),
  );
}

/** Runs the business function; what it emits is kept for the guard's own event. */
async function runIntercepted(
  ctx: GuardContext,
  run: () => Promise<BusinessResult>,
): Promise<BusinessResult> {
  const stub = ctx.stub as { setEvent?: (name: string, payload: Uint8Array) => void };
  stub.setEvent = (name, payload) => {
    ctx.innerEvent = { name, payload: Buffer.from(payload).toString('base64') };
  };
  try {
    return await run();
  } finally {
    delete stub.setEvent; // back to the prototype's method
  }
}

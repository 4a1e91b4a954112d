/**
 * The guard: what happens instead of a function call.
 *
 * Read, judge, then run the function or write a quarantine record; in either case one ring row and one event. Every key
 * that is read follows from the proposal or from a value already read, never from a cache; nothing that was written is read
 * again. So equal read sets mean equal writes, event and reply on every endorser.
 *
 * | wave | keys |
 * |---|---|
 * | 1 | `det~active`, `act~actor`, `ctx~actor~session`; `fed~config` if the context declares a time or a code; the grant that the context claims |
 * | 2 | the two blobs that the pointer names; the ring of the last session, if this call opens a new one |
 * @module
 */
import {
  ACT_COUNT,
  CODE_ACT_BASE,
  COLUMN_COUNT,
  COLUMNS,
  FUNCTION_POLICY,
  FeatureError,
  callFromArguments,
  decodeCallContext,
  decodeRing,
  emptyRing,
  encodeRing,
  featureRow,
  foldSession,
  pushRow,
  scoringWindow,
  type CallContext,
  type GuardedCall,
  type Ring,
  type RowOutcome,
} from '@bhschain/models/features';
import type { Scorer } from '@bhschain/models/detector';

import {
  decodeActorState,
  encodeActorState,
  newActor,
  profileOf,
  sessionsInLastHour,
  withSessionOpened,
  type ActorState,
} from './actor-state.js';
import {
  blobKeysOf,
  decodePointer,
  sha256Hex,
  type DetectorPointer,
  type Judges,
} from './active-detector.js';
import { canonicalJson, parseJsonObject, type JsonObject } from './canonical-json.js';
import { SCORE_THRESHOLD, disposition, type CallFacts, type Disposition } from './disposition.js';
import { ChaincodeError } from './errors.js';
import type { FederationConfig } from './federation-config.js';
import { callDigest } from './function-call.js';
import type { Call } from './governed-call.js';
import { isUsable, parseGrant } from './grant.js';
import { callerOf, transactionTimeMs, type Caller, type GuardContext } from './guard-context.js';
import { GUARD_EVENT_NAME, encodeGuardEvent } from './guard-event.js';
import {
  ACTIVE_DETECTOR_KEY,
  FEDERATION_CONFIG_KEY,
  actorKey,
  grantKey,
  sessionKey,
  shadowKey,
} from './ledger-keys.js';
import { writeObject } from './ledger.js';
import { NO_JUDGEMENT, fileReview, openRecord, type Judgement } from './review-filing.js';

/** Given once, at start; nothing that a call leaves behind. */
export interface GuardOptions {
  /** SHA-256 (hex) over the compiled contract code and the kernel; eight bytes of it in every ring value. */
  readonly codeHash: string;
  readonly judges: Judges;
  /** Runs `work`; the server times it from outside. What it learns must not flow back. */
  readonly timeJudgement: <T>(work: () => T) => T;
}

/** Ring of the calls that name no session we can read. */
const NO_SESSION = 'unknown';
const SESSION_FORM = /^[0-9a-f]{16}$/;
const CODE_HASH_BYTES = 8;
const REASONS_MAX = 3;
const NO_BYTES = new Uint8Array();

/**
 * Judges a guarded call, and runs it or not.
 *
 * @returns the reply as canonical JSON: `{disposition: 'allowed', result}` or `{disposition: 'quarantined', quarantineId}`
 * @throws {ChaincodeError} `ERR_ACTOR_SUSPENDED`; `ERR_REPLAY_REFUSED` if the context declares a time or a code and the
 *   federation does not replay a log
 */
export async function runGuarded(
  ctx: GuardContext,
  call: Call,
  options: GuardOptions,
  run: () => Promise<JsonObject>,
): Promise<string> {
  const caller = callerOf(ctx);
  const proposal = readProposal(call, caller, transactionTimeMs(ctx));
  return settle(ctx, { caller, proposal, options, run });
}

/** What `unknownTransaction` does: the record, a ring row, the event; the runtime sends an empty reply. */
export async function recordUnknownFunction(
  ctx: GuardContext,
  options: GuardOptions,
): Promise<void> {
  const { fcn, params } = ctx.stub.getFunctionAndParameters();
  const timeMs = transactionTimeMs(ctx);
  const proposal: Proposal = {
    ...unreadable({ name: fcn, args: params }, timeMs),
    understood: 'unknown',
  };
  const run = (): Promise<JsonObject> => Promise.reject(new Error('unreachable: never allowed'));
  await settle(ctx, { caller: callerOf(ctx), proposal, options, run });
}

/** What the proposal's bytes alone say. */
interface Proposal {
  readonly name: string;
  readonly class: CallFacts['class'];
  readonly understood: CallFacts['call'];
  readonly call: GuardedCall;
  readonly context: CallContext;
  readonly session: string;
  readonly digest: string;
  /** The transaction's own time; the call's may be declared. */
  readonly filedMs: number;
}

function readProposal(call: Call, caller: Caller, filedMs: number): Proposal {
  const policy = FUNCTION_POLICY[call.name];
  try {
    return {
      ...unreadable(call, filedMs),
      class:
        policy?.class === 'break-glass' || policy?.class === 'shadow' ? policy.class : 'enforce',
      understood: 'understood',
      call: callFromArguments(call.name, call.args, {
        role: caller.role,
        mspId: caller.mspId,
        timeMs: filedMs,
      }),
      context: decodeCallContext(call.args.at(-1) ?? ''),
    };
  } catch (error) {
    if (error instanceof FeatureError) return unreadable(call, filedMs);
    throw error;
  }
}

function unreadable({ name, args }: Call, filedMs: number): Proposal {
  const first = args[0] ?? '';
  return {
    name,
    class: 'enforce',
    understood: 'malformed',
    call: {
      functionName: 'requestAccess',
      act: 0,
      role: 0,
      purpose: 0,
      section: 0,
      sensitivity: 0,
      breakGlass: false,
      recordTag: 0,
      homeRecord: true,
      recordCount: 1,
      timeMs: filedMs,
      timeGranularity: 'exact',
    },
    context: decodeCallContext(''),
    session: SESSION_FORM.test(first) ? first : NO_SESSION,
    digest: callDigest(name, args),
    filedMs,
  };
}

interface Settlement {
  readonly caller: Caller;
  readonly proposal: Proposal;
  readonly options: GuardOptions;
  readonly run: () => Promise<JsonObject>;
}

async function settle(
  ctx: GuardContext,
  { caller, proposal, options, run }: Settlement,
): Promise<string> {
  const state = await readState(ctx, caller, proposal);
  const judged = options.timeJudgement(() => judge(proposal, state, options.judges));
  const facts: CallFacts = {
    class: proposal.class,
    actorSuspended: state.actor.status === 'suspended',
    call: proposal.understood,
    grant: state.grant,
    detector: judged.detector,
    score: judged.judgement.score,
  };
  const decision = disposition(facts);
  if (decision.kind === 'refused') {
    throw new ChaincodeError(decision.code, 'this actor is suspended on the channel');
  }

  const ring = ringAfter(state.ring, proposal.call, judged.columns, decision);
  const review = {
    caller,
    functionName: proposal.name,
    digest: proposal.digest,
    session: proposal.session,
    atMs: proposal.call.timeMs,
    filedMs: proposal.filedMs,
    judgement: judged.judgement,
    ringDigest: sha256Hex(ring),
    codeHash: options.codeHash,
  };
  const txId = ctx.stub.getTxID();
  let reply: JsonObject;
  if (decision.kind === 'quarantined') {
    await fileReview(ctx, { ...review, cause: decision.cause }, 'quarantine');
    reply = { disposition: 'quarantined', quarantineId: txId };
  } else {
    const result = await runIntercepted(ctx, run);
    reply = { disposition: 'allowed', result };
    if (decision.kind === 'flagged')
      await fileReview(ctx, { ...review, cause: 'break-glass' }, 'review');
    else if (decision.because === 'shadow' && (judged.judgement.score ?? 0) >= SCORE_THRESHOLD) {
      await writeObject(ctx, shadowKey(txId), openRecord(txId, { ...review, cause: 'score' }));
    }
  }

  await writeState(ctx, { caller, proposal, state, ring, decision, options });
  ctx.stub.setEvent(
    GUARD_EVENT_NAME,
    encodeGuardEvent({
      v: 1,
      kind: 'access',
      function: proposal.name,
      session: proposal.session,
      actor: caller.actor,
      disposition: decision.kind,
      scored: judged.judgement.score !== null,
      modelVersion: judged.judgement.modelVersion,
      ...(decision.kind === 'allowed' ? {} : { quarantine: txId }),
      ...(ctx.innerEvent === null ? {} : { inner: ctx.innerEvent }),
    }),
  );
  return canonicalJson(reply);
}

/** Everything that was read, decoded. */
interface State {
  readonly pointer: DetectorPointer | null;
  readonly blobs: { readonly model: Uint8Array; readonly table: Uint8Array };
  /** A newcomer's state if the ledger knows nothing of the actor. */
  readonly actor: ActorState;
  readonly ring: Ring;
  readonly grant: CallFacts['grant'];
  readonly vocabulary: FederationConfig['vocabulary'];
  /** Ring of the session whose histogram is due to be folded; null if there is none. */
  readonly lastRing: Ring | null;
}

async function readState(ctx: GuardContext, caller: Caller, proposal: Proposal): Promise<State> {
  const { context, session, digest } = proposal;
  const read = (key: string): Promise<Uint8Array> => ctx.stub.getState(key);
  const declaresReplay =
    context.atMs !== null || context.code !== null || context.timeGranularity !== 'exact';
  const [pointerBytes, actorBytes, ringBytes, configBytes, grantBytes] = await Promise.all([
    read(ACTIVE_DETECTOR_KEY),
    read(actorKey(caller.actor)),
    read(sessionKey(caller.actor, session)),
    declaresReplay ? read(FEDERATION_CONFIG_KEY) : NO_BYTES,
    context.grant === null ? NO_BYTES : read(grantKey(caller.actor, context.grant)),
  ]);
  const vocabulary = declaresReplay ? replayVocabulary(configBytes, context) : null;
  const pointer = decodePointer(pointerBytes);
  const actor = decodeActorState(actorBytes, caller.mspId) ?? newActor(caller.mspId, caller.class);
  const folds =
    proposal.understood === 'understood' &&
    proposal.call.functionName === 'openSession' &&
    actor.lastSession !== '' &&
    actor.lastSession !== session;
  const [modelKey, tableKey] = pointer === null ? [] : blobKeysOf(pointer);
  const [model, table, lastBytes] = await Promise.all([
    modelKey === undefined ? NO_BYTES : read(modelKey),
    tableKey === undefined ? NO_BYTES : read(tableKey),
    folds ? read(sessionKey(caller.actor, actor.lastSession)) : NO_BYTES,
  ]);
  return {
    pointer,
    blobs: { model, table },
    actor,
    ring: decodeStoredRing(ringBytes),
    grant:
      context.grant === null
        ? 'none'
        : isUsable(parseGrant(grantBytes), digest, proposal.filedMs)
          ? 'valid'
          : 'invalid',
    vocabulary,
    lastRing: folds ? decodeStoredRing(lastBytes) : null,
  };
}

function replayVocabulary(
  configBytes: Uint8Array,
  context: CallContext,
): FederationConfig['vocabulary'] {
  const config =
    configBytes.length === 0
      ? null
      : (parseJsonObject(configBytes, 'federation config') as unknown as FederationConfig);
  if (config?.replay !== true) {
    throw new ChaincodeError(
      'ERR_REPLAY_REFUSED',
      'the context declares a time or a code, and this federation does not replay a log',
    );
  }
  const { vocabulary } = config;
  if (context.code !== null && (vocabulary === null || context.code >= vocabulary.size)) {
    throw new ChaincodeError(
      'ERR_REPLAY_REFUSED',
      `code=${context.code}, and the federation's vocabulary has ${vocabulary?.size ?? 0} codes`,
    );
  }
  return vocabulary;
}

/** The verdict's inputs that are not bytes any more. */
interface Judged {
  readonly columns: Int16Array;
  readonly detector: CallFacts['detector'];
  readonly judgement: Judgement;
}

/** Pure: integers in, integers out, no await. */
function judge(proposal: Proposal, state: State, judges: Judges): Judged {
  const { pointer, actor, ring, vocabulary } = state;
  const { call } = proposal;
  if (proposal.understood !== 'understood') {
    return { columns: new Int16Array(COLUMN_COUNT), detector: 'none', judgement: NO_JUDGEMENT };
  }
  const scorer = pointer === null ? null : judges(pointer, state.blobs);
  const coded = call.act >= CODE_ACT_BASE;
  // Role tables speak of the acts they were made from: of a source's own codes only if it is the same source.
  const peers =
    scorer !== null &&
    (!coded || (vocabulary !== null && scorer.detector.vocabulary?.hash === vocabulary.hash));
  const row = featureRow({
    call,
    ring,
    profile: profileOf(actor),
    roles: peers ? scorer.detector.roles : null,
    vocabularySize: coded ? (vocabulary?.size ?? 1) : ACT_COUNT,
    sessionsLastHour: sessionsInLastHour(actor, call.timeMs),
  });
  if (pointer === null) return { columns: row.columns, detector: 'none', judgement: NO_JUDGEMENT };
  const { version, modelHash, mode } = pointer;
  const judgement = scoreOf(scorer, { rows: scoringWindow(ring, row.columns), mask: row.mask });
  return {
    columns: row.columns,
    detector: judgement === null ? 'unusable' : mode,
    judgement: { ...(judgement ?? NO_JUDGEMENT), modelVersion: version, modelHash },
  };
}

function scoreOf(
  scorer: Scorer | null,
  window: Parameters<Scorer['score']>[0],
): Pick<Judgement, 'score' | 'reasons'> | null {
  if (scorer === null) return null;
  try {
    const { scoreMillionths } = scorer.score(window);
    if (!Number.isSafeInteger(scoreMillionths)) return null;
    return {
      score: scoreMillionths,
      reasons: scoreMillionths >= SCORE_THRESHOLD ? reasonsOf(scorer, window) : [],
    };
  } catch {
    return null; // a score that cannot be had is an unusable detector, and that is a row of the table
  }
}

/** The columns that weighed most, named by the layout, with the value that this call itself had in them. */
function reasonsOf(scorer: Scorer, window: Parameters<Scorer['score']>[0]): Judgement['reasons'] {
  const own = window.rows.at(-1);
  return scorer
    .explain(window)
    .columns.slice(0, REASONS_MAX)
    .map(({ index }) => ({ column: COLUMNS[index]!.name, value: own?.[index] ?? 0 }));
}

function ringAfter(
  ring: Ring,
  call: GuardedCall,
  columns: Int16Array,
  decision: Disposition,
): Uint8Array {
  const outcome: RowOutcome = decision.kind === 'quarantined' ? 2 : 0;
  const { recordTag, act } = call;
  return encodeRing(pushRow(ring, { columns, recordTag, act, outcome }, call));
}

/** Runs the business function; what it emits is kept for the guard's own event. */
async function runIntercepted(
  ctx: GuardContext,
  run: () => Promise<JsonObject>,
): Promise<JsonObject> {
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

async function writeState(
  ctx: GuardContext,
  o: {
    readonly caller: Caller;
    readonly proposal: Proposal;
    readonly state: State;
    readonly ring: Uint8Array;
    readonly decision: Disposition;
    readonly options: GuardOptions;
  },
): Promise<void> {
  const { caller, proposal, state } = o;
  const codeHash = Buffer.from(o.options.codeHash, 'hex').subarray(0, CODE_HASH_BYTES);
  await ctx.stub.putState(
    sessionKey(caller.actor, proposal.session),
    Buffer.concat([o.ring, codeHash]),
  );
  let { actor } = state;
  if (proposal.understood === 'understood' && proposal.call.functionName === 'openSession') {
    const profile = profileOf(actor);
    actor = withSessionOpened(actor, {
      session: proposal.session,
      timeMs: proposal.call.timeMs,
      profile:
        state.lastRing === null
          ? profile
          : foldSession(profile, state.lastRing.histogram, proposal.call.timeMs),
    });
  }
  const { grant } = proposal.context;
  if (grant !== null && o.decision.kind === 'allowed' && o.decision.because === 'grant') {
    actor = { ...actor, grants: Math.max(0, actor.grants - 1) };
    await ctx.stub.deleteState(grantKey(caller.actor, grant));
  }
  if (actor !== state.actor)
    await ctx.stub.putState(actorKey(caller.actor), encodeActorState(actor));
}

function decodeStoredRing(bytes: Uint8Array): Ring {
  return bytes.length === 0 ? emptyRing() : decodeRing(bytes.subarray(0, -CODE_HASH_BYTES));
}

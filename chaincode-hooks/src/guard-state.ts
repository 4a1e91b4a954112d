/**
 * What a guarded call reads. Every key follows from the proposal or from a value already read; nothing that was written
 * is read again.
 *
 * | wave | keys |
 * |---|---|
 * | 1 | `det~active`, `act~actor~MSP`, `ctx~actor~session`; `fed~config` if the context declares a time or a code; the grant that the context claims; what the function reads in any case |
 * | 2 | the two blobs that the pointer names, unless this process knows them; the ring of the last session, if this call opens a new one |
 * @module
 */
import { decodeRing, emptyRing, type CallContext, type Ring } from '@bhschain/models/features';
import type { Scorer } from '@bhschain/models/detector';

import { decodeActorState, isOnEpochs, newActor, type ActorState } from './actor-state.js';
import { blobKeysOf, decodePointer, type DetectorPointer, type Judges } from './active-detector.js';
import { parseJsonObject } from './canonical-json.js';
import type { CallFacts } from './disposition.js';
import { ChaincodeError } from './errors.js';
import type { FederationConfig } from './federation-config.js';
import { isUsable, parseGrant } from './grant.js';
import type { Caller, GuardContext } from './guard-context.js';
import {
  ACTIVE_DETECTOR_KEY,
  FEDERATION_CONFIG_KEY,
  actorKey,
  grantKey,
  sessionKey,
} from './ledger-keys.js';
import type { Proposal } from './proposal.js';

export interface GuardState {
  readonly pointer: DetectorPointer | null;
  /** The judge that the pointer names; null if there is none, or none that can be trusted. */
  readonly scorer: () => Scorer | null;
  /** A newcomer's state if the ledger knows nothing of the actor. */
  readonly actor: ActorState;
  /** Empty for a service account on epochs: its calls do not wait for one another. */
  readonly ring: Ring;
  readonly grant: CallFacts['grant'];
  readonly vocabulary: FederationConfig['vocabulary'];
  /** Ring of the session whose histogram is due to be folded; null if there is none. */
  readonly lastRing: Ring | null;
}

/** Whose call, and which; and what its function reads in any case, so that it is asked together. */
export interface GuardQuestion {
  readonly caller: Caller;
  readonly proposal: Proposal;
  readonly foreseen: readonly string[];
}

/** Bytes of code hash behind each stored ring. */
export const CODE_HASH_BYTES = 8;
const NO_BYTES = new Uint8Array();

/**
 * @throws {ChaincodeError} `ERR_REPLAY_REFUSED` if the context declares a time or a code and the federation does not replay a log
 */
export async function readGuardState(
  ctx: GuardContext,
  { caller, proposal, foreseen }: GuardQuestion,
  judges: Judges,
): Promise<GuardState> {
  const { context, session, digest } = proposal;
  const read = (key: string): Promise<Uint8Array> => ctx.read(key);
  const declaresReplay =
    context.atMs !== null || context.code !== null || context.timeGranularity !== 'exact';
  const [pointerBytes, actorBytes, ringBytes, configBytes, grantBytes] = await Promise.all([
    read(ACTIVE_DETECTOR_KEY),
    read(actorKey(caller.actor, caller.mspId)),
    read(sessionKey(caller.actor, session)),
    declaresReplay ? read(FEDERATION_CONFIG_KEY) : NO_BYTES,
    context.grant === null ? NO_BYTES : read(grantKey(caller.actor, context.grant)),
    ...foreseen.map(read),
  ]);
  const vocabulary = declaresReplay ? replayVocabulary(configBytes, context) : null;
  const pointer = decodePointer(pointerBytes);
  const actor = decodeActorState(actorBytes) ?? newActor(caller.class);
  const onEpochs = isOnEpochs(actor);
  const folds = opensSession(proposal) && !onEpochs && ![session, ''].includes(actor.lastSession);
  const known = pointer === null ? null : judges.known(pointer, caller.mspId);
  const [modelKey, tableKey] =
    pointer === null || known !== null ? [] : blobKeysOf(pointer, caller.mspId);
  const [model, table, lastBytes] = await Promise.all([
    /* eslint-disable determinism/cached-read -- the one read that a cache may save; argued in active-detector.ts */
    modelKey === undefined ? NO_BYTES : read(modelKey),
    tableKey === undefined ? NO_BYTES : read(tableKey),
    /* eslint-enable determinism/cached-read */
    folds ? read(sessionKey(caller.actor, actor.lastSession)) : NO_BYTES,
  ]);
  return {
    pointer,
    scorer: () =>
      pointer === null ? null : (known ?? judges.judge(pointer, caller.mspId, { model, table })),
    actor,
    ring: onEpochs ? emptyRing() : decodeStoredRing(ringBytes),
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

export function opensSession(proposal: Proposal): boolean {
  return proposal.understood === 'understood' && proposal.call.functionName === 'openSession';
}

/** The ring in a value of `ctx~` or `evt~`; an absent value is an empty ring. */
export function decodeStoredRing(bytes: Uint8Array): Ring {
  return bytes.length === 0 ? emptyRing() : decodeRing(bytes.subarray(0, -CODE_HASH_BYTES));
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

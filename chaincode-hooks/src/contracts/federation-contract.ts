/**
 * Who belongs to the federation, and what its hospitals know of their own people from before.
 * @module
 */
import { EMPTY_HISTOGRAM, foldSession, joinHistograms } from '@bhschain/models/features';

import {
  decodeActorState,
  encodeActorState,
  encodeProfileText,
  newActor,
  profileOf,
} from '../actor-state.js';
import { actorArgument, hashArgument, integerArgument, refusedArgument } from '../arguments.js';
import { byCodeUnit, canonicalJson, parseJsonObject, type JsonObject } from '../canonical-json.js';
import { parseEnrolments } from '../enrolment.js';
import { ChaincodeError } from '../errors.js';
import { admitted, parseFederationConfig, readFederationConfig } from '../federation-config.js';
import { callerOf, transactionTimeMs, type GuardContext } from '../guard-context.js';
import { decodeStoredRing } from '../guard-state.js';
import type { GuardOptions } from '../guard.js';
import { GuardedContract } from '../guarded-contract.js';
import {
  FEDERATION_CONFIG_KEY,
  actorKey,
  auditAnchorKey,
  epochRowPrefix,
  nodeKey,
  nodeVoteKey,
  planKey,
  planVoteKey,
  roundKey,
} from '../ledger-keys.js';
import { readObject, writeObject } from '../ledger.js';
import {
  decideNode,
  nodeArgument,
  nodeState,
  readNode,
  readVoters,
  requireNode,
} from '../roster-votes.js';
import { agreeing } from '../roster.js';

type Args = readonly string[];

export class FederationContract extends GuardedContract {
  constructor(options: GuardOptions) {
    super('FederationContract', options);
  }

  /** Once; the same configuration again is success. */
  async configure(ctx: GuardContext, ...[text]: Args): Promise<JsonObject> {
    const config = { ...parseFederationConfig(text ?? '') } as unknown as JsonObject;
    const stored = await readObject(ctx, FEDERATION_CONFIG_KEY, 'federation config');
    if (stored === null) {
      await writeObject(ctx, FEDERATION_CONFIG_KEY, config);
      return { status: 'configured' };
    }
    if (canonicalJson(stored) !== canonicalJson(config)) {
      throw new ChaincodeError(
        'ERR_CONFIGURED_DIFFERENTLY',
        'the federation has another configuration, and it is written once',
      );
    }
    return { status: 'already-configured' };
  }

  /** The hospital's own people with the profiles of its own history; who is on the ledger already stays as she is. */
  async enrolActors(ctx: GuardContext, ...[text]: Args): Promise<JsonObject> {
    const { mspId } = callerOf(ctx);
    const actors = parseEnrolments(text ?? '');
    const known = await Promise.all(
      actors.map(({ actor }) => ctx.stub.getState(actorKey(actor, mspId))),
    );
    let enrolled = 0;
    for (const [i, { actor, class: actorClass, profile }] of actors.entries()) {
      if (known[i]!.length > 0) continue;
      enrolled++;
      await ctx.stub.putState(
        actorKey(actor, mspId),
        encodeActorState({ ...newActor(actorClass), profile }),
      );
    }
    return { enrolled, present: actors.length - enrolled };
  }

  /** One more hospital; m stays, or becomes more than half of them. A hospital that is a member already is success. */
  async admit(ctx: GuardContext, ...[mspId]: Args): Promise<JsonObject> {
    const config = await readFederationConfig(ctx);
    const next = admitted(config, mspId ?? '');
    if (next === config) return { status: 'already-admitted', attestations: config.attestations };
    await writeObject(ctx, FEDERATION_CONFIG_KEY, next);
    return { status: 'admitted', attestations: next.attestations };
  }

  /**
   * Closes the epoch of a service account: its rows become profile and are deleted, the number rises. The first fold opens
   * epoch 0 and takes the account off session rings. Calls in flight have read the old number and fail once with an MVCC
   * conflict, so no row lands in a closed epoch.
   */
  async foldEpoch(ctx: GuardContext, ...[actor]: Args): Promise<JsonObject> {
    const subject = actorArgument(actor, 'actor');
    const { mspId } = callerOf(ctx);
    const openedMs = transactionTimeMs(ctx);
    const state = decodeActorState(await ctx.stub.getState(actorKey(subject, mspId)));
    if (state?.class !== 'service') {
      throw new ChaincodeError('ERR_NOT_FOUND', 'no such service account of this hospital');
    }
    let histogram = EMPTY_HISTOGRAM;
    let rows = 0;
    if (state.epoch !== undefined) {
      const [type, ...attributes] = epochRowPrefix(subject, mspId, state.epoch.number);
      for await (const { key, value } of ctx.stub.getStateByPartialCompositeKey(type, attributes)) {
        histogram = joinHistograms(histogram, decodeStoredRing(value).histogram);
        rows++;
        await ctx.stub.deleteState(key);
      }
    }
    const number = state.epoch === undefined ? 0 : state.epoch.number + 1;
    const profile =
      rows === 0
        ? state.profile
        : encodeProfileText(foldSession(profileOf(state), histogram, openedMs));
    await ctx.stub.putState(
      actorKey(subject, mspId),
      encodeActorState({ ...state, profile, epoch: { number, openedMs } }),
    );
    return { actor: subject, epoch: number, folded: rows };
  }

  /** A node of the caller's own hospital wants to take part; the same request again is success. */
  async requestNode(ctx: GuardContext, ...[node, keyDigest]: Args): Promise<JsonObject> {
    const { mspId } = callerOf(ctx);
    const name = nodeArgument(node);
    const entry = {
      node: name,
      mspId,
      keyDigest: hashArgument(keyDigest, 'keyDigest'),
      state: 'requested' as const,
      atMs: transactionTimeMs(ctx),
    };
    const stored = await readNode(ctx, name);
    if (stored !== null && stored.mspId !== mspId) {
      throw new ChaincodeError('ERR_MSP_NOT_ALLOWED', 'this node belongs to another hospital');
    }
    if (stored !== null && stored.state !== 'revoked') {
      if (stored.keyDigest === entry.keyDigest) return { node: name, state: stored.state };
      throw nodeState(stored, 'request');
    }
    await writeObject(ctx, nodeKey(name), entry);
    return { node: name, state: entry.state };
  }

  /** One vote a hospital; with the m-th the node is approved. */
  async approveNode(ctx: GuardContext, ...[node]: Args): Promise<JsonObject> {
    const { hospitals, attestations: needed } = await readFederationConfig(ctx);
    const { mspId } = callerOf(ctx);
    const entry = await requireNode(ctx, nodeArgument(node));
    const voters = await readVoters(hospitals, (voter) =>
      ctx.stub.getState(nodeVoteKey(entry.node, 'approve', voter)),
    );
    if (entry.state !== 'requested') throw nodeState(entry, 'approve');
    return decideNode(ctx, entry, 'approve', 'approved', agreeing(voters, mspId), needed);
  }

  /** By the node's own hospital at once, or by m others. The reason is a digest, bound by the transaction. */
  async revokeNode(ctx: GuardContext, ...[node, reasonDigest]: Args): Promise<JsonObject> {
    hashArgument(reasonDigest, 'reasonDigest');
    const { hospitals, attestations } = await readFederationConfig(ctx);
    const { mspId } = callerOf(ctx);
    const entry = await requireNode(ctx, nodeArgument(node));
    const voters = await readVoters(hospitals, (voter) =>
      ctx.stub.getState(nodeVoteKey(entry.node, 'revoke', voter)),
    );
    if (entry.state !== 'approved') throw nodeState(entry, 'revoke');
    const needed = mspId === entry.mspId ? 1 : attestations;
    return decideNode(ctx, entry, 'revoke', 'revoked', agreeing(voters, mspId), needed);
  }

  /** One vote a hospital; with the m-th the privacy plan of this hash is approved. */
  async approvePlan(ctx: GuardContext, ...[planHash]: Args): Promise<JsonObject> {
    const { hospitals, attestations: needed } = await readFederationConfig(ctx);
    const { mspId } = callerOf(ctx);
    const hash = hashArgument(planHash, 'planHash');
    const stored = await readObject(ctx, planKey(hash), 'plan');
    const voters = await readVoters(hospitals, (voter) =>
      ctx.stub.getState(planVoteKey(hash, voter)),
    );
    const agreed = agreeing(voters, mspId);
    if (!voters.includes(mspId)) {
      await writeObject(ctx, planVoteKey(hash, mspId), { atMs: transactionTimeMs(ctx) });
    }
    const approved = stored !== null || agreed.length >= needed;
    if (approved && stored === null) {
      const atMs = transactionTimeMs(ctx);
      await writeObject(ctx, planKey(hash), { planHash: hash, approvers: agreed, atMs });
    }
    return { planHash: hash, approved, approvers: agreed };
  }

  /** What a round left: digest of its manifest, heads of the hospitals' privacy ledgers. The same again is success. */
  async anchorRound(
    ctx: GuardContext,
    ...[slot, manifestDigest, ledgerHeads]: Args
  ): Promise<JsonObject> {
    const index = integerArgument(slot, 'slot');
    const anchor = {
      slot: index,
      manifestDigest: hashArgument(manifestDigest, 'manifestDigest'),
      ledgerHeads: parseHeads(ledgerHeads ?? ''),
    };
    const stored = await readObject(ctx, roundKey(index), 'round');
    if (stored === null) {
      await writeObject(ctx, roundKey(index), anchor);
      return { status: 'anchored', slot: index };
    }
    if (canonicalJson(stored) !== canonicalJson(anchor)) {
      throw new ChaincodeError('ERR_CONFIGURED_DIFFERENTLY', 'the round was anchored differently');
    }
    return { status: 'already-anchored', slot: index };
  }

  /** Head of the hospital's own audit stream: number of entries and hash of the last. */
  async anchorAudit(ctx: GuardContext, ...[count, head]: Args): Promise<JsonObject> {
    const { mspId } = callerOf(ctx);
    const anchor = {
      count: integerArgument(count, 'count'),
      head: hashArgument(head, 'head'),
      atMs: transactionTimeMs(ctx),
    };
    await writeObject(ctx, auditAnchorKey(mspId, ctx.stub.getTxID()), anchor);
    return { mspId, ...anchor };
  }

  async config(ctx: GuardContext): Promise<JsonObject> {
    return { config: await readObject(ctx, FEDERATION_CONFIG_KEY, 'federation config') };
  }

  async node(ctx: GuardContext, ...[node]: Args): Promise<JsonObject> {
    return { node: await readObject(ctx, nodeKey(nodeArgument(node)), 'node') };
  }

  async plan(ctx: GuardContext, ...[planHash]: Args): Promise<JsonObject> {
    return { plan: await readObject(ctx, planKey(hashArgument(planHash, 'planHash')), 'plan') };
  }

  async round(ctx: GuardContext, ...[slot]: Args): Promise<JsonObject> {
    return { round: await readObject(ctx, roundKey(integerArgument(slot, 'slot')), 'round') };
  }
}

const HEADS_BYTES_MAX = 4096;

/** `{"<node>": "<seq>:<sha256>"}`. */
function parseHeads(text: string): JsonObject {
  const refused = refusedArgument('ledgerHeads', 'a JSON object of <seq>:<SHA-256> by node');
  if (text.length > HEADS_BYTES_MAX) throw refused;
  let heads: JsonObject;
  try {
    heads = parseJsonObject(text, 'ledgerHeads');
  } catch {
    throw refused;
  }
  for (const node of Object.keys(heads).sort(byCodeUnit)) {
    const head = heads[nodeArgument(node)];
    if (typeof head !== 'string' || !/^[0-9]{1,15}:[0-9a-f]{64}$/.test(head)) throw refused;
  }
  return heads;
}

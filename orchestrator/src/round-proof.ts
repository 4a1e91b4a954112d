/**
 * What can be proved of a sealed round from what is stored, one check after the other.
 * @module
 */
import { canonicalJson, type JsonValue } from '@bhschain/dp';
import { OrchestratorError, VerificationError } from './errors.js';
import { manifestDigest, verifyManifest, type Manifest } from './protocol/manifest.js';
import { verifyReceipt } from './protocol/receipt.js';
import { replayRound } from './protocol/replay.js';
import { policyHash } from './round/policy.js';
import type { Round, RoundEvent } from './round/round.js';
import { scheduleRound, step } from './round/step.js';
import type { ObjectStore } from './store/objects.js';
import type { FederationStore, StoredManifest } from './store/store.js';

export interface RoundProof {
  readonly manifest: Manifest;
  readonly manifestDigest: string;
  readonly resultModel: string;
  readonly acceptedCount: number;
}

export interface RoundProofOptions {
  readonly store: FederationStore;
  readonly objects: ObjectStore;
  readonly federationId: string;
  /** PEM: whose signatures under manifests and receipts count. */
  readonly trustedSigners: readonly string[];
  /** PEM: every authority that ever certified nodes. */
  readonly trustedAuthorities: readonly string[];
}

/**
 * Checks the manifest's signature and place in the chain, every envelope, and recomputes the model.
 * @throws {VerificationError} `ERR_MANIFEST…`, `ERR_REPLAY` with the first thing that does not check
 */
export async function proveRound(
  o: RoundProofOptions,
  stored: StoredManifest,
): Promise<RoundProof> {
  const manifest = verified(o, stored);
  const { resultModel, acceptedCount } = await replayRound({
    manifest,
    parent: await parentOf(o, manifest),
    evidence: await o.store.rounds.submissions(stored.key),
    trustedAuthorities: o.trustedAuthorities,
    objectOf: async (digest) => {
      const bytes = await o.objects.get(digest);
      if (bytes !== null) return bytes;
      throw new OrchestratorError('ERR_OBJECT_UNKNOWN', `object ${digest} is not in the store`);
    },
  });
  return { manifest, manifestDigest: stored.digest, resultModel, acceptedCount };
}

function verified(o: RoundProofOptions, stored: StoredManifest): Manifest {
  return verifyManifest({
    bytes: stored.bytes,
    signature: stored.signature,
    signerCertificate: stored.signer,
    trustedSigners: o.trustedSigners,
    federationId: o.federationId,
    previousManifest: stored.previous,
  });
}

/** The manifest that made the base model; null where the base is the genesis model. */
async function parentOf(o: RoundProofOptions, manifest: Manifest): Promise<Manifest | null> {
  const parent = (await o.store.lineage.models()).findLast(
    (each) => each.digest === manifest.baseModel,
  );
  if (parent === undefined) {
    throw new VerificationError('ERR_REPLAY', 'the base model is not on record', {
      slotIndex: manifest.roundId.slotIndex,
    });
  }
  if (parent.manifest === '') return null;
  const made = (await o.store.lineage.manifestsAfter(-1, Number.MAX_SAFE_INTEGER)).find(
    (each) => each.digest === parent.manifest,
  );
  return made === undefined ? null : verified(o, made);
}

export interface RoundCheck {
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** Everything that the store can show about a sealed round, each as a line with its answer. */
export async function verifyRound(
  o: RoundProofOptions,
  stored: StoredManifest,
): Promise<readonly RoundCheck[]> {
  const found = await o.store.rounds.find(stored.key);
  const round = found?.round ?? null;
  const submissions = await o.store.rounds.submissions(stored.key);
  const check = async (name: string, run: () => Promise<string> | string): Promise<RoundCheck> => {
    try {
      return { check: name, ok: true, detail: await run() };
    } catch (cause) {
      return { check: name, ok: false, detail: cause instanceof Error ? cause.message : 'unknown' };
    }
  };
  return [
    await check('manifest is signed and names its predecessor', () => {
      verified(o, stored);
      return manifestDigest(stored.bytes);
    }),
    await check('manifest is that of the stored round', () => {
      const manifest = verified(o, stored);
      assert(round !== null, 'the round is not on record');
      assert(round.manifest === stored.digest, 'the round names another manifest');
      assert(manifest.policyHash === policyHash(round.policy), 'another policy');
      assert(manifest.resultModel === round.resultModel, 'another result');
      return `policy ${manifest.policyHash}`;
    }),
    await check('stored events lead to the stored round', async () => {
      assert(round !== null, 'the round is not on record');
      const events = await o.store.rounds.events(stored.key);
      const replayed = canonicalJson(replayEvents(round, events) as unknown as JsonValue);
      assert(replayed === canonicalJson(round as unknown as JsonValue), 'they lead elsewhere');
      return `${events.length} events`;
    }),
    await check('receipts are signed and say what the round says', () => {
      for (const each of submissions) {
        const receipt = verifyReceipt({
          bytes: each.receipt,
          signature: each.receiptSignature,
          signerCertificate: each.receiptSigner,
          trustedSigners: o.trustedSigners,
        });
        const member = round?.members[each.nodeId];
        assert(receipt.update === member?.update, `another update of ${each.nodeId}`);
      }
      return `${submissions.length} receipts`;
    }),
    await check('envelopes are signed and the model recomputes to the bit', async () => {
      const proof = await proveRound(o, stored);
      return `${proof.acceptedCount} updates → ${proof.resultModel}`;
    }),
  ];
}

/** The state that the events lead to, from the facts that the round was frozen with. */
export function replayEvents(
  facts: Round,
  events: readonly (RoundEvent | Readonly<{ kind: 'slot-due'; atMs: number }>)[],
): Round {
  const [first, ...rest] = events;
  if (first === undefined) throw new VerificationError('ERR_REPLAY', 'round: it has no events');
  const { round } = scheduleRound(
    { ...facts, roster: Object.keys(facts.members) },
    { atMs: first.atMs, skip: null },
  );
  return rest.reduce((state, event) => step(state, event as RoundEvent).round, round);
}

function assert(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new VerificationError('ERR_REPLAY', otherwise);
}

/**
 * The orchestrator's side of one round, kept in a file, so that it outlives a node that is killed. It offers the work unit
 * until an update is in, as the real one does, and remembers every byte it was sent.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { encodePlan, planHash, sha256Hex, type PrivacyPlan } from '@bhschain/dp';
import {
  encodeEnvelope,
  encodeParameters,
  FederationError,
  type FederationClient,
  type Hello,
  type Manifest,
  type RoundId,
  type UpdateEnvelope,
  type VerifiedManifest,
  type WorkUnit,
} from '@bhschain/orchestrator/protocol';

export interface PaperFact {
  readonly kind: 'submitted' | 'declined';
  readonly slotIndex: number;
  readonly update: string;
  readonly envelope: string;
  readonly ledgerSeq: number;
  readonly releases: readonly string[];
  readonly reason: string;
}

export interface PaperFederationOptions {
  readonly file: string;
  readonly plan: PrivacyPlan;
  /** What the federation document says leaves a hospital; what the plan releases, if left out; null: says nothing. */
  readonly releases?: readonly string[] | null;
  readonly layoutHash: string;
  readonly base: Int32Array;
  readonly slotIndex: number;
  readonly slotLengthMs: number;
  /** Set, the federation merges so many missed slots at most. */
  readonly mergeSlotsMax?: number;
  readonly interval: WorkUnit['interval'];
  readonly replay: {
    readonly originSlot: number;
    readonly originLogTimeMs: number;
    readonly logSlotMs: number;
  } | null;
  /** Offers the round again although an update is in, as for a second attempt. */
  readonly insists?: boolean;
  readonly sealed?: boolean;
  readonly highestLedgerHead?: Hello['highestLedgerHead'];
  readonly clockOffsetMs?: number;
  readonly clockErrorMs?: number;
  readonly unit?: Partial<WorkUnit>;
  /** Fails so many submissions before it takes one. */
  readonly failures?: FederationError[];
}

export function factsOf(file: string): PaperFact[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as PaperFact);
}

export function paperFederation(o: PaperFederationOptions): FederationClient {
  const base = encodeParameters(o.base);
  const roundId: RoundId = { federationId: 'fed', slotIndex: o.slotIndex, attempt: 1 };
  const failures = [...(o.failures ?? [])];
  const facts = (): PaperFact[] => factsOf(o.file);
  const unit: WorkUnit = {
    roundId,
    plan: encodePlan(o.plan),
    planHash: planHash(o.plan),
    layoutHash: o.layoutHash,
    baseModel: sha256Hex(base),
    interval: o.interval,
    deadlineInMs: 5_000,
    submitNotBeforeInMs: 0,
    objectBytesMax: 1 << 20,
    ...o.unit,
  };
  const document = {
    federationId: 'fed',
    policy: {
      slotLengthMs: o.slotLengthMs,
      catchUp: o.mergeSlotsMax === undefined ? 'skip' : 'merge',
      mergeSlotsMax: o.mergeSlotsMax ?? 4,
    },
    replay: o.replay,
    ...(o.releases === null
      ? {}
      : { releases: o.releases ?? ['update', ...o.plan.releases.map(({ name }) => name)] }),
  };
  const note = (fact: PaperFact): void =>
    appendFileSync(o.file, `${JSON.stringify(fact)}\n`, { flush: true });
  const none = { update: '', envelope: '', ledgerSeq: 0, releases: [], reason: '' };
  return {
    hello: () =>
      Promise.resolve({
        level: 1,
        clockOffsetMs: o.clockOffsetMs ?? 0,
        clockErrorMs: o.clockErrorMs ?? 0,
        federationDocument: Buffer.from(JSON.stringify(document)),
        revocationEpoch: 0,
        highestLedgerHead: o.highestLedgerHead ?? null,
      }),
    getWork: () => {
      const done = facts().some((fact) => fact.slotIndex === o.slotIndex);
      return Promise.resolve(
        done && o.insists !== true
          ? { kind: 'idle', reason: 'between rounds', nextSlotInMs: 0, pollAfterInMs: 1 }
          : { kind: 'train', unit, pollAfterInMs: 1 },
      );
    },
    getObject: (digest) =>
      digest === sha256Hex(base)
        ? Promise.resolve(base)
        : Promise.reject(new FederationError('ERR_OBJECT_UNKNOWN', 'no such object')),
    submitUpdate: ({ envelope, update }: { envelope: UpdateEnvelope; update: Uint8Array }) => {
      const failure = failures.shift();
      if (failure !== undefined) return Promise.reject(failure);
      note({
        ...none,
        kind: 'submitted',
        slotIndex: envelope.roundId.slotIndex,
        update: sha256Hex(update),
        envelope: sha256Hex(encodeEnvelope(envelope)),
        ledgerSeq: envelope.ledgerHead.seq,
        releases: envelope.releases.map(({ name, length }) => `${name} ${length}`),
      });
      const receipt = {
        roundId,
        nodeId: envelope.nodeId,
        envelope: '',
        update: sha256Hex(update),
        verdict: 'accepted' as const,
        reason: '',
        atMs: 0,
      };
      const bytes = Buffer.from(JSON.stringify(receipt));
      return Promise.resolve({ receipt, bytes, signature: bytes, signerCertificate: '' });
    },
    declineRound: (id, reason) => {
      note({ ...none, kind: 'declined', slotIndex: id.slotIndex, reason });
      return Promise.resolve();
    },
    listManifests: () =>
      Promise.resolve(
        o.sealed === true
          ? [{ roundId, manifest: 'f'.repeat(64), previousManifest: '', resultModel: '' }]
          : [],
      ),
    getManifest: () => {
      const submitted = facts().find((fact) => fact.kind === 'submitted');
      const manifest = {
        contributions: [{ nodeId: 'H1', verdict: 'accepted', update: submitted?.update ?? '' }],
      } as unknown as Manifest;
      return Promise.resolve({ manifest } as VerifiedManifest);
    },
    reportPhase: () => Promise.resolve({ deadlineInMs: 5_000 }),
    getReceipt: () => Promise.reject(new FederationError('ERR_ROUND_UNKNOWN', 'none')),
    getTrust: () => Promise.resolve({ epoch: 0, revoked: [], ca: '' }),
    renewCertificate: () => Promise.reject(new FederationError('ERR_REQUEST', 'none here')),
    setParticipation: () => Promise.resolve(),
    declareBudget: () => Promise.resolve(),
    close: () => undefined,
    [Symbol.dispose]: () => undefined,
  };
}

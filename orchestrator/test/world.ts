/**
 * A running orchestrator for tests: real gRPC over mutual TLS, real SQLite on disk, a channel in memory, and clients that are
 * the published one. Its clock is the machine's, turned ahead to where a slot begins (`nextSlot`): so no test waits for a
 * boundary, and every phase is long enough for a slow machine.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { sha256Hex } from '@bhschain/dp';
import { DETECTOR_ZERO } from '@bhschain/models/detector';
import type { AdmissionLimits } from '../src/admission.js';
import type { Authority, IssuedIdentity } from '../src/enrolment/authority.js';
import type { Federation, Signer } from '../src/federation.js';
import { createMetrics } from '../src/metrics.js';
import { createOrchestrator, type Orchestrator } from '../src/orchestrator.js';
import {
  createFederationClient,
  describeReleases,
  encodeParameters,
  type FederationClient,
  type UpdateEnvelope,
  type WorkUnit,
} from '../src/protocol.js';
import type { HistogramFacts } from '../src/aggregation/screening.js';
import type { Ballots } from '../src/publication/ballots.js';
import { slotAt, slotStartMs } from '../src/round/calendar.js';
import type { RoundPolicy } from '../src/round/policy.js';
import type { ConnectionLimits } from '../src/listening.js';
import type { SignInOptions } from '../src/sign-in/sign-in-routes.js';
import { SOLE } from '../src/store/leadership.js';
import type { ObjectStore } from '../src/store/objects.js';
import type { FederationStore } from '../src/store/store.js';
import {
  FEDERATION_ID,
  MemoryChannel,
  openDisk,
  temporaryFolder,
  testAuthority,
  testFederation,
  testSigner,
} from './consortium.js';

/** How far the clock of this file's world is ahead of the machine's. */
let aheadMs = 0;
export const nowMs = (): number => Date.now() + aheadMs;
/** A phase ends when all have done their part; these bounds are waited for only where somebody does not. */
const POLICY = {
  slotLengthMs: 50_000,
  openDelayMs: 50,
  gatherMaxMs: 5_000,
  collectMaxMs: 30_000,
  graceMs: 5_000,
  sealMaxMs: 5_000,
};

export interface World {
  folder: string;
  store: FederationStore;
  orchestrator: Orchestrator;
  authority: Authority;
  trusted: string;
  channel: MemoryChannel;
  /** Turns the clock to where the next slot begins, and returns its number. */
  nextSlot(): number;
  /** What a desk is made of, for calls that the published client would never make. */
  parts: {
    federation: Federation;
    store: FederationStore;
    objects: ObjectStore;
    signer: Signer;
    nowMs: () => number;
  };
  client(
    nodeId: string,
    o?: {
      authority?: Authority;
      certificateOf?: string;
      identity?: IssuedIdentity;
      issuedAtMs?: number;
      nowMs?: () => number;
      address?: string;
    },
  ): Promise<FederationClient>;
}

/** For what has to come; a test that waits for several such things has a time limit of its own. */
const PATIENCE_MS = 25_000;

/** What a test has opened; give `closeAll` to `afterEach`. */
export const opened: (() => Promise<void> | void)[] = [];
export async function closeAll(): Promise<void> {
  for (const close of opened.splice(0).reverse()) await close();
}

export async function startWorld(
  policy: Partial<RoundPolicy> = {},
  o: Readonly<{
    parameterCount?: number;
    limits?: AdmissionLimits;
    connectionLimits?: ConnectionLimits;
    nowMs?: () => number;
    nodes?: number;
    enrolment?: boolean;
    dashboardDir?: string;
    httpPort?: number;
    signIn?: SignInOptions;
    ballots?: Ballots;
    /** Switches the histogram of scores on, with a table that can be moved. */
    histogram?: HistogramFacts;
  }> = {},
): Promise<World> {
  const parameterCount = o.parameterCount ?? 64;
  aheadMs = 0;
  const folder = temporaryFolder();
  opened.push(folder.remove);
  const { signer, trusted } = await testSigner(folder.path, nowMs());
  const authority = await testAuthority(folder.path, nowMs());
  const channel = new MemoryChannel();
  channel.attesters = ['H1MSP', 'H2MSP'];
  const disk = await openDisk(folder.path, nowMs());
  const federation = testFederation({
    parameterCount,
    ...(o.nodes === undefined ? {} : { nodes: o.nodes }),
    ...(o.histogram === undefined ? {} : { histogram: o.histogram }),
    policy: { ...POLICY, ...policy },
  });
  const orchestrator = await createOrchestrator({
    federation,
    ...disk,
    leadership: SOLE,
    signer,
    authority,
    channel,
    builder: {
      build: (previous, facts) => Buffer.concat([previous, encodeParameters(facts.parameters)]),
      judge: () => ({ passed: true, reason: '', auc: 1, alertRatePpm: 32_000 }),
    },
    genesis: {
      detector: Buffer.from('detector zero'),
      table: o.histogram === undefined ? Buffer.from('table') : DETECTOR_ZERO.tableBytes,
    },
    configuration: '{}',
    attestations: 2,
    attestMaxMs: 60_000,
    listen: { host: '127.0.0.1', port: 0 },
    http: { host: '127.0.0.1', port: o.httpPort ?? 0 },
    ...(o.signIn === undefined ? {} : { signIn: o.signIn }),
    ...(o.ballots === undefined ? {} : { ballots: o.ballots }),
    ...(o.dashboardDir === undefined ? {} : { dashboardDir: o.dashboardDir }),
    enrolment:
      o.enrolment === true ? { host: '127.0.0.1', port: 0, federationAddress: null } : null,
    ...(o.limits === undefined ? {} : { limits: o.limits }),
    ...(o.connectionLimits === undefined ? {} : { connectionLimits: o.connectionLimits }),
    serverNames: ['localhost', '127.0.0.1'],
    metrics: createMetrics(),
    nowMs: o.nowMs ?? nowMs,
    jitter: () => 0.5,
  });
  opened.push(() => orchestrator.close());
  return {
    folder: folder.path,
    store: disk.store,
    parts: { federation, ...disk, signer, nowMs: o.nowMs ?? nowMs },
    orchestrator,
    authority,
    trusted,
    channel,
    nextSlot: () => {
      const { slotLengthMs } = federation.policy;
      const slotIndex = slotAt(nowMs(), slotLengthMs) + 1;
      aheadMs += slotStartMs(slotIndex, slotLengthMs) - nowMs();
      return slotIndex;
    },
    client: async (nodeId, o = {}) => {
      const issuer = o.authority ?? authority;
      const identity =
        o.identity ?? (await issuer.issueNode(o.certificateOf ?? nodeId, o.issuedAtMs ?? nowMs()));
      const client = createFederationClient({
        address: o.address ?? `127.0.0.1:${orchestrator.port}`,
        federationId: FEDERATION_ID,
        nodeId,
        ca: o.identity?.ca ?? authority.bundlePem,
        certificate: identity.certificate,
        privateKey: identity.privateKey,
        trustedSigners: [trusted],
        nowMs: o.nowMs ?? nowMs,
      });
      opened.push(() => client.close());
      return client;
    },
  };
}

/** @param parameterCount - what lies beyond in `update` is the histogram */
export function envelopeFor(
  unit: WorkUnit,
  nodeId: string,
  update: Uint8Array,
  parameterCount: number = update.length / 4,
): UpdateEnvelope {
  return {
    schema: 1,
    roundId: unit.roundId,
    nodeId,
    planHash: unit.planHash,
    layoutHash: unit.layoutHash,
    baseModel: unit.baseModel,
    releases: describeReleases(update, parameterCount),
    ledgerHead: { seq: 3, hash: sha256Hex(`ledger of ${nodeId}`) },
    dataCommitment: '',
    software: 'test',
    kernelHash: sha256Hex('kernel'),
  };
}

export async function takeWork(client: FederationClient): Promise<WorkUnit> {
  const giveUpMs = Date.now() + PATIENCE_MS;
  while (Date.now() < giveUpMs) {
    const work = await client.getWork({ state: 'ready' });
    if (work.kind === 'train') return work.unit;
    await sleep(50);
  }
  throw new Error('no work came');
}

export async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  const giveUpMs = Date.now() + PATIENCE_MS;
  while (Date.now() < giveUpMs) {
    if (await condition()) return;
    await sleep(50);
  }
  throw new Error('condition never came true');
}

/** Another node that says it is ready until the round collects, so that the quorum to start is there. */
export async function keepReady(client: FederationClient): Promise<never> {
  for (;;) {
    await client.getWork({ state: 'ready' });
    await sleep(50);
  }
}

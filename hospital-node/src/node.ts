/**
 * A hospital node, put together: log → windows → private training → round; block stream → review; proposed detector →
 * attestation. Clock, randomness, network of timers and logger come in; nothing here reads the environment.
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SecureRandom } from '@bhschain/dp';
import { DEFAULT_ARCHITECTURE, DEFAULT_LAYOUT_HASH, layoutOf } from '@bhschain/models/architecture';
import { DETECTOR_ZERO, PUBLIC_CANARIES } from '@bhschain/models/detector';
import { ACT_COUNT } from '@bhschain/models/features';
import { kernelHash } from '@bhschain/models/kernel';
import { createFederationClient, type FederationClient } from '@bhschain/orchestrator/protocol';
import type { Logger } from 'pino';
import {
  createHandles,
  createLogFollower,
  createWindowStore,
  type LogFollower,
  type WindowStore,
} from './access-log/index.js';
import type { NodeConfig } from './config.js';
import { createAttestor, type Attestor, type DetectorVerdict } from './detector/attestor.js';
import { createDetectorRegistry } from './detector/detector-registry.js';
import { readActorDirectory, type ActorDirectory } from './enrolment/actor-directory.js';
import { enrolActors } from './enrolment/starting-profiles.js';
import { codeOf, HospitalNodeError } from './errors.js';
import {
  createBlockFollower,
  type BlockFollower,
  type FollowedBlock,
} from './fabric/block-follower.js';
import { connectFabric, type FabricConnection } from './fabric/connection.js';
import { readIdentity } from './fabric/identity.js';
import { startHttpServer, type HttpServer } from './http-server.js';
import { createNodeMetrics, type NodeMetrics } from './metrics.js';
import { readOrMakeNodeKey } from './node-key.js';
import { sentencesOf, type NodeStatus } from './node-status.js';
import { openPrivacyLedger, type PrivacyLedger } from './privacy-ledger/index.js';
import { openReviewStore, type ReviewStore } from './review/review-store.js';
import { openReleaseStore } from './round/release-store.js';
import {
  createRoundAgent,
  type RoundAgent,
  type RoundStep,
  type RoundSummary,
} from './round/round-agent.js';
import { createRoundTrainer } from './round/round-trainer.js';
import { lockState, openNodeDatabase, type NodeDatabase, type StateLock } from './store/index.js';
import { createNoisePool, type NoisePool } from './training/noise-pool.js';
import { createTrainingPool, type TrainingPool } from './training/training-pool.js';

export const SOFTWARE = 'hospital-node/0.1.0';

export interface HospitalNodeOptions {
  readonly config: NodeConfig;
  readonly pid: number;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** The platform's CSPRNG, for keys. */
  readonly fillBytes: (bytes: Uint8Array) => void;
  /** The same, as words, for noise and masks. */
  readonly random: SecureRandom;
  /** Uniform in [0, 1), for jitter. */
  readonly jitter: () => number;
  readonly log: Logger;
  /** Progress, for a parent that shows it: small facts, never a person, never a parameter. */
  readonly onHop?: (hop: string, facts: Readonly<Record<string, string | number | null>>) => void;
}

export interface HospitalNode {
  readonly port: number;
  status(): NodeStatus;
  /** Rejects when a part that nothing can mend has failed; resolves after `close`. */
  readonly finished: Promise<void>;
  close(): Promise<void>;
}

const LOG_POLL_MS = 1_000;
const FABRIC_RETRY_MS = 1_000;
const STATUS_EVERY_MS = 2_000;
const PAUSED_SETTING = 'paused';

/**
 * Opens everything in the order in which a fault should be noticed – lock, privacy ledger, database, log – and resolves
 * when the HTTP server answers.
 */
export async function startHospitalNode(options: HospitalNodeOptions): Promise<HospitalNode> {
  const node = new RunningNode(options);
  try {
    await node.start();
  } catch (error) {
    await node.close();
    throw error;
  }
  return node;
}

class RunningNode implements HospitalNode {
  readonly #o: HospitalNodeOptions;
  readonly #abort = new AbortController();
  readonly #metrics: NodeMetrics = createNodeMetrics();
  readonly #finished = deferred();
  /** Closed in the reverse of their order. */
  readonly #closers: (() => void | Promise<void>)[] = [];
  readonly #tasks: Promise<void>[] = [];
  #ledger!: PrivacyLedger;
  #database!: NodeDatabase;
  #windows!: WindowStore;
  #follower!: LogFollower;
  #directory!: ActorDirectory;
  #agent!: RoundAgent;
  #attestor!: Attestor;
  #blocks: BlockFollower | null = null;
  #http: HttpServer | null = null;
  #paused = false;
  #logFault: HospitalNodeError | null = null;
  #verdicts: readonly DetectorVerdict[] = [];
  #enrolled: number | null = null;
  #spend: { readonly records: number; readonly report: ReturnType<PrivacyLedger['spent']> } | null =
    null;
  #debitedAtMs = 0;

  constructor(options: HospitalNodeOptions) {
    this.#o = options;
  }

  get port(): number {
    return this.#http?.port ?? 0;
  }

  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  async start(): Promise<void> {
    const { config } = this.#o;
    this.#own(lockState(config.stateDir, this.#o.pid), (lock: StateLock) => lock.release());
    this.#ledger = this.#own(
      openPrivacyLedger({
        file: join(config.stateDir, 'privacy-ledger.jsonl'),
        nodeId: config.nodeId,
        ceilings: config.privacy.ceilings,
        now: this.#o.nowMs,
      }),
      (ledger) => ledger.close(),
    );
    const { tornTail } = this.#ledger;
    if (tornTail !== null) this.#o.log.warn(tornTail, 'unfinished privacy ledger record set aside');
    const databaseFile = join(config.stateDir, 'node.sqlite');
    this.#database = this.#own(openNodeDatabase({ file: databaseFile }), (database) =>
      database.destroy(),
    );
    const review = this.#own(openReviewStore({ file: databaseFile }), (store) => store.close());
    await this.#openLog();
    const client = this.#own(this.#federation(), (federation) => federation.close());
    await this.#openAgent(client, review);
    this.#run('round agent', (signal) => this.#agent.run(signal));
    this.#run('access log', (signal) => this.#followLog(signal));
    this.#run('status', (signal) => this.#refresh(signal));
    await this.#openChannel(client, review, databaseFile);
  }

  status(): NodeStatus {
    const agent = this.#agent.status();
    const facts: Omit<NodeStatus, 'sentences'> = {
      nodeId: this.#o.config.nodeId,
      federationId: this.#o.config.federation.id,
      agent: {
        phase: agent.phase,
        sentence: agent.sentence,
        code: agent.code,
        clockOffsetMs: agent.clockOffsetMs,
        nextSlotAtMs: agent.nextSlotAtMs,
        replay: agent.calendar?.replay != null,
      },
      lastRound: agent.lastRound,
      lastTraining: agent.lastTraining,
      privacy: {
        ...this.#spent(),
        unit: agent.plan?.unit ?? null,
        noiseMultiplier: agent.plan?.noiseMultiplier ?? null,
        planHash: this.#ledger.releases().at(-1)?.planHash ?? null,
        ledgerRecords: this.#ledger.recordCount,
        ledgerHead: this.#ledger.head.hash,
        tornTail: this.#ledger.tornTail?.file ?? null,
      },
      log: { ...this.#follower.status(), fault: this.#logFault?.message ?? null },
      detectors: this.#verdicts,
      enrolledActors: this.#enrolled,
    };
    return { ...facts, sentences: sentencesOf(facts) };
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await Promise.allSettled(this.#tasks);
    for (const close of this.#closers.splice(0).reverse()) await close();
    this.#finished.resolve();
  }

  #own<T>(opened: T, close: (opened: T) => void | Promise<void>): T {
    this.#closers.push(() => close(opened));
    return opened;
  }

  /** A part that ends with an error ends the node: it is not a node any more. */
  #run(name: string, part: (signal: AbortSignal) => Promise<void>): void {
    this.#tasks.push(
      part(this.#abort.signal).catch((error: unknown) => {
        if (this.#abort.signal.aborted) return;
        this.#o.log.fatal(
          { part: name, code: codeOf(error), err: error },
          'a part of the node failed',
        );
        this.#finished.reject(error);
      }),
    );
  }

  #federation(): FederationClient {
    const { config, nowMs } = this.#o;
    const { federation } = config;
    return createFederationClient({
      address: federation.address,
      federationId: federation.id,
      nodeId: config.nodeId,
      ca: readText(federation.tls.ca),
      certificate: readText(federation.tls.cert),
      privateKey: readText(federation.tls.key),
      trustedSigners: [readText(federation.signerCa)],
      nowMs,
    });
  }

  async #openLog(): Promise<void> {
    const { config, log } = this.#o;
    const handles = createHandles(
      readOrMakeNodeKey(join(config.stateDir, 'node.key'), this.#o.fillBytes),
    );
    this.#directory = readActorDirectory(config.actorsFile, handles);
    const coded = config.vocabulary !== null;
    this.#windows = createWindowStore({
      database: this.#database,
      binMs: config.windows.binMs,
      retentionDays: config.windows.retentionDays,
    });
    this.#follower = this.#own(
      await createLogFollower({
        file: config.log.file,
        nodeId: config.nodeId,
        handles,
        store: this.#windows,
        binMs: config.windows.binMs,
        watermarkMs: config.log.watermarkMs,
        liveFromMs: config.log.liveFromMs,
        timeGranularity: config.timeGranularity,
        roles: coded ? null : DETECTOR_ZERO.detector.roles,
        vocabularySize: config.vocabulary?.size ?? ACT_COUNT,
        log: log.child({ part: 'access-log' }),
      }),
      (follower) => follower.close(),
    );
  }

  async #openAgent(client: FederationClient, review: ReviewStore): Promise<void> {
    const { config, log } = this.#o;
    const noise: NoisePool = this.#own(createNoisePool(this.#o.random), (pool) => pool.close());
    const pool: TrainingPool = this.#own(createTrainingPool(config.training), (workers) =>
      workers.close(),
    );
    this.#paused = await this.#readPaused();
    this.#agent = createRoundAgent({
      client,
      ledger: this.#ledger,
      releases: openReleaseStore(join(config.stateDir, 'releases')),
      trainer: createRoundTrainer({
        noise,
        pool,
        windows: this.#windows,
        labels: review.windowLabels(this.#directory),
        log: this.#follower,
        random: this.#o.random,
        architecture: DEFAULT_ARCHITECTURE,
        normaliser: DETECTOR_ZERO.detector.normaliser,
      }),
      nodeId: config.nodeId,
      software: SOFTWARE,
      kernelHash,
      layoutHash: DEFAULT_LAYOUT_HASH,
      parameterCount: layoutOf(DEFAULT_ARCHITECTURE).parameterCount,
      binMs: config.windows.binMs,
      approvedPlans: config.privacy.approvedPlans,
      isPaused: () => this.#paused,
      notReady: () => this.#logFault,
      nowMs: this.#o.nowMs,
      monotonicMs: this.#o.monotonicMs,
      random: this.#o.jitter,
      sleep: this.#o.sleep,
      onStep: (step, { slotIndex }) => this.#onStep(step, slotIndex),
      onRound: (summary) => this.#onRound(summary),
      log: log.child({ part: 'round' }),
    });
  }

  /** The channel may be away at start: rounds go on without it, the page waits for it. */
  async #openChannel(client: FederationClient, review: ReviewStore, file: string): Promise<void> {
    const { config, log, nowMs, jitter } = this.#o;
    const fabric = this.#own(await this.#connect(), (connection) => connection.close());
    const nodeAuthorities = [readText(config.federation.tls.ca)];
    this.#attestor = createAttestor({
      registry: createDetectorRegistry(fabric),
      database: this.#database,
      mspId: config.mspId,
      context: () => ({
        client,
        published: DETECTOR_ZERO,
        canaries: PUBLIC_CANARIES,
        nodeId: config.nodeId,
        nodeAuthorities,
        slotLengthMs: this.#agent.status().calendar?.slotLengthMs ?? null,
        ownRelease: (slotIndex) =>
          this.#ledger.releases().find((each) => each.roundId.slotIndex === slotIndex) ?? null,
      }),
      sleep: this.#o.sleep,
      onVerdict: (verdict) => this.#onVerdict(verdict),
      log: log.child({ part: 'detector' }),
    });
    const blocks = this.#own(
      createBlockFollower({
        connection: fabric,
        file,
        consumers: [review.consumer],
        now: nowMs,
        random: jitter,
        log: log.child({ part: 'blocks' }),
        afterBlock: (block) => {
          if (namesDetector(block)) this.#attestor.poke();
        },
      }),
      (follower) => follower.close(),
    );
    this.#blocks = blocks;
    this.#run('block stream', (signal) => blocks.run(signal));
    this.#run('attestation', (signal) => this.#attestor.run(signal));
    this.#run('enrolment', (signal) => this.#enrol(fabric, signal));
    this.#http = this.#own(
      await startHttpServer({
        host: config.http.host,
        port: config.http.port,
        consoleDir: config.consoleDir,
        hospital: config.nodeId,
        mspId: config.mspId,
        review,
        fabric,
        follower: blocks,
        metrics: this.#metrics.registry,
        ready: () => this.#readiness(),
        status: () => this.status(),
        now: nowMs,
        log: log.child({ part: 'http' }),
      }),
      (server) => server.close(),
    );
  }

  async #connect(): Promise<FabricConnection> {
    const { config, log, nowMs, jitter, sleep } = this.#o;
    const { signal } = this.#abort;
    const identity = readIdentity({
      mspId: config.mspId,
      certFile: config.fabric.cert,
      keyFile: config.fabric.key,
    });
    for (;;) {
      try {
        return await connectFabric({
          endpoints: config.fabric.endpoints,
          tlsRootPem: readText(config.fabric.tlsRoot),
          channel: config.fabric.channel,
          chaincode: config.fabric.chaincode,
          identity,
          now: nowMs,
          random: jitter,
        });
      } catch (error) {
        if (codeOf(error) !== 'ERR_FABRIC_UNAVAILABLE') throw error;
        log.warn({ code: codeOf(error) }, 'no gateway yet');
        await sleep(FABRIC_RETRY_MS, signal);
      }
    }
  }

  async #followLog(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#follower.pump();
        this.#logFault = null;
      } catch (error) {
        if (!(error instanceof HospitalNodeError)) throw error;
        this.#logFault = error;
        this.#o.log.error({ code: error.code, facts: error.facts }, 'access log not followed');
        // More lines would not make a refused log better; a person has to look. Review goes on.
        return;
      }
      await this.#o.sleep(LOG_POLL_MS, signal).catch(() => undefined);
    }
  }

  async #enrol(fabric: FabricConnection, signal: AbortSignal): Promise<void> {
    const { log, sleep } = this.#o;
    while (!signal.aborted && this.#enrolled === null) {
      const { closedThroughMs, liveFromMs } = this.#follower.status();
      if (liveFromMs === null || (closedThroughMs ?? -1) < liveFromMs) {
        await sleep(LOG_POLL_MS / 4, signal).catch(() => undefined);
        continue;
      }
      try {
        const { transactions } = await enrolActors({
          fabric,
          database: this.#database,
          directory: this.#directory,
          log,
        });
        this.#enrolled = this.#directory.entries.length;
        this.#hop('enrolled', { actors: this.#enrolled, transactions });
      } catch (error) {
        log.warn({ code: codeOf(error), err: error }, 'starting profiles not enrolled yet');
        await sleep(FABRIC_RETRY_MS, signal).catch(() => undefined);
      }
    }
  }

  /** Settings that another process may change (`bhs-node pause`), and gauges that nobody pushes. */
  async #refresh(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#paused = await this.#readPaused();
      if (this.#attestor as Attestor | undefined) this.#verdicts = await this.#attestor.verdicts();
      const { lines, malformed, late } = this.#follower.status();
      this.#metrics.logLines.set({ kind: 'read' }, lines);
      this.#metrics.logLines.set({ kind: 'malformed' }, malformed);
      this.#metrics.logLines.set({ kind: 'late' }, late);
      const { phase, clockOffsetMs } = this.#agent.status();
      this.#metrics.agentPhase.reset();
      this.#metrics.agentPhase.set({ phase }, 1);
      if (clockOffsetMs !== null) this.#metrics.clockOffset.set(clockOffsetMs / 1000);
      this.#metrics.blockLag.set(this.#blocks?.health().lagBlocks ?? 0);
      await this.#o.sleep(STATUS_EVERY_MS, signal).catch(() => undefined);
    }
  }

  async #readPaused(): Promise<boolean> {
    const row = await this.#database
      .selectFrom('setting')
      .select('value')
      .where('name', '=', PAUSED_SETTING)
      .executeTakeFirst();
    return row?.value === '1';
  }

  #spent(): ReturnType<PrivacyLedger['spent']> {
    const records = this.#ledger.recordCount;
    if (this.#spend?.records !== records) {
      this.#spend = { records, report: this.#ledger.spent(this.#agent.status().plan) };
    }
    return this.#spend.report;
  }

  #readiness(): { ok: boolean; checks: Record<string, string> } {
    const health = this.#blocks?.health();
    const agent = this.#agent.status();
    const checks = {
      log: this.#logFault === null ? 'ok' : this.#logFault.code,
      channel: health?.connected === true ? 'ok' : (health?.lastErrorCode ?? 'connecting'),
      federation: agent.phase === 'needs-operator' ? (agent.code ?? agent.phase) : 'ok',
      privacyLedger: 'ok',
    };
    return { ok: Object.values(checks).every((each) => each === 'ok'), checks };
  }

  #onStep(step: RoundStep, slotIndex: number): void {
    if (step === 'debited') {
      this.#debitedAtMs = this.#o.monotonicMs();
      this.#hop('debited', { slotIndex });
    }
    if (step === 'released') {
      this.#metrics.trainingSeconds.observe((this.#o.monotonicMs() - this.#debitedAtMs) / 1000);
      this.#hop('released', { slotIndex });
    }
    if (step === 'acknowledged') {
      const release = this.#ledger.releases().at(-1);
      this.#metrics.uploadBytes.inc(release?.byteCount ?? 0);
    }
  }

  #onRound(summary: RoundSummary): void {
    const { outcome, code, slotIndex } = summary;
    this.#metrics.rounds.inc({ outcome });
    if (outcome === 'declined') this.#metrics.refusals.inc({ code: code ?? 'ERR_INTERNAL' });
    const training = this.#agent.status().lastTraining;
    if (training !== null) {
      this.#metrics.windowsAvailable.set(training.windows);
      this.#metrics.updateNorm.set(training.updateNorm);
      this.#metrics.clippedRatio.set(training.clipped / Math.max(1, training.contributing));
    }
    const spent = this.#spent();
    this.#metrics.epsilonSpent.set({ scope: 'window' }, spent.windowEpsilon);
    this.#metrics.epsilonSpent.set({ scope: 'actor' }, spent.actorEpsilonRdp);
    this.#metrics.epsilonCeiling.set({ scope: 'actor' }, spent.actorCeiling);
    if (spent.roundsLeft !== null) this.#metrics.privacyRoundsLeft.set(spent.roundsLeft);
    this.#hop('round', { slotIndex, outcome, code });
  }

  #onVerdict({ version, verdict, code }: DetectorVerdict): void {
    this.#metrics.detectorVerdicts.inc({ verdict });
    this.#hop(verdict, { version, code });
  }

  #hop(hop: string, facts: Readonly<Record<string, string | number | null>>): void {
    this.#o.onHop?.(hop, facts);
  }
}

function deferred(): {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
} {
  let resolve!: () => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // Nobody may be listening when a part fails during start; `start` then rejects by itself.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

function namesDetector(block: FollowedBlock): boolean {
  return block.transactions.some((each) => each.function.startsWith('DetectorContract:'));
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new HospitalNodeError('ERR_FILE', `${file} cannot be read`, { file }, cause);
  }
}

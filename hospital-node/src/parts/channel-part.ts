/**
 * This node on the channel: block stream into the review, attestation of detectors, enrolment of actors, and the HTTP
 * server that people use. The channel may be away at start: rounds go on without it, the page waits for it.
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { DETECTOR_ZERO, PUBLIC_CANARIES, THETA_MILLIONTHS } from '@bhschain/models/detector';
import type { AuditLog } from '../audit/audit-log.js';
import type { NodeConfig } from '../config.js';
import { createAttestor, type DetectorVerdict } from '../detector/attestor.js';
import { createDetectorRegistry } from '../detector/detector-registry.js';
import { readIdentityFiles } from '../enrolment/node-identity.js';
import { createServiceEpochs } from '../enrolment/service-epochs.js';
import { enrolActors } from '../enrolment/starting-profiles.js';
import { codeOf } from '../errors.js';
import {
  createBlockFollower,
  type BlockFollower,
  type FollowedBlock,
} from '../fabric/block-follower.js';
import { connectFabric, type FabricConnection } from '../fabric/connection.js';
import { readIdentity } from '../fabric/identity.js';
import { startHttpServer, type HttpServer, type HttpServerOptions } from '../http-server.js';
import type { NodeMetrics } from '../metrics.js';
import type { PrivacyLedger } from '../privacy-ledger/index.js';
import { createCallIntake } from '../review/call-intake.js';
import { openDirectory } from '../review/re-identification.js';
import type { ReviewStore } from '../review/review-store.js';
import { createSuppressionIntake } from '../review/suppressions.js';
import { createLedgerCallIntake } from '../second-line/ledger-call-intake.js';
import { createSimulationWatch, simulationPage } from '../second-line/simulation-watch.js';
import type { NodeDatabase } from '../store/index.js';
import type { DayPart } from './day-part.js';
import type { Lifetime } from './lifetime.js';
import type { LogPart } from './log-part.js';
import type { RoundPart } from './round-part.js';
import { readText, type Surroundings } from './surroundings.js';

export interface ChannelPart {
  readonly http: HttpServer;
  readonly blocks: BlockFollower;
  /** Newest first, as last read. */
  readonly verdicts: () => readonly DetectorVerdict[];
  /** How many actors the channel has, once enrolment is through. */
  readonly enrolledActors: () => number | null;
}

export interface ChannelNeeds {
  readonly database: NodeDatabase;
  /** 'ok', or the code of why the database cannot be written now. */
  readonly storeHealth: () => string;
  readonly ledger: PrivacyLedger;
  readonly review: ReviewStore;
  readonly log: LogPart;
  readonly rounds: RoundPart;
  readonly days: DayPart;
  readonly metrics: NodeMetrics;
  readonly status: () => object;
  readonly audit: AuditLog;
}

const RETRY_MS = 1_000;
/** How long one try waits for a gateway; a request to stop waits no longer. */
const READY_MS = 3_000;
const CLOSED_LOOK_MS = 250;
/** As many as the status shows. */
const VERDICTS_KEPT = 20;

export async function openChannel(
  surroundings: Surroundings,
  lifetime: Lifetime,
  needs: ChannelNeeds,
): Promise<ChannelPart> {
  const { config, log, nowMs, jitter } = surroundings;
  const fabric = lifetime.own(await connect(surroundings, lifetime.signal), (opened) =>
    opened.close(),
  );
  const { attestor, verdicts } = await openAttestor(surroundings, needs, fabric);
  const watchers = openWatchers(surroundings, lifetime, needs, fabric);
  const blocks = await createBlockFollower({
    connection: fabric,
    database: needs.database,
    consumers: [
      needs.review.consumer,
      createSuppressionIntake({ mspId: config.mspId }),
      createCallIntake({ mspId: config.mspId }),
      createLedgerCallIntake({ mspId: config.mspId }),
    ],
    now: nowMs,
    random: jitter,
    log: log.child({ part: 'blocks' }),
    afterBlock: (block) => {
      if (namesDetector(block)) attestor.poke();
      for (const watcher of watchers) watcher.note(block);
    },
  });
  let enrolled: number | null = null;
  lifetime.run('block stream', (signal) => blocks.run(signal));
  lifetime.run('attestation', (signal) => attestor.run(signal));
  lifetime.run('enrolment', async (signal) => {
    enrolled = await enrol(surroundings, needs, fabric, signal);
  });
  const http = lifetime.own(
    await startHttpServer({
      host: config.http.host,
      port: config.http.port,
      consoleDir: config.consoleDir,
      hospital: config.nodeId,
      mspId: config.mspId,
      review: needs.review,
      fabric,
      follower: blocks,
      officer: {
        audit: needs.audit,
        directory: openDirectory(config.actorsFile),
        identity: readIdentity({
          mspId: config.mspId,
          certFile: config.fabric.cert,
          keyFile: config.fabric.key,
        }),
        theta: THETA_MILLIONTHS,
      },
      secondLine: needs.days.secondLine(fabric),
      signIn: signInOf(config),
      metrics: needs.metrics.registry,
      ready: () => readiness(surroundings, needs, blocks),
      status: needs.status,
      now: nowMs,
      log: log.child({ part: 'http' }),
    }),
    (opened) => opened.close(),
  );
  return { http, blocks, verdicts, enrolledActors: () => enrolled };
}

function signInOf({ signIn }: NodeConfig): NonNullable<HttpServerOptions['signIn']> {
  if (signIn.provider === null) return { local: signIn.local, provider: null };
  const { clientSecretFile, ...provider } = signIn.provider;
  const clientSecret = clientSecretFile === null ? null : readText(clientSecretFile).trim();
  return { local: signIn.local, provider: { ...provider, clientSecret } };
}

async function connect(
  { config, log, nowMs, jitter, sleep }: Surroundings,
  signal: AbortSignal,
): Promise<FabricConnection> {
  const { mspId, fabric } = config;
  const identity = readIdentity({ mspId, certFile: fabric.cert, keyFile: fabric.key });
  for (;;) {
    try {
      return await connectFabric({
        endpoints: fabric.endpoints,
        tlsRootPem: readText(fabric.tlsRoot),
        channel: fabric.channel,
        chaincode: fabric.chaincode,
        identity,
        now: nowMs,
        random: jitter,
        deadlines: { readyMs: READY_MS },
      });
    } catch (error) {
      if (codeOf(error) !== 'ERR_FABRIC_UNAVAILABLE') throw error;
      log.warn({ code: codeOf(error) }, 'no gateway yet');
      await sleep(RETRY_MS, signal);
    }
  }
}

/** What looks at blocks without keeping anything of them. */
function openWatchers(
  { config, log, nowMs, sleep }: Surroundings,
  lifetime: Lifetime,
  needs: ChannelNeeds,
  fabric: FabricConnection,
): readonly { note(block: FollowedBlock): void }[] {
  const { chaincodeMetrics, serviceEpochMinutes } = config.fabric;
  const watchers: { note(block: FollowedBlock): void; run(signal: AbortSignal): Promise<void> }[] =
    [];
  if (chaincodeMetrics !== null) {
    watchers.push(
      createSimulationWatch({
        page: (after) => simulationPage(chaincodeMetrics, after),
        fabric,
        nowMs,
        sleep,
        log: log.child({ part: 'second line' }),
        onChange: (count) => needs.metrics.simulatedUncommitted.set(count),
      }),
    );
  }
  if (serviceEpochMinutes !== null) {
    const services = needs.log.directory.entries.filter((each) => each.actorClass === 'service');
    watchers.push(
      createServiceEpochs({
        fabric,
        actors: services.map(({ ledgerActor }) => ledgerActor),
        everyMs: serviceEpochMinutes * 60_000,
        nowMs,
        sleep,
        log: log.child({ part: 'service epochs' }),
      }),
    );
  }
  for (const watcher of watchers)
    lifetime.run('watch over blocks', (signal) => watcher.run(signal));
  return watchers;
}

async function openAttestor(
  { config, log, sleep, onHop }: Surroundings,
  { database, ledger, rounds, metrics, audit }: ChannelNeeds,
  fabric: FabricConnection,
): Promise<{
  readonly attestor: ReturnType<typeof createAttestor>;
  readonly verdicts: () => readonly DetectorVerdict[];
}> {
  const nodeAuthorities = [readText(config.federation.tls.ca)];
  const attestor = createAttestor({
    registry: createDetectorRegistry(fabric),
    database,
    mspId: config.mspId,
    context: () => ({
      client: rounds.client,
      published: DETECTOR_ZERO,
      canaries: PUBLIC_CANARIES,
      nodeId: config.nodeId,
      nodeAuthorities,
      slotLengthMs: rounds.agent.status().calendar?.slotLengthMs ?? null,
      ownRelease: (slotIndex) =>
        ledger.releases().find((release) => release.roundId.slotIndex === slotIndex) ?? null,
    }),
    sleep,
    onVerdict: (verdict) => {
      known = [verdict, ...known].slice(0, VERDICTS_KEPT);
      metrics.detectorVerdicts.inc({ verdict: verdict.verdict });
      audit.append({
        kind: verdict.verdict === 'attested' ? 'detector-attested' : 'detector-refused',
        by: 'node',
        body: { version: verdict.version, modelHash: verdict.modelHash, code: verdict.code },
      });
      onHop?.(verdict.verdict, { version: verdict.version, code: verdict.code });
    },
    log: log.child({ part: 'detector' }),
  });
  let known = await attestor.verdicts();
  return { attestor, verdicts: () => known };
}

/** @returns how many actors the channel knows, or null if the node stopped first */
async function enrol(
  { log, sleep, onHop }: Surroundings,
  needs: ChannelNeeds,
  fabric: FabricConnection,
  signal: AbortSignal,
): Promise<number | null> {
  const { follower, directory } = needs.log;
  const pause = (ms: number): Promise<void> => sleep(ms, signal).catch(() => undefined);
  while (!signal.aborted) {
    const { closedThroughMs, liveFromMs } = follower.status();
    if (liveFromMs === null || (closedThroughMs ?? -1) < liveFromMs) {
      await pause(CLOSED_LOOK_MS);
      continue;
    }
    try {
      const { database } = needs;
      const { transactions } = await enrolActors({ fabric, database, directory, log });
      const actors = directory.entries.length;
      onHop?.('enrolled', { actors, transactions });
      return actors;
    } catch (error) {
      log.warn({ code: codeOf(error), err: error }, 'starting profiles not enrolled yet');
      await pause(RETRY_MS);
    }
  }
  return null;
}

const LEDGER_FAULTS: readonly string[] = ['ERR_LEDGER_ROLLED_BACK', 'ERR_LEDGER_CORRUPT'];

/** More than this and window bins would be cut elsewhere than at the other hospitals. */
const CLOCK_SKEW_MAX_MS = 5_000;

/** Named sub-checks: `ok`, or the code or word of what is missing. */
function readiness(
  { config, nowMs }: Surroundings,
  { log, rounds, storeHealth }: ChannelNeeds,
  blocks: BlockFollower,
): { ok: boolean; checks: Record<string, string> } {
  const health = blocks.health();
  const agent = rounds.agent.status();
  const checks = {
    database: storeHealth(),
    log: log.fault()?.code ?? 'ok',
    noise: rounds.noiseFault?.code ?? 'ok',
    channel: health.connected ? 'ok' : (health.lastErrorCode ?? 'connecting'),
    clock: agent.clockSkewMs > CLOCK_SKEW_MAX_MS ? 'ERR_CLOCK_SKEW' : 'ok',
    certificate:
      Date.parse(
        new X509Certificate(readIdentityFiles(config.federation.tls).certificate).validTo,
      ) > nowMs()
        ? 'ok'
        : 'expired',
    privacyLedger: LEDGER_FAULTS.includes(agent.code ?? '') ? agent.code! : 'ok',
    federation: agent.phase === 'needs-operator' ? (agent.code ?? agent.phase) : 'ok',
  };
  return { ok: Object.values(checks).every((each) => each === 'ok'), checks };
}

function namesDetector(block: FollowedBlock): boolean {
  return block.transactions.some((each) => each.function.startsWith('DetectorContract:'));
}

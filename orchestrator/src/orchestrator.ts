/**
 * The whole orchestrator out of its parts. Clock, logger, channel and storage come from outside; whoever gave them
 * keeps them, except what `close` is said to close.
 * @module
 */
import { Admission, DEFAULT_LIMITS, type AdmissionLimits } from './admission.js';
import { createEnrolmentService, listenEnrolment } from './enrolment-service.js';
import type { Authority } from './enrolment/authority.js';
import { medianClockOffsetMs } from './clock-watch.js';
import { EnrolmentDesk } from './enrolment/desk.js';
import { SILENT, type Federation, type Log, type Signer } from './federation.js';
import { createFederationService, listenFederation } from './federation-service.js';
import type { ConnectionLimits, ListeningServer } from './listening.js';
import { listenHttp } from './http-server.js';
import type { Metrics } from './metrics.js';
import { MetricsHistory } from './metrics-history.js';
import { MemberDesk } from './member-desk.js';
import { NodeDesk } from './node-desk.js';
import { startPacemaker, type Pacemaker } from './pacemaker.js';
import { decodeManifest } from './protocol/manifest.js';
import type { Ballots } from './publication/ballots.js';
import { VoteReader } from './publication/channel-votes.js';
import type { ChannelBlocks, GovernanceChannel } from './publication/channel.js';
import type { DetectorBuilder } from './publication/detector-builder.js';
import { Membership } from './publication/membership.js';
import { Publisher, type GenesisDetector } from './publication/publisher.js';
import { auditRefusals, type RefusalAudit } from './refusal-audit.js';
import { RoundRunner, type RoundObserver } from './round-runner.js';
import { ServerIdentity } from './server-identity.js';
import type { SignInOptions } from './sign-in/sign-in-routes.js';
import { UpdateDesk } from './update-desk.js';
import { roundSummary, statusOf, type OrchestratorStatus } from './status.js';
import type { Leadership } from './store/leadership.js';
import type { ObjectStore } from './store/objects.js';
import type { FederationStore, NodeRow, Publication, PublicationState } from './store/store.js';

export interface OrchestratorOptions {
  readonly federation: Federation;
  readonly store: FederationStore;
  readonly objects: ObjectStore;
  /** Who moves the rounds, where several processes share a database. */
  readonly leadership: Leadership;
  readonly signer: Signer;
  readonly authority: Authority;
  readonly channel: GovernanceChannel;
  readonly builder: DetectorBuilder;
  readonly genesis: GenesisDetector;
  /** Canonical JSON for `FederationContract:configure`. */
  readonly configuration: string;
  readonly attestations: number;
  readonly attestMaxMs: number;
  readonly listen: Readonly<{ host: string; port: number }>;
  readonly http: Readonly<{ host: string; port: number }>;
  /** The built dashboard; without it HTTP serves the API only. */
  readonly dashboardDir?: string;
  /** How people sign in to the dashboard; local accounts over plain HTTP where left out. */
  readonly signIn?: SignInOptions;
  /** People's own transactions, to be closed by `close`; left out: nobody can vote from the dashboard. */
  readonly ballots?: Ballots;
  /** The channel's blocks, for votes that were cast elsewhere; left out: only those cast here are listed. */
  readonly blocks?: ChannelBlocks;
  /** Where hospitals without a certificate ask for one; null for nowhere. */
  readonly enrolment: Readonly<{
    host: string;
    port: number;
    /** `host:port` that hospitals dial for rounds; null for what we listen on. */
    federationAddress: string | null;
  }> | null;
  readonly serverNames: readonly string[];
  readonly metrics: Metrics;
  readonly nowMs: () => number;
  /** In [0, 1); spreads polls. */
  readonly jitter: () => number;
  readonly limits?: AdmissionLimits;
  readonly connectionLimits?: ConnectionLimits;
  readonly log?: Log;
  readonly observer?: RoundObserver;
  readonly published?: (publication: Publication, state: PublicationState) => void;
}

export interface Orchestrator {
  readonly port: number;
  readonly httpPort: number;
  readonly enrolmentPort: number | null;
  status(): Promise<OrchestratorStatus>;
  /** Looks at once whether the server certificate or the authorities are others now; a minute later it does by itself. */
  reloadIdentity(): Promise<void>;
  /** Stops listening and moving rounds, then closes channel and store. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

const LOCAL_ACCOUNTS: SignInOptions = { provider: null, localAccounts: true, secure: false };
const PLAN_ASKED_MS = 10_000;
const ROUND_PAUSE_MAX_MS = 1_000;
const PUBLICATION_PAUSE_MAX_MS = 1_000;
const HISTORY_PAUSE_MAX_MS = 5_000;

/** @throws {OrchestratorError} `ERR_LISTEN` if an address cannot be bound */
export async function createOrchestrator(o: OrchestratorOptions): Promise<Orchestrator> {
  const log = o.log ?? SILENT;
  const publisher = new Publisher({
    ...o,
    moved: (publication, state) => {
      o.metrics.publication(state);
      o.published?.(publication, state);
    },
  });
  const membership = new Membership(o);
  const runner = new RoundRunner({ ...o, observer: both(o.metrics.observer, o.observer) });
  await runner.initialise();

  let leads = false;
  const loops: Pacemaker[] = [];
  const wake = (): void => {
    for (const loop of loops) loop.wake();
  };
  const desk = new NodeDesk({ ...o, runner, wake, greeted: o.metrics.greeted });
  const updates = new UpdateDesk({
    ...o,
    runner,
    wake,
    outcome: (outcome) => {
      o.metrics.update(outcome);
      o.metrics.updateBytes(o.federation.plan.parameterCount * 4);
    },
  });
  const admission = new Admission(o.limits ?? DEFAULT_LIMITS, o.nowMs);
  const identity = await ServerIdentity.open(o);
  const members = new MemberDesk({ ...o, wake });
  const refused = auditRefusals(o.store, o.nowMs, log);
  const server = await listenFederation({
    ...o.listen,
    ...(o.connectionLimits === undefined ? {} : { limits: o.connectionLimits }),
    identity,
    service: createFederationService({
      desk,
      updates,
      federationId: o.federation.federationId,
      admission,
      members,
      showOut: (peer) => server.showOut(peer),
      nowMs: o.nowMs,
      log,
      observe: (method, code, seconds) => o.metrics.rpc(method, code, seconds),
      refused: ({ method, nodeId, error }) => refused(method, nodeId, error),
    }),
  });
  const status = (): Promise<OrchestratorStatus> =>
    statusOf({ ...o, nowMs: o.nowMs(), waiting: publisher.lastError });
  const refresh = (): Promise<void> => refreshGauges(o, admission, leads);
  const history = new MetricsHistory({ ...o, registry: o.metrics.registry, refresh });
  let http: ListeningServer;
  let enrolment: ListeningServer | null = null;
  try {
    enrolment = await openEnrolment(o, identity, desk, server.port, refused);
    http = await listenHttp({
      ...o,
      ...o.http,
      dashboardDir: o.dashboardDir ?? null,
      signIn: o.signIn ?? LOCAL_ACCOUNTS,
      ballots: o.ballots ?? null,
      planApprovers: askedSeldom(o.nowMs, (planHash) => o.channel.planApprovers(planHash)),
      trustedSigners: [o.signer.certificatePem],
      channelError: () => publisher.lastError,
      registry: o.metrics.registry,
      checks: async () => ({ database: await answers(o.store) }),
      refresh,
      status,
      rounds: async () =>
        (await o.store.rounds.newest({ limit: 100 })).map((each) => roundSummary(each.round)),
    });
  } catch (cause) {
    await server.close();
    await enrolment?.close();
    throw cause;
  }

  // Whoever watches has not seen what a process before this one published.
  for (const active of await o.store.publications.list({ states: ['active'] })) {
    o.published?.(active, 'active');
  }

  const failed = (cause: unknown): void =>
    log.error({ error: cause instanceof Error ? cause.message : 'unknown' }, 'loop failed');
  loops.push(
    startPacemaker({
      work: async () => {
        leads = await o.leadership.hold();
        if (!leads) return null;
        await runner.settle();
        if (await publisher.prepare()) wake();
        await runner.openDueSlot();
        return runner.nextDueMs();
      },
      failed,
      nowMs: o.nowMs,
      pauseMaxMs: ROUND_PAUSE_MAX_MS,
    }),
    startPacemaker({
      work: async () => {
        if (!(await o.leadership.hold())) return null;
        const dueMs = [await publisher.advance(), await membership.advance()];
        return earliest(dueMs.filter((each) => each !== null));
      },
      failed,
      nowMs: o.nowMs,
      pauseMaxMs: PUBLICATION_PAUSE_MAX_MS,
    }),
    startPacemaker({
      // The gauges of rounds and publication are the leader's; another process would write what it does not know.
      work: async () => ((await o.leadership.hold()) ? history.advance() : null),
      failed,
      nowMs: o.nowMs,
      pauseMaxMs: HISTORY_PAUSE_MAX_MS,
    }),
  );

  const closed = new AbortController();
  const { blocks } = o;
  const reading = blocks === undefined ? null : new VoteReader({ ...o, blocks }).run(closed.signal);

  let closing: Promise<void> | null = null;
  const close = (): Promise<void> =>
    (closing ??= (async () => {
      identity.close();
      await server.close();
      await enrolment?.close();
      await http.close();
      closed.abort();
      await Promise.all(loops.map((loop) => loop.stop()));
      await reading;
      await o.channel.close();
      o.ballots?.close();
      await o.leadership.release();
      await o.store.close();
    })());
  return {
    port: server.port,
    httpPort: http.port,
    enrolmentPort: enrolment?.port ?? null,
    status,
    reloadIdentity: () => identity.refresh(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function openEnrolment(
  o: OrchestratorOptions,
  identity: ServerIdentity,
  desk: NodeDesk,
  federationPort: number,
  refused: RefusalAudit,
): Promise<ListeningServer | null> {
  if (o.enrolment === null) return null;
  const { host, port, federationAddress } = o.enrolment;
  const { federationId } = o.federation;
  return listenEnrolment({
    host,
    port,
    identity,
    service: createEnrolmentService({
      desk: new EnrolmentDesk({ ...o, federationId }),
      federationId,
      authority: o.authority,
      federationDocument: () => desk.federationDocument(),
      federationAddress: () => federationAddress ?? `${o.listen.host}:${federationPort}`,
      admission: new Admission(o.limits ?? DEFAULT_LIMITS, o.nowMs),
      nowMs: o.nowMs,
      refused: ({ method, from, error }) => refused(method, from, error),
    }),
  });
}

async function refreshHouse(
  o: OrchestratorOptions,
  nodes: readonly NodeRow[],
  leads: boolean,
): Promise<void> {
  const { store, federation, metrics } = o;
  const nowMs = o.nowMs();
  const { slotLengthMs } = federation.policy;
  const newest = await store.lineage.newestManifest();
  const sinceSlot = newest?.key.slotIndex ?? Number(await store.fact('first-slot'));
  const effectAtMs = await store.rounds.nextEffectAtMs();
  const medianMs = medianClockOffsetMs(nodes, nowMs, slotLengthMs);
  metrics.setHouse({
    leads,
    roundAgeSeconds: (nowMs - sinceSlot * slotLengthMs) / 1_000,
    outboxAgeSeconds: effectAtMs === null ? 0 : Math.max(0, nowMs - effectAtMs) / 1_000,
    clockOffsetMedianSeconds: (medianMs ?? 0) / 1_000,
  });
  if (newest === null) return;
  const { contributions } = decodeManifest(newest.bytes);
  metrics.setInfluence(
    new Map(
      contributions
        .filter((each) => each.verdict === 'accepted')
        .map((each) => [each.nodeId, each.influencePpm / 1e6]),
    ),
  );
}

function earliest(dueMs: readonly number[]): number | null {
  return dueMs.length === 0 ? null : Math.min(...dueMs);
}

/** Every open page reads it every few seconds; the channel is asked once in ten. */
function askedSeldom(
  nowMs: () => number,
  ask: (planHash: string) => Promise<readonly string[] | null>,
): (planHash: string) => Promise<readonly string[] | null> {
  let last: Readonly<{ atMs: number; answer: ReturnType<typeof ask> }> | null = null;
  return (planHash) => {
    if (last === null || nowMs() - last.atMs > PLAN_ASKED_MS) {
      last = { atMs: nowMs(), answer: ask(planHash) };
    }
    return last.answer;
  };
}

async function answers(store: FederationStore): Promise<boolean> {
  try {
    await store.ping();
    return true;
  } catch {
    return false;
  }
}

async function refreshGauges(
  o: OrchestratorOptions,
  admission: Admission,
  leads: boolean,
): Promise<void> {
  const nodes = await o.store.roster.list();
  const counts: Record<string, number> = { invited: 0, active: 0, paused: 0, left: 0, revoked: 0 };
  for (const node of nodes) {
    counts[node.state] = (counts[node.state] ?? 0) + 1;
    if (node.lastSeenMs === 0) continue;
    o.metrics.setNode(node.nodeId, {
      lastSeenSeconds: (o.nowMs() - node.lastSeenMs) / 1_000,
      clockOffsetSeconds: node.clockOffsetMs / 1_000,
    });
  }
  o.metrics.setNodes(counts);
  o.metrics.setInFlight(admission.inFlightBytes);
  const open = await o.store.publications.list({ states: ['queued', 'built', 'proposed'] });
  o.metrics.setBacklog(open.length);
  await refreshHouse(o, nodes, leads);
}

function both(first: RoundObserver, second: RoundObserver | undefined): RoundObserver {
  return {
    phase: (round) => {
      first.phase?.(round);
      second?.phase?.(round);
    },
    changed: (round) => {
      first.changed?.(round);
      second?.changed?.(round);
    },
    event: (kind, applied) => {
      first.event?.(kind, applied);
      second?.event?.(kind, applied);
    },
    alert: (round, about) => {
      first.alert?.(round, about);
      second?.alert?.(round, about);
    },
  };
}

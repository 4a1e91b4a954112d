/**
 * What this process counts. Base units, closed label sets, never a digest or a person.
 * @module
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { FEDERATION_ERRORS } from './errors.js';
import type { Phase, Round } from './round/round.js';
import type { RoundObserver } from './round-runner.js';

const PHASES: readonly Phase[] = [
  'scheduled',
  'gathering',
  'collecting',
  'aggregating',
  'sealing',
  'sealed',
  'skipped',
  'aborted',
];

export interface Metrics {
  readonly registry: Registry;
  readonly observer: RoundObserver;
  rpc(method: string, code: string, seconds: number): void;
  update(outcome: string): void;
  updateBytes(bytes: number): void;
  publication(outcome: string): void;
  setBacklog(count: number): void;
  setNodes(counts: Readonly<Record<string, number>>): void;
  setNode(
    nodeId: string,
    o: Readonly<{ lastSeenSeconds: number; clockOffsetSeconds: number }>,
  ): void;
  greeted: (nodeId: string, level: number) => void;
  setInFlight(bytes: number): void;
  setHouse(
    o: Readonly<{
      leads: boolean;
      roundAgeSeconds: number;
      outboxAgeSeconds: number;
      clockOffsetMedianSeconds: number;
    }>,
  ): void;
  /** Share of the newest sealed aggregate's squared norm, by node; the nodes before are forgotten. */
  setInfluence(ratios: ReadonlyMap<string, number>): void;
}

/** What this process exports under its own name, for dashboards and alert rules to be checked against. */
export interface ExportedMetric {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** By name; `metrics.json` in this room is the committed copy. */
export async function exportedMetrics(registry: Registry): Promise<readonly ExportedMetric[]> {
  const all = await registry.getMetricsAsJSON();
  return all
    .filter((each) => each.name.startsWith('federation_'))
    .map(({ name, type, help }) => ({
      name,
      type: String(type),
      help,
      labels: (registry.getSingleMetric(name) as unknown as { labelNames: string[] }).labelNames,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const phase = new Gauge({
    name: 'federation_round_phase',
    help: 'Phase of the newest round: 1 for the one it is in',
    labelNames: ['phase'],
    registers,
  });
  const duration = new Histogram({
    name: 'federation_round_duration_seconds',
    help: 'From collecting to the end of a round',
    labelNames: ['outcome'],
    buckets: [1, 5, 15, 60, 300, 900, 3_600, 14_400],
    registers,
  });
  const rounds = new Counter({
    name: 'federation_rounds_total',
    help: 'Rounds that ended',
    labelNames: ['outcome'],
    registers,
  });
  const quorumWait = new Histogram({
    name: 'federation_quorum_wait_seconds',
    help: 'From collecting to the quorum',
    buckets: [0.5, 1, 5, 15, 60, 300, 900, 3_600],
    registers,
  });
  const late = new Counter({
    name: 'federation_late_events_total',
    help: 'Events that no longer fitted the phase of their round',
    labelNames: ['kind'],
    registers,
  });
  const updates = new Counter({
    name: 'federation_updates_total',
    help: 'Client updates by outcome of the screening',
    labelNames: ['outcome'],
    registers,
  });
  const updateBytes = new Counter({
    name: 'federation_update_bytes_total',
    help: 'Bytes of client updates received',
    registers,
  });
  const quarantined = new Gauge({
    name: 'federation_quarantined_updates',
    help: 'Updates of the open round that wait for a person',
    registers,
  });
  const rpc = new Histogram({
    name: 'federation_rpc_duration_seconds',
    help: 'Calls by method and outcome',
    labelNames: ['method', 'code'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
    registers,
  });
  const rejected = new Counter({
    name: 'federation_rpc_rejected_total',
    help: 'Calls that were refused',
    labelNames: ['reason'],
    registers,
  });
  const publications = new Counter({
    name: 'federation_publications_total',
    help: 'Detectors by what became of them',
    labelNames: ['outcome'],
    registers,
  });
  const backlog = new Gauge({
    name: 'federation_publication_backlog',
    help: 'Sealed models that are not active yet',
    registers,
  });
  const nodes = new Gauge({
    name: 'federation_nodes',
    help: 'Nodes of the roster by state',
    labelNames: ['state'],
    registers,
  });
  const lastSeen = new Gauge({
    name: 'federation_node_last_seen_seconds',
    help: 'Since a node called last',
    labelNames: ['node'],
    registers,
  });
  const clockOffset = new Gauge({
    name: 'federation_node_clock_offset_seconds',
    help: "A node's clock minus ours at its last hello",
    labelNames: ['node'],
    registers,
  });
  const inFlight = new Gauge({
    name: 'federation_inflight_bytes',
    help: 'Bytes of uploads in progress',
    registers,
  });
  const leads = new Gauge({
    name: 'federation_lease_held',
    help: '1 in the process that moves the rounds',
    registers,
  });
  const roundAge = new Gauge({
    name: 'federation_round_age_seconds',
    help: 'Since a round was sealed last, or since the first slot',
    registers,
  });
  const outboxAge = new Gauge({
    name: 'federation_outbox_age_seconds',
    help: 'How long the oldest effect that is due has waited',
    registers,
  });
  const clockMedian = new Gauge({
    name: 'federation_clock_offset_median_seconds',
    help: "Median of the members' clocks minus ours; 0 where fewer than three were heard lately",
    registers,
  });
  const influence = new Gauge({
    name: 'federation_update_influence_ratio',
    help: "A node's share of the squared norm of the newest sealed aggregate",
    labelNames: ['node'],
    registers,
  });

  const levels = new Gauge({
    name: 'federation_protocol_level_nodes',
    help: 'Nodes that greeted this process, by the protocol level of their last hello',
    labelNames: ['level'],
    registers,
  });
  const levelOf = new Map<string, number>();

  return {
    registry,
    greeted: (nodeId, level) => {
      const before = levelOf.get(nodeId);
      if (before === level) return;
      if (before !== undefined) levels.dec({ level: before });
      levels.inc({ level });
      levelOf.set(nodeId, level);
    },
    observer: {
      changed: (round) => {
        const waiting = Object.values(round.members).filter((each) => each.state === 'quarantined');
        quarantined.set(round.endedAtMs === null ? waiting.length : 0);
      },
      phase: (round) => {
        for (const each of PHASES) phase.set({ phase: each }, each === round.phase ? 1 : 0);
        ended(round);
      },
      event: (kind, applied) => {
        if (!applied) late.inc({ kind });
      },
    },
    rpc: (method, code, seconds) => {
      rpc.observe({ method, code }, seconds);
      if (Object.hasOwn(FEDERATION_ERRORS, code)) rejected.inc({ reason: code });
    },
    update: (outcome) => updates.inc({ outcome }),
    updateBytes: (bytes) => updateBytes.inc(bytes),
    publication: (outcome) => publications.inc({ outcome }),
    setBacklog: (count) => backlog.set(count),
    setNodes: (counts) => {
      for (const [state, count] of Object.entries(counts)) nodes.set({ state }, count);
    },
    setNode: (node, o) => {
      lastSeen.set({ node }, o.lastSeenSeconds);
      clockOffset.set({ node }, o.clockOffsetSeconds);
    },
    setInFlight: (bytes) => inFlight.set(bytes),
    setHouse: (o) => {
      leads.set(o.leads ? 1 : 0);
      roundAge.set(o.roundAgeSeconds);
      outboxAge.set(o.outboxAgeSeconds);
      clockMedian.set(o.clockOffsetMedianSeconds);
    },
    setInfluence: (ratios) => {
      influence.reset();
      for (const [node, ratio] of ratios) influence.set({ node }, ratio);
    },
  };

  function ended(round: Round): void {
    if (round.endedAtMs === null) return;
    rounds.inc({ outcome: round.outcome ?? round.phase });
    if (round.collectingAtMs === null) return;
    const outcome = round.phase;
    duration.observe({ outcome }, (round.endedAtMs - round.collectingAtMs) / 1_000);
    if (round.quorumReachedAtMs !== null) {
      quorumWait.observe((round.quorumReachedAtMs - round.collectingAtMs) / 1_000);
    }
  }
}

/**
 * A hospital node, put together: log → windows → private training → round; block stream → review; proposed detector →
 * attestation.
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { sha256Hex } from '@bhschain/dp';
import { openAuditLog, readAuditLog, type AuditLog } from './audit/audit-log.js';
import { readIdentityFiles } from './enrolment/node-identity.js';
import { createNodeMetrics, type NodeMetrics } from './metrics.js';
import { openChannel, type ChannelPart } from './parts/channel-part.js';
import { openDays } from './parts/day-part.js';
import { createLifetime, type Lifetime } from './parts/lifetime.js';
import { openLog } from './parts/log-part.js';
import { statusOf, type NodeStatus } from './parts/node-status.js';
import { openRounds } from './parts/round-part.js';
import { openStore } from './parts/store-part.js';
import type { Surroundings } from './parts/surroundings.js';
import { openPrivacyLedger, type PrivacyLedger } from './privacy-ledger/index.js';
import { openReviewStore } from './review/review-store.js';
import { lockState } from './store/index.js';

export interface HospitalNode {
  readonly port: number;
  status(): NodeStatus;
  /** Rejects when a part that nothing can mend has failed; resolves after `close`. */
  readonly finished: Promise<void>;
  close(): Promise<void>;
}

const GAUGES_EVERY_MS = 5_000;

/**
 * Opens everything in the order in which a fault should be noticed – lock, privacy ledger, database, log – and resolves
 * when the HTTP server answers.
 *
 * @throws {HospitalNodeError} whatever a part refuses to open with; everything opened before is closed again
 */
export async function startHospitalNode(surroundings: Surroundings): Promise<HospitalNode> {
  const lifetime = createLifetime(surroundings.log, surroundings.stop);
  try {
    return await start(surroundings, lifetime);
  } catch (error) {
    await lifetime.close();
    throw error;
  }
}

async function start(surroundings: Surroundings, lifetime: Lifetime): Promise<HospitalNode> {
  const { config, nowMs } = surroundings;
  const metrics = createNodeMetrics();
  lifetime.own(lockState(config.stateDir, surroundings.self), (lock) => lock.release());
  const audit = openAuditLog({ stateDir: config.stateDir, now: nowMs });
  recordStart(surroundings, audit);
  lifetime.own(audit, (opened) => void opened.append({ kind: 'stopped', by: 'node' }));
  const ledger = lifetime.own(
    openPrivacyLedger({
      file: join(config.stateDir, 'privacy-ledger.jsonl'),
      nodeId: config.nodeId,
      ceilings: config.privacy.ceilings,
      now: nowMs,
    }),
    (opened) => opened.close(),
  );
  if (ledger.tornTail !== null) {
    surroundings.log.warn(ledger.tornTail, 'unfinished privacy ledger record set aside');
  }
  const { database, health } = await openStore(surroundings, lifetime);
  const review = openReviewStore(database);
  const log = await openLog(surroundings, lifetime, database);
  const labels = review.windowLabels(log.directory);
  const rounds = await openRounds(surroundings, lifetime, {
    database,
    ledger,
    log,
    labels,
    metrics,
    audit,
  });
  const days = await openDays(surroundings, lifetime, { database, log, metrics, audit });
  let channel: ChannelPart | null = null;
  const status = (): NodeStatus =>
    statusOf({
      config,
      agent: rounds.agent.status(),
      ledger,
      log: log.follower.status(),
      logFault: log.fault(),
      detectors: channel?.verdicts() ?? [],
      enrolledActors: channel?.enrolledActors() ?? null,
      secondLine: days.facts(),
    });
  channel = await openChannel(surroundings, lifetime, {
    database,
    storeHealth: health,
    ledger,
    review,
    log,
    rounds,
    days,
    metrics,
    status,
    audit,
  });
  const { blocks, http } = channel;
  lifetime.run('gauges', async (signal) => {
    while (!signal.aborted) {
      setGauges(metrics, status(), {
        lagBlocks: blocks.health().lagBlocks,
        certificate: readIdentityFiles(config.federation.tls).certificate,
        newestIncludedSlot: newestIncludedSlot(ledger),
        slotLengthMs: rounds.agent.status().calendar?.slotLengthMs ?? null,
        nowMs: nowMs(),
      });
      await surroundings.sleep(GAUGES_EVERY_MS, signal).catch(() => undefined);
    }
  });
  return {
    port: http.port,
    status,
    finished: lifetime.finished,
    close: () => lifetime.close(),
  };
}

function newestIncludedSlot(ledger: PrivacyLedger): number | null {
  const included = ledger.releases().filter((release) => release.included === true);
  return included.length === 0
    ? null
    : Math.max(...included.map((release) => release.roundId.slotIndex));
}

/** The configuration is recorded by its digest, and a change of it by itself; the head goes where the log goes. */
function recordStart({ config, log }: Surroundings, audit: AuditLog): void {
  const { records } = readAuditLog(config.stateDir);
  const configHash = sha256Hex(JSON.stringify(config));
  const before = records.findLast(({ kind }) => kind === 'started')?.body['configHash'];
  if (before !== undefined && before !== configHash) {
    audit.append({ kind: 'config-changed', by: 'node', body: { from: before, to: configHash } });
  }
  const { seq, hash } = audit.append({ kind: 'started', by: 'node', body: { configHash } });
  log.info({ seq, hash }, 'head of the audit log');
}

function setGauges(
  metrics: NodeMetrics,
  status: NodeStatus,
  o: {
    readonly lagBlocks: number | null;
    readonly certificate: string;
    readonly newestIncludedSlot: number | null;
    readonly slotLengthMs: number | null;
    readonly nowMs: number;
  },
): void {
  const { log, agent, privacy } = status;
  const { lagBlocks } = o;
  const notAfterMs = Date.parse(new X509Certificate(o.certificate).validTo);
  metrics.certificateExpiry.set((notAfterMs - o.nowMs) / 1000);
  if (o.newestIncludedSlot !== null && o.slotLengthMs !== null) {
    const slot = Math.floor(o.nowMs / o.slotLengthMs);
    metrics.modelStaleness.set(Math.max(0, slot - o.newestIncludedSlot));
  }
  metrics.privacyLedgerRecords.set(privacy.ledgerRecords);
  metrics.logLines.set({ kind: 'read' }, log.lines);
  metrics.logLines.set({ kind: 'malformed' }, log.malformed);
  metrics.logLines.set({ kind: 'late' }, log.late);
  metrics.agentPhase.reset();
  metrics.agentPhase.set({ phase: agent.phase }, 1);
  if (agent.clockOffsetMs !== null) metrics.clockOffset.set(agent.clockOffsetMs / 1000);
  if (lagBlocks !== null) metrics.blockLag.set(lagBlocks);
  metrics.epsilonSpent.set({ scope: 'window' }, privacy.windowEpsilon);
  metrics.epsilonSpent.set({ scope: 'actor' }, privacy.actorEpsilonRdp);
  metrics.epsilonCeiling.set({ scope: 'actor' }, privacy.actorCeiling);
  if (privacy.roundsLeft !== null) metrics.privacyRoundsLeft.set(privacy.roundsLeft);
}

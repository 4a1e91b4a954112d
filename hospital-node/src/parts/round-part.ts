/**
 * Rounds of this node: the agent with its noise, its workers and its files.
 * @module
 */
import { join } from 'node:path';
import { DETECTOR_ZERO, networksOf } from '@bhschain/models/detector';
import { kernelHash } from '@bhschain/models/kernel';
import type { FederationClient } from '@bhschain/orchestrator/protocol';
import type { WindowLabels } from '../access-log/index.js';
import type { AuditLog } from '../audit/audit-log.js';
import { renewIdentity } from '../enrolment/renewal.js';
import type { HospitalNodeError } from '../errors.js';
import type { NodeMetrics } from '../metrics.js';
import type { PrivacyLedger } from '../privacy-ledger/index.js';
import { declareBudget } from '../round/budget-declaration.js';
import type { AlarmCode } from '../round/delivery.js';
import { openReleaseStore } from '../round/release-store.js';
import {
  createRoundAgent,
  type PollResult,
  type RoundAgent,
  type RoundStep,
  type RoundSummary,
} from '../round/round-agent.js';
import { createRoundTrainer } from '../round/round-trainer.js';
import { isPaused, untilAnswered, type NodeDatabase } from '../store/index.js';
import { noiseFault } from '../training/noise-fault.js';
import { createRoundNoise } from '../training/round-noise.js';
import { createTrainingPool } from '../training/training-pool.js';
import type { Lifetime } from './lifetime.js';
import type { LogPart } from './log-part.js';
import { openFederation } from './federation-connection.js';
import { SOFTWARE, type Surroundings } from './surroundings.js';

export interface RoundPart {
  readonly agent: RoundAgent;
  readonly client: FederationClient;
  /** Why the noise cannot be trusted, or null: then every round is declined with this code. */
  readonly noiseFault: HospitalNodeError | null;
}

const PAUSE_LOOK_MS = 1_000;

export async function openRounds(
  surroundings: Surroundings,
  lifetime: Lifetime,
  o: {
    readonly database: NodeDatabase;
    readonly ledger: PrivacyLedger;
    readonly log: LogPart;
    readonly labels: WindowLabels;
    readonly metrics: NodeMetrics;
    readonly audit: AuditLog;
  },
): Promise<RoundPart> {
  const { config, log, random, sleep } = surroundings;
  const badNoise = noiseFault(random);
  if (badNoise !== null) log.error({ code: badNoise.code, err: badNoise }, 'trains nothing');
  const client = lifetime.own(openFederation(surroundings), (opened) => opened.close());
  const noise = lifetime.own(createRoundNoise(random), (opened) => opened.close());
  const pool = lifetime.own(createTrainingPool(config.training), (opened) => opened.close());
  // Another process may change it (`bhs-node pause`), so it is looked up again and again.
  let paused = await isPaused(o.database);
  lifetime.run('pause switch', async (signal) => {
    while (!signal.aborted) {
      paused = await untilAnswered(() => isPaused(o.database), signal);
      await sleep(PAUSE_LOOK_MS, signal).catch(() => undefined);
    }
  });
  const trainer = createRoundTrainer({
    noise,
    pool,
    windows: o.log.windows,
    labels: o.labels,
    log: o.log.follower,
    random,
    published: DETECTOR_ZERO,
  });
  const agent = createRoundAgent({
    ...surroundings,
    random: surroundings.jitter,
    log: log.child({ part: 'round' }),
    client,
    ledger: o.ledger,
    releases: openReleaseStore(join(config.stateDir, 'releases')),
    trainer: surroundings.aroundTraining?.(trainer) ?? trainer,
    nodeId: config.nodeId,
    software: SOFTWARE,
    kernelHash,
    layoutHash: DETECTOR_ZERO.detector.layoutHash,
    parameterCount: networksOf(DETECTOR_ZERO.detector).parameterCount,
    binMs: config.windows.binMs,
    approvedPlans: config.privacy.approvedPlans,
    isPaused: () => paused,
    renew: async () => {
      const { serial, notAfter } = await renewIdentity(config, { client, ...o, by: 'node' });
      log.info({ serial, notAfter }, 'certificate renewed');
    },
    notReady: () => badNoise ?? o.log.fault(),
    ...observers(surroundings, {
      ...o,
      agent: () => agent,
      acknowledged: () => {
        if (config.privacy.declareBudget) {
          void declareBudget({ client, ledger: o.ledger, log });
        }
      },
    }),
  });
  lifetime.run('round agent', async (signal) => {
    if (config.privacy.declareBudget) await declareBudget({ client, ledger: o.ledger, log });
    await agent.run(signal);
  });
  return { agent, client, noiseFault: badNoise };
}

/** Metrics and progress of a round. */
function observers(
  { monotonicMs, onHop }: Surroundings,
  {
    metrics,
    ledger,
    audit,
    agent,
    acknowledged,
  }: {
    readonly metrics: NodeMetrics;
    readonly ledger: PrivacyLedger;
    readonly audit: AuditLog;
    readonly agent: () => RoundAgent;
    readonly acknowledged: () => void;
  },
): {
  readonly onStep: (step: RoundStep, roundId: { readonly slotIndex: number }) => void;
  readonly onRound: (summary: RoundSummary) => void;
  readonly onPoll: (result: PollResult, code: string | null) => void;
  readonly onAlarm: (code: AlarmCode) => void;
} {
  let connected = false;
  let debitedAtMs = 0;
  return {
    onStep: (step, { slotIndex }) => {
      if (step === 'debited') debitedAtMs = monotonicMs();
      if (step === 'released') {
        metrics.trainingSeconds.observe((monotonicMs() - debitedAtMs) / 1000);
      }
      if (step === 'acknowledged') {
        metrics.uploadBytes.inc(ledger.releases().at(-1)?.byteCount ?? 0);
        acknowledged();
      }
      if (step === 'debited' || step === 'released') onHop?.(step, { slotIndex });
    },
    onPoll: (result, code) => {
      metrics.polls.inc({ result });
      if (connected && code === 'ERR_UNREACHABLE') metrics.disconnects.inc();
      connected = result !== 'failed';
    },
    onAlarm: (code) => {
      metrics.alarms.inc({ code });
    },
    onRound: ({ outcome, code, slotIndex }) => {
      const { lastTraining } = agent().status();
      metrics.rounds.inc({ outcome });
      if (outcome === 'declined') {
        metrics.refusals.inc({ code: code ?? 'ERR_INTERNAL' });
        audit.append({ kind: 'round-refused', by: 'node', body: { slotIndex, code } });
      }
      if (lastTraining !== null) {
        metrics.windowsAvailable.set(lastTraining.windows);
        metrics.updateNorm.set(lastTraining.updateNorm);
        metrics.clippedRatio.set(lastTraining.clipped / Math.max(1, lastTraining.contributing));
      }
      onHop?.('round', { slotIndex, outcome, code });
    },
  };
}

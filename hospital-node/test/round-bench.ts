/** A round agent with everything real but the orchestrator: log, window store, ledger file, worker, release folder. */
import { randomFillSync } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createSecureRandom, type SecureRandom } from '@bhschain/dp';
import { DETECTOR_ZERO, networksOf } from '@bhschain/models/detector';
import { ACT_COUNT } from '@bhschain/models/features';
import type { FederationClient } from '@bhschain/orchestrator/protocol';
import { createHandles, createLogFollower, createWindowStore } from '../src/access-log/index.js';
import { openPrivacyLedger, type PrivacyLedger } from '../src/privacy-ledger/index.js';
import { openReleaseStore, type ReleaseStore } from '../src/round/release-store.js';
import {
  createRoundAgent,
  type RoundAgent,
  type RoundAgentOptions,
  type RoundStep,
} from '../src/round/round-agent.js';
import { createRoundTrainer } from '../src/round/round-trainer.js';
import { openNodeDatabase } from '../src/store/index.js';
import { createRoundNoise } from '../src/training/round-noise.js';
import { createTrainingPool } from '../src/training/training-pool.js';
import { logText, PERIOD_MS, START_MS } from './native-log.js';
import { paperFederation, type PaperFederationOptions } from './paper-federation.js';
import { silentLog } from './silent-log.js';
import { smallPlan } from './small-plan.js';

export const SLOT = 100;
export const INTERVAL = { fromMs: START_MS + PERIOD_MS, toMs: START_MS + 2 * PERIOD_MS };
/** Slots of a second, log slots of six hours: the demo's way. */
export const REPLAY = { originSlot: SLOT, originLogTimeMs: INTERVAL.toMs, logSlotMs: PERIOD_MS };
export const { parameterCount } = networksOf(DETECTOR_ZERO.detector);

export interface RoundBench {
  readonly agent: RoundAgent;
  readonly ledger: PrivacyLedger;
  readonly releases: ReleaseStore;
  readonly paperFile: string;
  close(): Promise<void>;
}

export async function roundBench(
  folder: string,
  o: {
    readonly paper?: Partial<PaperFederationOptions>;
    readonly client?: FederationClient;
    readonly onStep?: (step: RoundStep) => void;
    readonly agent?: Partial<RoundAgentOptions>;
    readonly binMs?: number;
    /** Repeatable; the platform's otherwise. */
    readonly random?: SecureRandom;
  } = {},
): Promise<RoundBench> {
  const file = join(folder, 'H1.jsonl');
  if (!existsSync(file)) {
    writeFileSync(file, logText({ fromMs: START_MS, toMs: START_MS + 3 * PERIOD_MS, actors: 6 }));
  }
  const binMs = o.binMs ?? PERIOD_MS;
  const plan = smallPlan({ parameterCount });
  const paperFile = join(folder, 'orchestrator.jsonl');
  const database = await openNodeDatabase({ file: join(folder, 'node.sqlite') });
  const windows = createWindowStore({ database, binMs, retentionDays: 35 });
  const follower = await createLogFollower({
    file,
    nodeId: 'H1',
    handles: createHandles(new Uint8Array(32).fill(1)),
    store: windows,
    binMs,
    watermarkMs: 0,
    liveFromMs: START_MS,
    timeGranularity: 'exact',
    roles: DETECTOR_ZERO.detector.roles,
    vocabularySize: ACT_COUNT,
    days: null,
    log: silentLog,
  });
  const ledger = openPrivacyLedger({
    file: join(folder, 'privacy-ledger.jsonl'),
    nodeId: 'H1',
    ceilings: {
      epsilonPerRound: 0.5,
      actorEpsilon: 8,
      actorHorizonDays: 30,
      windowsPerActorMax: PERIOD_MS / binMs,
    },
    now: () => START_MS,
  });
  const releases = openReleaseStore(join(folder, 'releases'));
  const random = o.random ?? createSecureRandom((bytes) => randomFillSync(bytes));
  const noise = createRoundNoise(random);
  const pool = createTrainingPool({ threads: 1 });
  const { onStep } = o;
  // Moves by what is slept, so that no deadline depends on how fast this machine is.
  let clockMs = 0;
  const agent = createRoundAgent({
    client:
      o.client ??
      paperFederation({
        file: paperFile,
        plan,
        layoutHash: DETECTOR_ZERO.detector.layoutHash,
        base: DETECTOR_ZERO.detector.parameters,
        slotIndex: SLOT,
        slotLengthMs: 1_000,
        interval: INTERVAL,
        replay: REPLAY,
        ...o.paper,
      }),
    ledger,
    releases,
    trainer: createRoundTrainer({
      noise,
      pool,
      windows,
      labels: { windowStateOf: () => Promise.resolve('clear') },
      log: follower,
      random,
      published: DETECTOR_ZERO,
    }),
    nodeId: 'H1',
    software: 'test',
    kernelHash: 'e'.repeat(64),
    layoutHash: DETECTOR_ZERO.detector.layoutHash,
    parameterCount,
    binMs,
    approvedPlans: null,
    isPaused: () => false,
    nowMs: () => START_MS,
    monotonicMs: () => clockMs,
    random: () => 0.5,
    sleep: async (ms, signal) => {
      clockMs += ms;
      await delay(0, undefined, { signal });
    },
    ...(onStep === undefined ? {} : { onStep: (step: RoundStep) => onStep(step) }),
    log: silentLog,
    ...o.agent,
  });
  return {
    agent,
    ledger,
    releases,
    paperFile,
    close: async () => {
      ledger.close();
      noise.close();
      await pool.close();
      await follower.close();
      await database.destroy();
    },
  };
}

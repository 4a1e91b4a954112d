/**
 * From a configuration to the parts of the process: what both the server and the command line need.
 * @module
 */
import { createPrivateKey } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPrivacyPlan, planPreset, type PrivacyPlan, type ReleaseSpec } from '@bhschain/dp';
import { DETECTOR_ZERO, HISTOGRAM_BINS, HISTOGRAM_SENSITIVITY } from '@bhschain/models/detector';
import type { OrchestratorConfig } from './config.js';
import { ConfigError, OrchestratorError } from './errors.js';
import type { Federation, Hospital, Signer } from './federation.js';
import { planFactsOf } from './plan-facts.js';
import { encodeParameters } from './protocol/parameters.js';
import { SCORE_HISTOGRAM } from './protocol/releases.js';
import { signDocument } from './protocol/signing.js';
import { PROFILE_PERIOD_MS } from './round/calendar.js';
import { createFolderObjects } from './store/folder-objects.js';
import { createAdvisoryLeadership, SOLE, type Leadership } from './store/leadership.js';
import type { ObjectStore } from './store/objects.js';
import { createPostgresPool, postgresDialect } from './store/postgresql-adapter.js';
import { sqliteDialect } from './store/sqlite-adapter.js';
import { openStore, type FederationStore } from './store/store.js';
import { createTableObjects } from './store/table-objects.js';

/** Derives the frozen plan, which takes a second or two: σ is calibrated, never typed in. */
export function federationOf(config: OrchestratorConfig): Federation {
  const { detector } = DETECTOR_ZERO;
  const plan = createPrivacyPlan(
    planPreset(config.planPreset, {
      ...config.planOverrides,
      parameterCount: detector.parameters.length,
      releases: config.scoreHistogram === null ? [] : [histogramRelease(config.scoreHistogram)],
    }),
  );
  assertMergeFits(config, plan);
  return {
    federationId: config.federationId,
    hospitals: hospitalsOf(config),
    policy: config.policy,
    replay: config.replay,
    plan: planFactsOf(plan),
    layoutHash: detector.layoutHash,
    genesisModel: encodeParameters(detector.parameters),
  };
}

function histogramRelease({ noiseExponent }: Readonly<{ noiseExponent: number }>): ReleaseSpec {
  return {
    name: SCORE_HISTOGRAM,
    length: HISTOGRAM_BINS,
    sensitivityUnits: HISTOGRAM_SENSITIVITY,
    noiseExponent,
    count: 1,
  };
}

/**
 * A merged round lies in one profile period, so slots must be at most half of one; and it has more bins than one slot, which
 * the plan's price for an actor must cover.
 */
export function assertMergeFits(
  { policy, replay }: Pick<OrchestratorConfig, 'policy' | 'replay'>,
  { windowing }: Pick<PrivacyPlan, 'windowing'>,
): void {
  if (policy.catchUp !== 'merge') return;
  const slotMs = replay?.logSlotMs ?? policy.slotLengthMs;
  if (2 * slotMs > PROFILE_PERIOD_MS) {
    throw new ConfigError(
      'ERR_POLICY',
      `policy.catchUp: merge expects slots of at most ${PROFILE_PERIOD_MS / 2} ms of log time, got ${slotMs}: a round over two profile periods is not what the plan prices`,
      { field: 'catchUp', slotMs },
    );
  }
  const { binMs, windowsPerActorMax } = windowing;
  const bins = Math.ceil(Math.min(policy.mergeSlotsMax * slotMs, PROFILE_PERIOD_MS) / binMs);
  if (bins <= windowsPerActorMax) return;
  throw new ConfigError(
    'ERR_POLICY',
    `policy.mergeSlotsMax: ${policy.mergeSlotsMax} slots have ${bins} bins, the plan allows an actor ${windowsPerActorMax} windows`,
    { field: 'mergeSlotsMax', bins },
  );
}

export function signerOf(config: OrchestratorConfig): Signer {
  const certificatePem = readPem(config.gateway.certFile, 'gateway.certFile');
  const key = createPrivateKey(readPem(config.gateway.keyFile, 'gateway.keyFile'));
  return { certificatePem, sign: (domain, document) => signDocument(domain, document, key) };
}

/** @throws {ConfigError} `ERR_CONFIG_FILE` naming the key of the configuration */
export function readPem(file: string, key: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(
      'ERR_CONFIG_FILE',
      `config: ${key}: ${file} cannot be read`,
      { key },
      cause,
    );
  }
}

/** Storage of the process: PostgreSQL where `DATABASE_URL` names one, else SQLite and a folder. */
export interface State {
  readonly store: FederationStore;
  readonly objects: ObjectStore;
  readonly leadership: Leadership;
}

export async function openState(
  config: OrchestratorConfig,
  o: Readonly<{ nowMs: number; readOnly?: boolean; failed?: (cause: Error) => void }>,
): Promise<State> {
  if (config.databaseUrl !== null) {
    const { failed } = o;
    const pool = createPostgresPool({
      url: config.databaseUrl,
      ...(failed === undefined ? {} : { failed }),
    });
    const store = await openStore({ dialect: postgresDialect(pool), engine: 'postgresql', ...o });
    return {
      store,
      objects: createTableObjects(store.database),
      leadership: createAdvisoryLeadership(pool, config.federationId),
    };
  }
  const file = join(config.stateDir, 'federation.sqlite');
  if (o.readOnly !== true) mkdirSync(config.stateDir, { recursive: true, mode: 0o700 });
  else if (!existsSync(file)) {
    throw new OrchestratorError(
      'ERR_STORE_ABSENT',
      `${file}: expected the state of a federation, found none; the process or \`invite\` begins one`,
      { file },
    );
  }
  const dialect = sqliteDialect({
    file,
    ...(o.readOnly === undefined ? {} : { readOnly: o.readOnly }),
  });
  const store = await openStore({ dialect, engine: 'sqlite', ...o });
  const objects = await createFolderObjects(join(config.stateDir, 'objects'));
  return { store, objects, leadership: SOLE };
}

export function caFolder(config: OrchestratorConfig): string {
  return join(config.stateDir, 'ca');
}

/** The hospitals of the configuration with their MSP roots, read. */
export function hospitalsOf(config: OrchestratorConfig): readonly Hospital[] {
  return config.hospitals.map(({ nodeId, mspId }) => {
    const file = config.mspRoots[mspId];
    return file === undefined
      ? { nodeId, mspId }
      : { nodeId, mspId, mspRoot: readPem(file, `hospitals: mspRoot of ${mspId}`) };
  });
}

/**
 * A small real consortium for tests: an authority, identities, a plan small enough to be quick, a channel in memory
 * that keeps versions and attestations, and a store on disk that can be dropped and opened again.
 */
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPrivacyPlan, encodePlan, planPreset, sha256Hex } from '@bhschain/dp';
import type { HistogramFacts } from '../src/aggregation/screening.js';
import { openAuthority, type Authority } from '../src/enrolment/authority.js';
import type { Federation, Signer } from '../src/federation.js';
import type { Caller } from '../src/gates.js';
import { encodeParameters } from '../src/protocol/parameters.js';
import { SCORE_HISTOGRAM } from '../src/protocol/releases.js';
import { signDocument } from '../src/protocol/signing.js';
import {
  ChannelRefusedError,
  ChannelUnavailableError,
  type DetectorStatus,
  type GovernanceChannel,
} from '../src/publication/channel.js';
import { DEFAULT_POLICY, type RoundPolicy } from '../src/round/policy.js';
import { createFolderObjects } from '../src/store/folder-objects.js';
import type { ObjectStore } from '../src/store/objects.js';
import { sqliteDialect } from '../src/store/sqlite-adapter.js';
import { openStore, type FederationStore } from '../src/store/store.js';

export const FEDERATION_ID = 'test-federation';
export const PARAMETER_COUNT = 64;
export const SLOT_MS = 60_000;
/** A boundary, so that slot numbers in tests are easy to read. */
export const START_MS = 30_000_000 * SLOT_MS;

export const TEST_POLICY: RoundPolicy = {
  ...DEFAULT_POLICY,
  slotLengthMs: SLOT_MS,
  openDelayMs: 1_000,
  gatherMaxMs: 5_000,
  collectMaxMs: 20_000,
  graceMs: 5_000,
  sealMaxMs: 10_000,
  quorum: 2,
};

export function testFederation(
  o: Readonly<{
    policy?: Partial<RoundPolicy>;
    nodes?: number;
    parameterCount?: number;
    histogram?: HistogramFacts;
  }> = {},
): Federation {
  const parameterCount = o.parameterCount ?? PARAMETER_COUNT;
  const histogram = o.histogram ?? null;
  const planBytes =
    histogram === null
      ? new TextEncoder().encode('{"plan":"of this test"}')
      : planWith(histogram, parameterCount);
  const nodes = o.nodes ?? 3;
  return {
    federationId: FEDERATION_ID,
    hospitals: Array.from({ length: nodes }, (_, index) => ({
      nodeId: `H${index + 1}`,
      mspId: `H${index + 1}MSP`,
    })),
    policy: { ...TEST_POLICY, ...o.policy },
    replay: null,
    plan: {
      bytes: planBytes,
      hash: sha256Hex(planBytes),
      parameterCount,
      bounds: { noiseDeviation: 100, signalNorm: 100_000 },
      histogram,
      privacy: {
        differentiallyPrivate: false,
        unit: 'window',
        adjacency: 'add-or-remove-one',
        epsilonMicro: 500_000,
        deltaExponent: 5,
        mechanism: 'none',
        accountant: 'none',
      },
    },
    layoutHash: sha256Hex('layout'),
    genesisModel: encodeParameters(new Int32Array(parameterCount).fill(1_000)),
  };
}

/** A real plan that releases a histogram of scores beside the update. */
function planWith({ bins, noiseExponent }: HistogramFacts, parameterCount: number): Uint8Array {
  const release = {
    name: SCORE_HISTOGRAM,
    length: bins,
    sensitivityUnits: 1,
    noiseExponent,
    count: 1,
  };
  return encodePlan(createPrivacyPlan(planPreset('demo', { parameterCount, releases: [release] })));
}

/** An update that a screening with the test plan accepts; different for each seed. */
export function honestUpdate(seed: number, parameterCount: number = PARAMETER_COUNT): Int32Array {
  return Int32Array.from(
    { length: parameterCount },
    (_, index) => ((index * 7_919 + seed * 104_729) % 401) - 200,
  );
}

/** A caller as the service sees it behind this certificate (PEM). */
export function callerWith(nodeId: string, certificate: string): Caller {
  const parsed = new X509Certificate(certificate);
  return {
    nodeId,
    certificate: new Uint8Array(parsed.raw),
    serial: parsed.serialNumber,
    expiresAtMs: Date.parse(parsed.validTo),
    isDueForRenewal: false,
  };
}

export interface Clock {
  now: number;
  readonly nowMs: () => number;
}

export function handTurnedClock(startMs: number = START_MS): Clock {
  const clock = { now: startMs, nowMs: (): number => clock.now };
  return clock;
}

export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'bhs-orchestrator-'));
  return {
    path,
    remove: () => {
      rmSync(path, { recursive: true, force: true });
    },
  };
}

export async function openDisk(
  folder: string,
  nowMs: number,
): Promise<{ store: FederationStore; objects: ObjectStore }> {
  const dialect = sqliteDialect({ file: join(folder, 'federation.sqlite') });
  return {
    store: await openStore({ dialect, engine: 'sqlite', nowMs }),
    objects: await createFolderObjects(join(folder, 'objects')),
  };
}

/** An authority for the federation and one like it that plays the ordering organisation's CA. */
export async function testAuthority(folder: string, nowMs: number): Promise<Authority> {
  return openAuthority({ folder: join(folder, 'ca'), federationId: FEDERATION_ID, nowMs });
}

/** The ordering organisation's identity; its certificate is issued by an authority of its own. */
export async function testSigner(
  folder: string,
  nowMs: number,
): Promise<{ signer: Signer; trusted: string; privateKey: string }> {
  const ops = await openAuthority({ folder: join(folder, 'ops'), federationId: 'OpsMSP', nowMs });
  const identity = await ops.issueNode('orchestrator', nowMs);
  const key = createPrivateKey(identity.privateKey);
  return {
    trusted: ops.certificatePem,
    privateKey: identity.privateKey,
    signer: {
      certificatePem: identity.certificate,
      sign: (domain, document) => signDocument(domain, document, key),
    },
  };
}

/** A signer without certificates, for tests that never check a signature. */
export function bareSigner(): Signer {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    certificatePem: 'none',
    sign: (domain, document) => signDocument(domain, document, privateKey),
  };
}

/** What a detector begins with that the channel cannot decode. */
export const UNFIT = 'unfit';

interface Version {
  detector: string;
  table: string;
  state: DetectorStatus['state'];
  attestedBy: string[];
}

/** A channel that keeps what the contracts keep, may be away, and lets a test attest. */
export class MemoryChannel implements GovernanceChannel {
  readonly versions = new Map<number, Version>();
  readonly calls: string[] = [];
  readonly admitted = new Set<string>();
  configuration: string | null = null;
  active: number | null = null;
  away = false;
  /** Hospitals that attest whatever is proposed. */
  attesters: readonly string[] = [];

  /** Plans that hospitals approved, with who did. */
  readonly plans = new Map<string, readonly string[]>();

  planApprovers(planHash: string): Promise<readonly string[] | null> {
    this.#enter('planApprovers');
    return Promise.resolve(this.plans.get(planHash) ?? null);
  }

  configure(configuration: string): Promise<void> {
    this.#enter('configure');
    if (this.configuration !== null && this.configuration !== configuration) {
      throw new ChannelRefusedError('ERR_CONFIGURED_DIFFERENTLY', 'configured differently');
    }
    this.configuration = configuration;
    return Promise.resolve();
  }

  admit(mspId: string): Promise<void> {
    this.#enter(`admit ${mspId}`);
    this.admitted.add(mspId);
    return Promise.resolve();
  }

  propose(o: { version: number; detector: Uint8Array; table: Uint8Array }): Promise<void> {
    this.#enter(`propose ${o.version}`);
    const detector = sha256Hex(o.detector);
    const known = this.versions.get(o.version);
    if (known !== undefined) {
      if (known.detector === detector) return Promise.resolve();
      throw new ChannelRefusedError('ERR_DETECTOR_DIGEST', 'other bytes');
    }
    if (Buffer.from(o.detector).toString().startsWith(UNFIT)) {
      throw new ChannelRefusedError('ERR_DETECTOR_INVALID', 'it cannot judge');
    }
    if (o.version !== this.versions.size) {
      throw new ChannelRefusedError('ERR_DETECTOR_VERSION', `expected ${this.versions.size}`);
    }
    this.versions.set(o.version, {
      detector,
      table: sha256Hex(o.table),
      state: 'proposed',
      attestedBy: [...this.attesters],
    });
    return Promise.resolve();
  }

  status(version: number): Promise<DetectorStatus | null> {
    this.#enter(`status ${version}`);
    const found = this.versions.get(version);
    return Promise.resolve(
      found === undefined
        ? null
        : {
            state: found.state,
            modelHash: found.detector,
            tableHash: found.table,
            attestedBy: found.attestedBy,
            activeVersion: this.active,
          },
    );
  }

  activate(version: number): Promise<void> {
    this.#enter(`activate ${version}`);
    if (this.active !== null) this.versions.get(this.active)!.state = 'superseded';
    this.versions.get(version)!.state = 'active';
    this.active = version;
    return Promise.resolve();
  }

  refuse(version: number): Promise<void> {
    this.#enter(`refuse ${version}`);
    this.versions.get(version)!.state = 'refused';
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #enter(call: string): void {
    if (this.away) throw new ChannelUnavailableError('no gateway');
    this.calls.push(call);
  }
}

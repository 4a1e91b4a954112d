/**
 * The separate reader: looks only at what lies on disk after the processes have stopped, and checks each claim there.
 * It asks no process and believes no summary.
 * @module
 */
import { join } from 'node:path';
import { decodeTable } from '@bhschain/models/detector';
import { ExperimentError } from '../errors.js';
import { FEDERATION_ID } from '../demo/configuration.js';
import { readIncidents, readOutcomes } from '../demo/journal.js';
import {
  lockHolder,
  readDemoRecord,
  type DemoRecord,
  type StatePaths,
} from '../demo/state-directory.js';
import { chainOnDisk } from './chain-on-disk.js';
import { createClaims, hopsOf, type Claim, type Hop } from './claims.js';
import {
  federationClaims,
  trainingClaims,
  type PrivacyFacts,
  type SealedRound,
} from './federation-claims.js';
import {
  detectorClaims,
  ledgerClaims,
  reviewClaims,
  scoringClaims,
  tableClaims,
} from './ledger-claims.js';
import { readLedger, type LedgerView } from './ledger-view.js';
import { labelClaims, logClaims } from './node-claims.js';
import { scoreAgain, type ScoredCall } from './scored-calls.js';

export { HOPS, type Claim, type Hop } from './claims.js';

export interface DetectionFigures {
  readonly scored: number;
  readonly quarantined: number;
  readonly unscored: number;
  readonly incidentsPlanted: number;
  readonly incidentsFound: number;
  readonly falseQuarantinesPer1000: number | null;
  readonly baseline: { readonly found: number; readonly falseQuarantinesPer1000: number | null };
}

export interface VerifyReport {
  readonly ok: boolean;
  readonly hops: Readonly<Record<Hop, boolean>>;
  readonly claims: readonly Claim[];
  readonly record: DemoRecord;
  readonly rounds: readonly SealedRound[];
  readonly privacy: PrivacyFacts | null;
  /** The detector that is active at the end of the chain. */
  readonly detector: { readonly version: number; readonly hash: string } | null;
  readonly alertBudgetPer1000: number | null;
  readonly detection: DetectionFigures | null;
}

const THETA = 870_000;

/**
 * @throws {ExperimentError} `ERR_VERIFY_STATE` if the folder is no demo's or a demo is running in it;
 *   `ERR_DEMO_STATE_VERSION` if another version wrote it
 */
export async function verifyState(paths: StatePaths): Promise<VerifyReport> {
  const holder = lockHolder(paths);
  if (holder !== null && holder !== process.pid) {
    throw new ExperimentError(
      'ERR_VERIFY_STATE',
      `${paths.root} is in use by the demo with process id ${holder}; stop it first: the reader looks at what lies still`,
      { pid: holder },
    );
  }
  const record = readDemoRecord(paths);
  if (record === null) {
    throw new ExperimentError(
      'ERR_VERIFY_STATE',
      `${paths.root} holds no demo.json; expected a folder that 'npm run demo' has made`,
      { stateDir: paths.root },
    );
  }
  const claims = createClaims();
  const hospitals = record.hospitals;
  const majority = Math.floor(hospitals.length / 2) + 1;
  const files = {
    hospitals,
    hospitalDir: (nodeId: string) => paths.hospital(nodeId),
    log: (nodeId: string) => paths.log(nodeId),
    federationId: FEDERATION_ID,
    orchestratorDir: paths.orchestrator,
    signerRootFile: join(paths.ledger, 'msp', 'OpsMSP', 'ca.pem'),
    roundsMin: 1,
    majority,
  };
  await logClaims(claims, files);
  const rounds = await federationClaims(claims, files);
  let privacy: PrivacyFacts | null = null;
  try {
    privacy = trainingClaims(claims, files, rounds);
  } catch (error) {
    claims.add('training', 'the privacy ledgers can be read', false, messageOf(error));
  }

  const chain = chainOnDisk(paths, record);
  claims.attempt(
    'ledger',
    'block hashes, signatures, policies and validation codes are recomputed',
    () => chain.verify(majority),
  );
  let view: LedgerView | null = null;
  try {
    view = readLedger(chain.blocks());
  } catch (error) {
    claims.add('ledger', 'the chain of blocks is whole', false, messageOf(error));
  }
  if (view === null) {
    return report(record, claims.all, rounds, privacy, null, null, null);
  }
  const rules = { majority, detectorsMin: 2 };
  ledgerClaims(claims, view, rules);
  detectorClaims(claims, view, rules);
  tableClaims(claims, view, rounds);
  let calls: ScoredCall[] = [];
  try {
    calls = scoreAgain(view);
  } catch (error) {
    claims.add('scoring', 'the calls on the channel can be scored again', false, messageOf(error));
  }
  scoringClaims(claims, calls);
  reviewClaims(claims, view, calls);
  labelClaims(claims, files, view);
  const active = activePointer(view);
  return report(
    record,
    claims.all,
    rounds,
    privacy,
    active === null ? null : { version: active.version, hash: active.modelHash },
    active === null ? null : active.alertBudgetPer1000,
    detectionFigures(paths, calls),
  );
}

function report(
  record: DemoRecord,
  claims: readonly Claim[],
  rounds: readonly SealedRound[],
  privacy: PrivacyFacts | null,
  detector: VerifyReport['detector'],
  alertBudgetPer1000: number | null,
  detection: DetectionFigures | null,
): VerifyReport {
  const hops = hopsOf(claims);
  return {
    ok: Object.values(hops).every(Boolean),
    hops,
    claims,
    record,
    rounds,
    privacy,
    detector,
    alertBudgetPer1000,
    detection,
  };
}

function activePointer(
  view: LedgerView,
): { version: number; modelHash: string; alertBudgetPer1000: number } | null {
  const bytes = view.state.get('det~active');
  if (bytes === undefined) return null;
  const pointer = JSON.parse(Buffer.from(bytes).toString('utf8')) as {
    version: number;
    modelHash: string;
  };
  // A federated table judges at another p so that this share is held: the public table's α stays what people are promised.
  const entry = view.state.get('det~entry~0');
  const { tableHash } = JSON.parse(Buffer.from(entry ?? '{}').toString('utf8')) as {
    tableHash?: string;
  };
  const table = view.state.get(`det~blob~${tableHash ?? ''}`);
  return {
    version: pointer.version,
    modelHash: pointer.modelHash,
    alertBudgetPer1000: table === undefined ? Number.NaN : decodeTable(table).alphaPpm / 1000,
  };
}

/**
 * Incidents found and false quarantines, by first submissions only: resubmissions and probes follow from decisions.
 * An incident is found when at least one of its calls was diverted – or flagged, for break-glass, which is never diverted.
 */
function detectionFigures(paths: StatePaths, calls: readonly ScoredCall[]): DetectionFigures {
  const outcomes = readOutcomes(paths);
  const incidents = readIncidents(paths);
  const incidentOf = new Map(
    incidents.flatMap((incident) =>
      incident.eventIds.map((eventId) => [eventId, incident] as const),
    ),
  );
  const found = new Set<string>();
  const foundByZero = new Set<string>();
  let benign = 0;
  let benignHeld = 0;
  let benignHeldByZero = 0;
  for (const call of calls) {
    const outcome = outcomes.byTransaction.get(call.transaction.txId);
    if (outcome?.kind !== 'call') continue;
    const incident = incidentOf.get(outcome.eventId);
    const heldByZero =
      call.scoreDetectorZero !== null &&
      call.scoreDetectorZero >= THETA &&
      call.disposition !== 'flagged';
    if (incident !== undefined) {
      if (call.disposition !== 'allowed') found.add(incident.id);
      if (heldByZero || call.disposition === 'flagged') foundByZero.add(incident.id);
    } else if (call.scoreMillionths !== null && call.disposition !== 'flagged') {
      benign++;
      if (call.disposition === 'quarantined') benignHeld++;
      if (heldByZero) benignHeldByZero++;
    }
  }
  const per1000 = (count: number): number | null =>
    benign === 0 ? null : Math.round((10_000 * count) / benign) / 10;
  return {
    scored: calls.filter((call) => call.scoreMillionths !== null).length,
    quarantined: calls.filter((call) => call.disposition === 'quarantined').length,
    unscored: calls.filter((call) => call.scoreMillionths === null).length,
    incidentsPlanted: incidents.length,
    incidentsFound: found.size,
    falseQuarantinesPer1000: per1000(benignHeld),
    baseline: { found: foundByZero.size, falseQuarantinesPer1000: per1000(benignHeldByZero) },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * A configured consortium on the ledger in memory, with detector 0 active unless told otherwise.
 */
import { DETECTOR_ZERO } from '@bhschain/models/detector';
import { emptyProfile } from '@bhschain/models/features';

import { encodeProfileText, type ActorClass } from '../src/actor-state.js';
import {
  START_MS,
  createMemoryLedger,
  person,
  type Invocation,
  type MemoryLedger,
  type Person,
  type Simulation,
} from './memory-ledger.js';

const { kernelHash } = DETECTOR_ZERO.detector;

export const HOSPITALS = ['H1MSP', 'H2MSP', 'H3MSP'];
export const SESSION = '00000000000000a1';
export const RECORD = 'H1-00000000000000b1';
export const DIGEST = 'd'.repeat(64);
export const HOUR_MS = 3_600_000;
export const DAY_MS: number = 24 * HOUR_MS;

export const PROVENANCE: string = JSON.stringify({
  manifestDigest: '',
  round: '',
  planHash: '',
  unit: 'none',
  epsilonMicro: 0,
  deltaExponent: 0,
});

/** When the morning's first record is read: a minute and a half after the session was opened. */
export const READ_MS: number = START_MS + 90_000;

/** What detector 0 holds: a clerk who takes out a hospital's worth of sensitive records. */
export const STRANGE_EXPORT: readonly string[] = [
  'e'.repeat(64),
  '900000',
  'research',
  'sensitive',
];

export interface Consortium {
  readonly ledger: MemoryLedger;
  readonly ops: Person;
  readonly nodes: readonly Person[];
  readonly clerk: Person;
  readonly analyst: Person;
  readonly officer: Person;
  readonly modelHash: string;
  readonly tableHash: string;
  readonly submit: (
    by: Person,
    call: string,
    args: readonly string[],
    more?: More,
  ) => Promise<Simulation>;
}

type More = Partial<Pick<Invocation, 'timestampMs' | 'txId'>>;

export interface ConsortiumOptions {
  readonly replay?: boolean;
  readonly vocabulary?: { readonly hash: string; readonly size: number } | null;
  readonly highRisk?: readonly string[];
  readonly detector?: boolean;
}

export async function createConsortium(options: ConsortiumOptions = {}): Promise<Consortium> {
  const ledger = createMemoryLedger();
  const submit: Consortium['submit'] = (by, call, args, more = {}) =>
    ledger.submit({ by, call, args, ...more });
  const ops = person('OpsMSP', 'orchestrator', { role: 'orchestrator' });
  const nodes = HOSPITALS.map((mspId) => person(mspId, 'node', { role: 'hospital-node' }));
  const configuration = {
    hospitals: HOSPITALS,
    attestations: 2,
    replay: options.replay ?? false,
    vocabulary: options.vocabulary ?? null,
    highRisk: options.highRisk ?? [],
  };
  await accepted(submit(ops, 'FederationContract:configure', [JSON.stringify(configuration)]));
  let hashes = { modelHash: '', tableHash: '' };
  if (options.detector !== false) {
    const proposed = await accepted(submit(ops, 'DetectorContract:propose', proposal()));
    hashes = proposed.reply as typeof hashes;
    const attestation = ['0', hashes.modelHash, hashes.tableHash, kernelHash, 'code'];
    for (const node of nodes.slice(0, 2)) {
      await accepted(submit(node, 'DetectorContract:attest', attestation));
    }
    await accepted(submit(ops, 'DetectorContract:activate', ['0']));
  }
  return {
    ledger,
    ops,
    nodes,
    ...hashes,
    clerk: person('H1MSP', 'p-1', { role: 'clerk', class: 'person' }),
    analyst: person('H1MSP', 'analyst', { role: 'analyst' }),
    officer: person('H1MSP', 'officer', { role: 'privacy-officer' }),
    submit,
  };
}

export function proposal(version = 0, detectorBytes = DETECTOR_ZERO.detectorBytes): string[] {
  return [
    String(version),
    Buffer.from(detectorBytes).toString('base64'),
    Buffer.from(DETECTOR_ZERO.tableBytes).toString('base64'),
    PROVENANCE,
  ];
}

/** The simulation, or the test's failure with the chaincode's own words. */
export async function accepted(work: Promise<Simulation>): Promise<Simulation> {
  const simulation = await work;
  if (simulation.status !== 200) throw new Error(simulation.message);
  return simulation;
}

/** By a hospital's node, with an empty profile. */
export function enrolled(
  o: Consortium,
  node: Person,
  { actor, class: actorClass = 'person' }: Readonly<{ actor: string; class?: ActorClass }>,
): Promise<Simulation> {
  const profile = encodeProfileText(emptyProfile());
  const actors = JSON.stringify([{ actor, class: actorClass, profile }]);
  return accepted(o.submit(node, 'FederationContract:enrolActors', [actors]));
}

/** Opens a session and reads one record: an ordinary morning. */
export async function ordinaryMorning(o: Consortium): Promise<Simulation> {
  const { submit, clerk } = o;
  await accepted(
    submit(clerk, 'RecordAccessContract:openSession', [SESSION, 'ward 1', 'operations', '']),
  );
  const at = { timestampMs: READ_MS };
  return accepted(submit(clerk, 'RecordAccessContract:requestAccess', readArgs(), at));
}

export function readArgs(
  o: { session?: string; record?: string; context?: string } = {},
): string[] {
  const { session = SESSION, record = RECORD, context = '' } = o;
  return [session, record, 'operations', 'demographics', '1', context];
}

/** Files a quarantine and returns its transaction id. */
export async function quarantined(o: Consortium, more: More = {}): Promise<string> {
  const held = await accepted(
    o.submit(o.clerk, 'RecordAccessContract:export', [SESSION, ...STRANGE_EXPORT, ''], more),
  );
  const { disposition } = held.reply as { disposition: string };
  if (disposition !== 'quarantined') throw new Error('expected detector 0 to hold the export');
  return held.txId;
}

/** Claim, propose, approve. */
export async function released(
  o: Consortium,
  txId: string,
  timestampMs: number = START_MS,
): Promise<Simulation> {
  const at = { timestampMs };
  const contract = 'QuarantineContract';
  await accepted(o.submit(o.analyst, `${contract}:claim`, [txId, '1'], at));
  const verdict = ['release', 'benign-expected', DIGEST];
  await accepted(o.submit(o.analyst, `${contract}:propose`, [txId, '2', ...verdict], at));
  return accepted(o.submit(o.officer, `${contract}:approve`, [txId, '3'], at));
}

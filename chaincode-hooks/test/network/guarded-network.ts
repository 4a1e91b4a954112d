/**
 * A real network with the federation configured and detector 0 active, and what ring 3 asks of it.
 */
import { DETECTOR_ZERO } from '@bhschain/models/detector';
import type { ProposalOptions, Transaction } from '@hyperledger/fabric-gateway';
import { common, peer } from '@hyperledger/fabric-protos';
import { walkBlock, type DecodedTransaction } from '../../src/events.js';
import { HOST, type Chaincode, type Hospital } from '../../src/network/index.js';
import { PROVENANCE } from '../consortium-fixture.js';
import { START_MS } from '../memory-ledger.js';
import { commit as commitOnce, type Committed } from '../guarded-ledger-fixture.js';
import { onceLevel } from '../level-endorsers.js';
import { GUARDED, startNetwork, type TestNetwork, type TestPerson } from './network-fixture.js';

export interface GuardedNetwork extends TestNetwork {
  readonly ops: TestPerson;
  /** The node of each hospital, in order. */
  readonly nodes: readonly TestPerson[];
  /** A new clerk of H1 (or of `mspId`), through her hospital's gateway or another. */
  clerk(mspId?: string, through?: Hospital): TestPerson;
}

export const HANDLE = 'H1-00000000000000b1';
/** What detector 0 holds: a clerk who takes out a hospital's worth of sensitive records. */
const STRANGE = ['e'.repeat(64), '900000', 'research', 'sensitive'];

/** A Monday morning; each call declares a time ninety seconds after the one before, as people work. */
let atMs = START_MS;
const context = (): string => `at=${(atMs += 90_000)}`;

let sessions = 0;
export const newSession = (): string => (++sessions).toString(16).padStart(16, '0');

export async function startGuardedNetwork(
  chaincodes: readonly Chaincode[] = [GUARDED],
): Promise<GuardedNetwork> {
  const network = await startNetwork(chaincodes);
  const { hospitals } = network;
  return {
    ...network,
    ops: network.person('OpsMSP', { role: 'orchestrator' }),
    // All through one gateway: another peer may still be a block behind when the next step is endorsed.
    nodes: hospitals.map(({ mspId }) =>
      network.person(mspId, { role: 'hospital-node' }, hospitals[0]),
    ),
    clerk: (mspId = 'H1MSP', through) =>
      network.person(mspId, { role: 'clerk', class: 'person' }, through),
  };
}

export async function configure(
  { ops, hospitals }: GuardedNetwork,
  more: object = {},
): Promise<void> {
  const configuration = {
    hospitals: hospitals.map(({ mspId }) => mspId),
    attestations: 3,
    // Calls may declare the time of the log line that they stand for: a test cannot wait for ordinary hours.
    replay: true,
    vocabulary: null,
    ...more,
  };
  await settled(ops, 'FederationContract:configure', [JSON.stringify(configuration)]);
}

export interface Proposed {
  readonly modelHash: string;
  readonly tableHash: string;
}

export async function propose(
  { ops }: GuardedNetwork,
  version = 0,
  detectorBytes: Uint8Array = DETECTOR_ZERO.detectorBytes,
): Promise<Proposed> {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  const { reply } = await settled(ops, 'DetectorContract:propose', [
    String(version),
    base64(detectorBytes),
    base64(DETECTOR_ZERO.tableBytes),
    PROVENANCE,
  ]);
  return reply as Proposed;
}

export function attest(
  { nodes }: GuardedNetwork,
  hospital: number,
  version: number,
  { modelHash, tableHash }: Proposed,
): Promise<Committed> {
  const { kernelHash } = DETECTOR_ZERO.detector;
  const args = [String(version), modelHash, tableHash, kernelHash, 'code'];
  return settled(nodes[hospital]!, 'DetectorContract:attest', args);
}

/** Configured, and detector 0 active by three of five. */
export async function activateDetectorZero(network: GuardedNetwork, more = {}): Promise<void> {
  await configure(network, more);
  const proposed = await propose(network);
  for (const hospital of [0, 1, 2]) await attest(network, hospital, 0, proposed);
  await settled(network.ops, 'DetectorContract:activate', ['0']);
}

/** Peers follow one another within a block or two; of a slow disk each takes seconds. */
export const SETTLE: { timeout: number; interval: number } = { timeout: 60_000, interval: 250 };

export const commit: typeof commitOnce = (...call) => onceLevel(() => commitOnce(...call));

/** An endorsed transaction that nobody has submitted. */
export function endorse(
  { contract }: TestPerson,
  name: string,
  options: ProposalOptions,
): Promise<Transaction> {
  return onceLevel(() => contract.newProposal(name, options).endorse());
}

/** Submits, and expects it to be valid. */
export async function settled(
  who: TestPerson,
  name: string,
  args: readonly string[],
): Promise<Committed> {
  const committed = await commit(who, name, args);
  if (committed.code !== 0) throw new Error(`${name}: validation code ${committed.code}`);
  return committed;
}

export const read = (who: TestPerson, session: string, record = HANDLE): Promise<Committed> =>
  commit(who, 'RecordAccessContract:requestAccess', [
    ...[session, record, 'operations', 'demographics', '1', context()],
  ]);

export const openSession = (who: TestPerson, session: string): Promise<Committed> =>
  commit(who, 'RecordAccessContract:openSession', [
    ...[session, 'ward 1', 'operations', context()],
  ]);

export const strangeExport = (who: TestPerson, session: string, context = ''): Promise<Committed> =>
  commit(who, 'RecordAccessContract:export', [session, ...STRANGE, context]);

/** Height of the chain as this person's gateway has it. */
export async function heightOf({ network }: TestPerson): Promise<number> {
  const bytes = await network
    .getContract('qscc')
    .evaluateTransaction('GetChainInfo', network.getName());
  return common.BlockchainInfo.deserializeBinary(bytes).getHeight();
}

/** All blocks from number `from` on, as bytes. */
export async function blocksOf(who: TestPerson, from = 0): Promise<Uint8Array[]> {
  const qscc = who.network.getContract('qscc');
  const height = await heightOf(who);
  const blocks: Uint8Array[] = [];
  for (let number = from; number < height; number++) {
    blocks.push(
      await qscc.evaluateTransaction('GetBlockByNumber', who.network.getName(), String(number)),
    );
  }
  return blocks;
}

export async function transactionsOf(who: TestPerson, from = 0): Promise<DecodedTransaction[]> {
  return (await blocksOf(who, from)).flatMap((bytes) => [...walkBlock(bytes)]);
}

/** The validation code of a transaction, or null if this gateway's ledger has not got it. */
export async function codeOf({ network }: TestPerson, txId: string): Promise<number | null> {
  const qscc = network.getContract('qscc');
  try {
    const bytes = await qscc.evaluateTransaction('GetTransactionByID', network.getName(), txId);
    return peer.ProcessedTransaction.deserializeBinary(bytes).getValidationcode();
  } catch (error) {
    if (error instanceof Error && error.message.includes('no such transaction ID')) return null;
    throw error;
  }
}

/** The sum of a Prometheus metric over the series whose labels hold all of `labels`. */
export async function metric(
  port: number,
  name: string,
  ...labels: readonly string[]
): Promise<number> {
  const text = await (await fetch(`http://${HOST}:${port}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => labels.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

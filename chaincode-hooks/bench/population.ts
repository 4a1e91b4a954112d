/**
 * Who calls in a bench, the same on every ledger: the orchestrator and the nodes that make detector 0 active, a person with a
 * session of her own for every client, and a service account on epochs.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { DETECTOR_ZERO } from '@bhschain/models/detector';
import type { Contract } from '@hyperledger/fabric-gateway';

import { actorOf } from '../src/events.js';
import type { KeyPairPem } from '../src/embedded-peer/index.js';
import type { ArmName } from './arm.js';
import type { CallOutcome } from './closed-loop.js';

/** What a ledger offers to a population. */
export interface Channel {
  readonly hospitals: readonly string[];
  identity(mspId: string, commonName: string, attributes: Record<string, string>): KeyPairPem;
  /** The arm's chaincode, called under this identity. */
  contract(mspId: string, identity: KeyPairPem): Contract;
}

export interface Population {
  /** One access by one person, endorsed, ordered and committed. */
  readonly call: (client: number) => Promise<CallOutcome>;
  /** The same in one session for everybody: at most one of a block is valid. */
  readonly hotCall: () => Promise<CallOutcome>;
  /** An access by a service account on epochs. */
  readonly serviceCall: () => Promise<CallOutcome>;
}

const DIGEST = 'd'.repeat(64);
const SERVICE_SESSION = 'f'.repeat(16);
const HOT_SESSION = 'e'.repeat(16);
const OPEN = 'RecordAccessContract:openSession';
const READ = 'RecordAccessContract:requestAccess';
const CALLS_A_PERSON = 12;
const MORNING_MS = Date.UTC(2026, 0, 5, 8);
const PATIENCE = 20;

export async function populate(
  channel: Channel,
  name: ArmName,
  clients: number,
): Promise<Population> {
  const { hospitals } = channel;
  const person = (mspId: string, commonName: string, attributes: Record<string, string>) =>
    channel.contract(mspId, channel.identity(mspId, commonName, attributes));
  const nodes = hospitals.map((mspId) => person(mspId, 'node', { role: 'hospital-node' }));
  const admins = hospitals.map((mspId) => person(mspId, 'admin', { role: 'hospital-admin' }));
  const ops = person('OpsMSP', 'orchestrator', { role: 'orchestrator' });
  if (name !== 'off') {
    await activateDetectorZero({ hospitals, ops, nodes, admins, shadow: name === 'shadow' });
  }
  const shifts = Array.from({ length: clients }, (_, client) => createShift(channel, client));
  const [home] = hospitals as [string];
  const service = channel.identity(home, 'engine', { role: 'service', class: 'service' });
  const robot = channel.contract(home, service);
  const robotOpening = [SERVICE_SESSION, '', 'operations', ''];
  await must(robot, OPEN, robotOpening);
  if (name !== 'off') {
    const actor = actorOf(home, service.certificatePem);
    await must(nodes[0]!, 'FederationContract:foldEpoch', [actor]);
  }
  const hotPerson = person(home, 'hot', { role: 'nurse', class: 'person' });
  await must(hotPerson, OPEN, [HOT_SESSION, 'ward 1', 'treatment', '']);
  const again = (contract: Contract, session: string): Promise<CallOutcome> =>
    attempt(contract, READ, [session, recordOf(0), 'treatment', 'notes', '1', '']);
  return {
    call: (client) => shifts[client]!(),
    hotCall: () => again(hotPerson, HOT_SESSION),
    serviceCall: () => again(robot, SERVICE_SESSION),
  };
}

/**
 * What detector 0 thinks ordinary: somebody opens a session and reads eleven records in half an hour; then comes the next
 * person. The times are declared (the federation replays a log), since a bench cannot wait for them.
 */
function createShift(channel: Channel, client: number): () => Promise<CallOutcome> {
  const { hospitals } = channel;
  const mspId = hospitals[client % hospitals.length]!;
  let calls = 0;
  let people = 0;
  let atMs = 0;
  let who: Contract;
  let session = '';
  return () => {
    const step = calls++ % CALLS_A_PERSON;
    if (step === 0) {
      const name = `p-${client}-${++people}`;
      const identity = channel.identity(mspId, name, { role: 'nurse', class: 'person' });
      who = channel.contract(mspId, identity);
      session = (client * 65_536 + people).toString(16).padStart(16, '0');
      atMs = MORNING_MS + 1_000 * client;
      return attempt(who, OPEN, [session, 'ward 1', 'treatment', `at=${atMs}`]);
    }
    atMs += 60_000 + ((calls * 7_919 + client * 104_729) % 120_000);
    // Of her own hospital: somebody else's records would be strange.
    const record = recordOf(client * 31 + calls).replace('H1', mspId.replace(/MSP$/, ''));
    return attempt(who, READ, [session, record, 'treatment', 'notes', '1', `at=${atMs}`]);
  };
}

function recordOf(n: number): string {
  return `H1-${(n % 4096).toString(16).padStart(16, '0')}`;
}

async function activateDetectorZero(o: {
  readonly ops: Contract;
  readonly nodes: readonly Contract[];
  readonly admins: readonly Contract[];
  readonly shadow: boolean;
  readonly hospitals: readonly string[];
}): Promise<void> {
  const { hospitals, ops, nodes, admins } = o;
  const { detectorBytes, tableBytes, detector } = DETECTOR_ZERO;
  const attestations = Math.floor(hospitals.length / 2) + 1;
  await must(ops, 'FederationContract:configure', [
    JSON.stringify({ hospitals, attestations, replay: true, vocabulary: null }),
  ]);
  const proposed = await must(ops, 'DetectorContract:propose', [
    String(detector.version),
    Buffer.from(detectorBytes).toString('base64'),
    Buffer.from(tableBytes).toString('base64'),
    JSON.stringify({
      manifestDigest: '',
      round: '',
      planHash: '',
      unit: 'none',
      epsilonMicro: 0,
      deltaExponent: 0,
    }),
  ]);
  const { modelHash, tableHash } = JSON.parse(proposed) as { modelHash: string; tableHash: string };
  for (const node of nodes) {
    const hashes = [modelHash, tableHash, detector.kernelHash, 'bench'];
    await must(node, 'DetectorContract:attest', [String(detector.version), ...hashes]);
    for (const digest of [modelHash, tableHash]) {
      await node.evaluate('DetectorContract:blob', { arguments: [digest] });
    }
  }
  await must(ops, 'DetectorContract:activate', [String(detector.version)]);
  if (!o.shadow) return;
  for (const admin of admins) {
    await must(admin, 'DetectorContract:vote', ['shadow', String(detector.version), DIGEST]);
  }
  await must(admins[0]!, 'DetectorContract:setMode', ['shadow']);
}

/** Endorsed, ordered, committed: Fabric's code and the reply. */
async function commit(
  contract: Contract,
  name: string,
  args: readonly string[],
): Promise<{ readonly code: number; readonly reply: string; readonly block: number }> {
  const transaction = await contract.newProposal(name, { arguments: [...args] }).endorse();
  const { code, blockNumber } = await (await transaction.submit()).getStatus();
  return {
    code,
    reply: Buffer.from(transaction.getResult()).toString('utf8'),
    block: Number(blockNumber),
  };
}

/** For what must succeed. Another peer may still be a block behind the one that committed the step before. */
async function must(contract: Contract, name: string, args: readonly string[]): Promise<string> {
  for (let attempts = 1; ; attempts++) {
    try {
      const { code, reply } = await commit(contract, name, args);
      if (code === 0) return reply;
      throw new Error(`${name}: code ${code}`);
    } catch (error) {
      if (attempts === PATIENCE) throw error;
      await sleep(250);
    }
  }
}

async function attempt(
  contract: Contract,
  name: string,
  args: readonly string[],
): Promise<CallOutcome> {
  try {
    const { code, reply, block } = await commit(contract, name, args);
    const { disposition = null } = JSON.parse(reply) as { disposition?: string };
    return { code, disposition, block };
  } catch {
    return { code: null, disposition: null, block: null };
  }
}

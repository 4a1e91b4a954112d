/**
 * Who calls in a bench, the same on every ledger: the orchestrator and the nodes that make detector 0 active, a person with a
 * session of her own for every client, and a service account on epochs.
 */
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
const OPENINGS_AT_ONCE = 16;

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
  const people = Array.from({ length: clients }, (_, i) =>
    person(hospitals[i % hospitals.length]!, `p-${i}`, { role: 'nurse', class: 'person' }),
  );
  for (let i = 0; i < people.length; i += OPENINGS_AT_ONCE) {
    await Promise.all(
      people
        .slice(i, i + OPENINGS_AT_ONCE)
        .map((contract, k) => must(contract, 'RecordAccessContract:openSession', opening(i + k))),
    );
  }
  const [home] = hospitals as [string];
  const service = channel.identity(home, 'engine', { role: 'service', class: 'service' });
  const robot = channel.contract(home, service);
  const robotOpening = [SERVICE_SESSION, '', 'operations', ''];
  await must(robot, 'RecordAccessContract:openSession', robotOpening);
  if (name !== 'off') {
    const actor = actorOf(home, service.certificatePem);
    await must(nodes[0]!, 'FederationContract:foldEpoch', [actor]);
  }
  let calls = 0;
  const read = (contract: Contract, session: string): Promise<CallOutcome> =>
    attempt(contract, 'RecordAccessContract:requestAccess', [
      session,
      `H1-${(++calls % 4096).toString(16).padStart(16, '0')}`,
      'treatment',
      'notes',
      '1',
      '',
    ]);
  return {
    call: (i) => read(people[i]!, sessionOf(i)),
    hotCall: () => read(people[0]!, sessionOf(0)),
    serviceCall: () => read(robot, SERVICE_SESSION),
  };
}

function sessionOf(client: number): string {
  return client.toString(16).padStart(16, '0');
}

function opening(client: number): readonly string[] {
  return [sessionOf(client), 'ward 1', 'treatment', ''];
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
    JSON.stringify({ hospitals, attestations, replay: false, vocabulary: null }),
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
): Promise<{ readonly code: number; readonly reply: string }> {
  const transaction = await contract.newProposal(name, { arguments: [...args] }).endorse();
  const { code } = await (await transaction.submit()).getStatus();
  return { code, reply: Buffer.from(transaction.getResult()).toString('utf8') };
}

async function must(contract: Contract, name: string, args: readonly string[]): Promise<string> {
  const { code, reply } = await commit(contract, name, args);
  if (code !== 0) throw new Error(`${name}: code ${code}`);
  return reply;
}

async function attempt(
  contract: Contract,
  name: string,
  args: readonly string[],
): Promise<CallOutcome> {
  try {
    const { code, reply } = await commit(contract, name, args);
    const { disposition = null } = JSON.parse(reply) as { disposition?: string };
    return { code, disposition };
  } catch {
    return { code: null, disposition: null };
  }
}

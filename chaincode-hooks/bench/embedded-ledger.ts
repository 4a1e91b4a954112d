/**
 * One arm on the development ledger: its own ledger process, one chaincode process a hospital, detector 0 active, and a
 * person with a session of her own for every client.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { DETECTOR_ZERO } from '@bhschain/models/detector';
import * as grpc from '@grpc/grpc-js';
import { connect, hash, signers, type Contract, type Gateway } from '@hyperledger/fabric-gateway';

import { actorOf } from '../src/events.js';
import { issueIdentity, ledgerConfigOf, provisionConsortium } from '../src/embedded-peer/index.js';
import type { ArmName } from './arm.js';
import type { CallOutcome, ProcessorTime } from './closed-loop.js';

export interface Arm {
  readonly name: ArmName;
  /** One access by one person, endorsed, ordered and committed. */
  readonly call: (client: number) => Promise<CallOutcome>;
  /** The same in one session for everybody: at most one of a block is valid. */
  readonly hotCall: () => Promise<CallOutcome>;
  /** An access by a service account on epochs. */
  readonly serviceCall: () => Promise<CallOutcome>;
  readonly cpu: () => ProcessorTime;
  readonly close: () => Promise<void>;
}

export const HOSPITALS = ['H1MSP', 'H2MSP'];
export const BATCH = { timeoutMs: 50, messagesMax: 200, bytesMax: 10_000_000 };
const PACKAGE_ID = 'bhschain:1';
const DIGEST = 'd'.repeat(64);
const SERVICE_SESSION = 'f'.repeat(16);
const OPENINGS_AT_ONCE = 16;

export async function startEmbeddedArm(name: ArmName, clients: number): Promise<Arm> {
  const dir = mkdtempSync(join(tmpdir(), `bench-${name}-`));
  const children: ChildProcess[] = [];
  const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const start = async (script: string, args: string[], execArgv: string[]): Promise<Ready> => {
    const child = fork(here(script), args, {
      execArgv,
      stdio: ['ignore', 'inherit', 'ignore', 'ipc'],
    });
    children.push(child);
    const [ready] = (await once(child, 'message')) as [Ready];
    return ready;
  };
  const consortium = provisionConsortium({ dir, nowMs: Date.now() });
  const chaincodeAddresses: Record<string, string> = {};
  for (const mspId of HOSPITALS) {
    const file = join(dir, `chaincode-${mspId}.json`);
    writeFileSync(
      file,
      JSON.stringify({ address: '127.0.0.1:0', chaincodeId: PACKAGE_ID, metricsPort: 0 }),
    );
    const ready = await start(
      './chaincode-process.ts',
      ['--config', file, '--arm', name],
      ['--no-deprecation', '--import', 'tsx'],
    );
    chaincodeAddresses[mspId] = ready.address;
  }
  const configFile = join(dir, 'ledger.json');
  const config = ledgerConfigOf(consortium, {
    channel: 'consortium',
    chaincode: { name: 'bhschain', packageId: PACKAGE_ID },
    listen: { host: '127.0.0.1', port: 0 },
    blocksDir: join(dir, 'blocks'),
    chaincodeAddresses,
    batch: BATCH,
  });
  writeFileSync(configFile, JSON.stringify(config));
  const { port } = await start(
    '../dist/embedded-peer/main.js',
    ['--config', configFile],
    ['--no-deprecation'],
  );
  const client = new grpc.Client(
    `127.0.0.1:${port}`,
    grpc.credentials.createSsl(readFileSync(consortium.tlsRootFile)),
  );
  const gateways: Gateway[] = [];
  const person = (
    mspId: string,
    commonName: string,
    attributes: Record<string, string>,
  ): Contract => connectAs(mspId, identityOf(mspId, commonName, attributes));
  const identityOf = (mspId: string, commonName: string, attributes: Record<string, string>) =>
    issueIdentity({ authority: consortium.authority(mspId), commonName, attributes });
  const connectAs = (mspId: string, identity: ReturnType<typeof identityOf>): Contract => {
    const gateway = connect({
      client,
      identity: { mspId, credentials: Buffer.from(identity.certificatePem) },
      signer: signers.newPrivateKeySigner(createPrivateKey(identity.privateKeyPem)),
      hash: hash.sha256,
    });
    gateways.push(gateway);
    return gateway.getNetwork('consortium').getContract('bhschain');
  };

  const nodes = HOSPITALS.map((mspId) => person(mspId, 'node', { role: 'hospital-node' }));
  const admins = HOSPITALS.map((mspId) => person(mspId, 'admin', { role: 'hospital-admin' }));
  const ops = person('OpsMSP', 'orchestrator', { role: 'orchestrator' });
  if (name !== 'off') await activateDetectorZero({ ops, nodes, admins, shadow: name === 'shadow' });

  const people = Array.from({ length: clients }, (_, i) =>
    person(HOSPITALS[i % HOSPITALS.length]!, `p-${i}`, { role: 'nurse', class: 'person' }),
  );
  for (let i = 0; i < people.length; i += OPENINGS_AT_ONCE) {
    await Promise.all(
      people
        .slice(i, i + OPENINGS_AT_ONCE)
        .map((contract, k) => must(contract, 'RecordAccessContract:openSession', opening(i + k))),
    );
  }
  const service = identityOf('H1MSP', 'engine', { role: 'service', class: 'service' });
  const robot = connectAs('H1MSP', service);
  const robotOpening = [SERVICE_SESSION, '', 'operations', ''];
  await must(robot, 'RecordAccessContract:openSession', robotOpening);
  if (name !== 'off') {
    const actor = actorOf('H1MSP', service.certificatePem);
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
    name,
    call: (i) => read(people[i]!, sessionOf(i)),
    hotCall: () => read(people[0]!, sessionOf(0)),
    serviceCall: () => read(robot, SERVICE_SESSION),
    cpu: () => ({
      chaincodeMs: children.slice(0, -1).reduce((sum, child) => sum + cpuMsOf(child), 0),
      ledgerMs: cpuMsOf(children.at(-1)!),
    }),
    async close() {
      for (const gateway of gateways) gateway.close();
      client.close();
      for (const child of children.toReversed()) {
        child.disconnect();
        if (child.exitCode === null) await once(child, 'exit');
      }
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** User and system time of a process, from /proc; NaN where there is none. A tick is ten milliseconds on Linux. */
function cpuMsOf(child: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return NaN;
  }
}

interface Ready {
  readonly address: string;
  readonly port: number;
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
}): Promise<void> {
  const { ops, nodes, admins } = o;
  const { detectorBytes, tableBytes, detector } = DETECTOR_ZERO;
  const attestations = HOSPITALS.length;
  await must(ops, 'FederationContract:configure', [
    JSON.stringify({ hospitals: HOSPITALS, attestations, replay: false, vocabulary: null }),
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

/**
 * The whole ledger side for tests: real chaincode processes (`dist/server.js`), the embedded peer, people with certificates.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import * as grpc from '@grpc/grpc-js';
import {
  EndorseError,
  connect,
  hash,
  signers,
  type Contract,
  type Gateway,
} from '@hyperledger/fabric-gateway';

import {
  createEmbeddedPeer,
  issueIdentity,
  ledgerConfigOf,
  loadLedgerConfig,
  provisionConsortium,
  type EmbeddedPeer,
} from '../src/embedded-peer/index.js';
import { actorOf } from '../src/events.js';

const CHANNEL = 'consortium';
const CHAINCODE = 'bhschain';
const PACKAGE_ID = 'bhschain:1';

export interface Person {
  readonly mspId: string;
  readonly actor: string;
  readonly contract: Contract;
}

export interface GuardedLedger {
  readonly blocksDir: string;
  readonly metricsUrls: readonly string[];
  readonly codeHashes: readonly string[];
  person(mspId: string, commonName: string, attributes: Readonly<Record<string, string>>): Person;
  close(): Promise<void>;
}

export interface Committed {
  readonly code: number;
  readonly txId: string;
  readonly reply: unknown;
}

/** Endorse, submit, wait; the code is Fabric's own. */
export async function commit(
  who: Person,
  name: string,
  args: readonly string[],
): Promise<Committed> {
  const proposal = who.contract.newProposal(name, { arguments: [...args] });
  const transaction = await proposal.endorse().catch((error: unknown) => {
    throw withDetails(error);
  });
  const submitted = await transaction.submit();
  const { code } = await submitted.getStatus();
  const text = Buffer.from(transaction.getResult()).toString('utf8');
  return {
    code,
    txId: transaction.getTransactionId(),
    reply: text === '' ? null : JSON.parse(text),
  };
}

/** The gateway's message does not say why; its details do, one per organisation. */
function withDetails(error: unknown): unknown {
  if (error instanceof EndorseError) {
    error.message = error.details.map(({ mspId, message }) => `${mspId}: ${message}`).join('; ');
  }
  return error;
}

export async function evaluate(
  who: Person,
  name: string,
  args: readonly string[],
): Promise<unknown> {
  const bytes = await who.contract.evaluate(name, { arguments: [...args] });
  return JSON.parse(Buffer.from(bytes).toString('utf8'));
}

export async function startGuardedLedger(hospitalCount: number): Promise<GuardedLedger> {
  const dir = mkdtempSync(join(tmpdir(), 'guarded-ledger-'));
  const consortium = provisionConsortium({ dir, nowMs: Date.now() });
  const servers = await Promise.all(
    Array.from({ length: hospitalCount }, (_, i) => startServer(join(dir, `chaincode-${i}.json`))),
  );
  const mspIds = consortium.hospitals.slice(0, hospitalCount);
  const blocksDir = join(dir, 'blocks');
  const file = join(dir, 'ledger.json');
  writeFileSync(
    file,
    JSON.stringify(
      ledgerConfigOf(consortium, {
        channel: CHANNEL,
        chaincode: { name: CHAINCODE, packageId: PACKAGE_ID },
        listen: { host: '127.0.0.1', port: 0 },
        blocksDir,
        chaincodeAddresses: Object.fromEntries(
          mspIds.map((mspId, i) => [mspId, servers[i]!.ready.address]),
        ),
      }),
    ),
  );
  const peer: EmbeddedPeer = await createEmbeddedPeer({
    ...loadLedgerConfig(file),
    nowMs: () => Date.now(),
  });
  await peer.chaincodeReady();
  const tlsRoot = readFileSync(consortium.tlsRootFile);
  const open: { gateway: Gateway; client: grpc.Client }[] = [];
  return {
    blocksDir,
    metricsUrls: servers.map(({ ready }) => `http://127.0.0.1:${ready.metricsPort}/metrics`),
    codeHashes: servers.map(({ ready }) => ready.codeHash),
    person(mspId, commonName, attributes) {
      const identity = issueIdentity({
        authority: consortium.authority(mspId),
        commonName,
        attributes,
      });
      const client = new grpc.Client(`127.0.0.1:${peer.port}`, grpc.credentials.createSsl(tlsRoot));
      const gateway = connect({
        client,
        identity: { mspId, credentials: Buffer.from(identity.certificatePem) },
        signer: signers.newPrivateKeySigner(createPrivateKey(identity.privateKeyPem)),
        hash: hash.sha256,
      });
      open.push({ gateway, client });
      return {
        mspId,
        actor: actorOf(mspId, identity.certificatePem),
        contract: gateway.getNetwork(CHANNEL).getContract(CHAINCODE),
      };
    },
    async close() {
      for (const { gateway, client } of open) {
        gateway.close();
        client.close();
      }
      await peer.close();
      await Promise.all(servers.map(({ child }) => stop(child)));
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

interface Ready {
  readonly address: string;
  readonly metricsPort: number;
  readonly codeHash: string;
}

async function startServer(configFile: string): Promise<{ child: ChildProcess; ready: Ready }> {
  writeFileSync(
    configFile,
    JSON.stringify({ address: '127.0.0.1:0', chaincodeId: PACKAGE_ID, metricsPort: 0 }),
  );
  const script = fileURLToPath(new URL('../dist/server.js', import.meta.url));
  const child = fork(script, ['--config', configFile], {
    execArgv: ['--no-deprecation'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let complaints = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaints += chunk.toString('utf8')));
  const ready = await Promise.race([
    once(child, 'message').then(([message]) => message as Ready),
    once(child, 'exit').then(() => {
      throw new Error(`chaincode server did not start: ${complaints}`);
    }),
  ]);
  return { child, ready };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`chaincode server exited with ${code}`);
}

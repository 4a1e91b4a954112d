/**
 * How fast the development ledger is with a contract that does next to nothing: one ledger process, one chaincode
 * process per hospital, one client here. `npx tsx chaincode-hooks/bench/embedded-peer-throughput.ts [seconds]`
 * prints one JSON line per arm; build first.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import { connect, hash, signers, type Contract } from '@hyperledger/fabric-gateway';
import {
  issueIdentity,
  ledgerConfigOf,
  provisionConsortium,
  verifyBlocks,
} from '../src/embedded-peer/index.js';

const seconds = Number(process.argv[2] ?? 5);
const HOSPITALS = ['H1MSP', 'H2MSP'];
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

let keys = 0;
const dir = mkdtempSync(join(tmpdir(), 'ledger-bench-'));
const children: ChildProcess[] = [];
async function start(script: string, ...args: string[]): Promise<Record<string, unknown>> {
  const child = fork(here(script), args, {
    execArgv: ['--no-deprecation'],
    stdio: ['ignore', 'inherit', 'ignore', 'ipc'],
  });
  children.push(child);
  const [ready] = (await once(child, 'message')) as [Record<string, unknown>];
  return ready;
}

const consortium = provisionConsortium({ dir, nowMs: Date.now() });
const chaincodeAddresses: Record<string, string> = {};
for (const mspId of HOSPITALS) {
  const { address } = await start('../test/embedded-peer/chaincode-process.mjs', 'plain:1');
  chaincodeAddresses[mspId] = address as string;
}
const configFile = join(dir, 'config.json');
const blocksDir = join(dir, 'blocks');
const config = ledgerConfigOf(consortium, {
  channel: 'consortium',
  chaincode: { name: 'plain', packageId: 'plain:1' },
  listen: { host: '127.0.0.1', port: 0 },
  blocksDir,
  chaincodeAddresses,
});
writeFileSync(configFile, JSON.stringify(config));
const { port } = await start('../dist/embedded-peer/main.js', '--config', configFile);

const authority = consortium.authority('H1MSP');
const { certificatePem, privateKeyPem } = issueIdentity({ authority, commonName: 'bench' });
const client = new grpc.Client(
  `127.0.0.1:${String(port)}`,
  grpc.credentials.createSsl(readFileSync(consortium.tlsRootFile)),
);
const gateway = connect({
  client,
  identity: { mspId: 'H1MSP', credentials: Buffer.from(certificatePem) },
  signer: signers.newPrivateKeySigner(createPrivateKey(privateKeyPem)),
  hash: hash.sha256,
});
const contract = gateway.getNetwork('consortium').getContract('plain', 'Plain');

await run(contract, { inFlight: 4, milliseconds: 1_000 }); // warm up
for (const inFlight of [1, 16, 64]) {
  const figures = await run(contract, { inFlight, milliseconds: seconds * 1_000 });
  console.log(JSON.stringify({ inFlight, ...figures, cores: cpus().length, endorsers: 2 }));
}
gateway.close();
client.close();
for (const child of children.reverse()) {
  child.kill('SIGTERM');
  await once(child, 'exit');
}
const startMs = performance.now();
const { blocks, transactions } = verifyBlocks(blocksDir);
const verifyMs = Math.round(performance.now() - startMs);
console.log(JSON.stringify({ blocks, transactions, verifyMs }));
rmSync(dir, { recursive: true, force: true });

async function run(
  target: Contract,
  options: Readonly<{ inFlight: number; milliseconds: number }>,
): Promise<Record<string, number>> {
  const latencies: number[] = [];
  let invalid = 0;
  const startedMs = performance.now();
  const untilMs = startedMs + options.milliseconds;
  const worker = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      const sinceMs = performance.now();
      const proposal = target.newProposal('increment', { arguments: [`key-${++keys}`] });
      const submitted = await (await proposal.endorse()).submit();
      if ((await submitted.getStatus()).code !== 0) invalid++;
      latencies.push(performance.now() - sinceMs);
    }
  };
  await Promise.all(Array.from({ length: options.inFlight }, worker));
  const elapsedMs = performance.now() - startedMs;
  latencies.sort((a, b) => a - b);
  const quantile = (q: number): number =>
    Math.round(latencies[Math.floor(q * (latencies.length - 1))]! * 10) / 10;
  return {
    perSecond: Math.round((latencies.length / elapsedMs) * 1_000),
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    invalid,
  };
}

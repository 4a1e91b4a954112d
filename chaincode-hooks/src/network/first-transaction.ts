/**
 * Readiness: a committed transaction. Health checks, channel lists and queries all say yes too early; and a peer whose
 * discovery is not complete refuses to endorse, so every gateway is asked.
 * @module
 */
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as grpc from '@grpc/grpc-js';
import {
  GatewayError,
  connect,
  hash,
  signers,
  type Contract,
  type Proposal,
} from '@hyperledger/fabric-gateway';
import type { Chaincode } from './chaincode.js';
import { administratorOf } from './crypto-material.js';
import { NetworkError } from './errors.js';
import { HOST, type Hospital, type Topology } from './topology.js';
import { until, type Patience } from './waiting.js';

/**
 * @throws {NetworkError} `ERR_NETWORK_TIMEOUT` with what the gateway said last
 */
export async function awaitTransactions(
  topology: Topology,
  { name, probe }: Pick<Chaincode, 'name' | 'probe'>,
  patience: Patience,
): Promise<void> {
  await Promise.all(
    topology.hospitals.map((hospital, index) =>
      withContract(topology, hospital, name, async (contract) => {
        const what = `a transaction of ${name} through ${hospital.peer.name}`;
        const attempt = index === 0 ? commits : endorses;
        const propose = (): Proposal =>
          contract.newProposal(probe.function, { arguments: [...probe.args] });
        await until(what, () => attempt(propose()), patience);
      }),
    ),
  );
}

async function endorses(proposal: Proposal): Promise<true> {
  try {
    await proposal.endorse();
    return true;
  } catch (error) {
    throw explained(error);
  }
}

async function commits(proposal: Proposal): Promise<true> {
  try {
    const submitted = await (await proposal.endorse()).submit();
    const { code } = await submitted.getStatus();
    if (code === 0) return true;
    throw new NetworkError('ERR_NETWORK_TIMEOUT', `validation code ${code}`, { code });
  } catch (error) {
    throw explained(error);
  }
}

/** The gateway's message does not say why; its details do, one per organisation. */
function explained(error: unknown): unknown {
  if (error instanceof GatewayError && error.details.length > 0) {
    error.message = error.details.map(({ mspId, message }) => `${mspId}: ${message}`).join('; ');
  }
  return error;
}

async function withContract(
  topology: Topology,
  hospital: Hospital,
  chaincode: string,
  work: (contract: Contract) => Promise<void>,
): Promise<void> {
  const { certificatePem, privateKeyPem } = administratorOf(hospital);
  const tlsRoot = readFileSync(hospital.tlsRootFile);
  const client = new grpc.Client(
    `${HOST}:${hospital.peer.port}`,
    grpc.credentials.createSsl(tlsRoot),
    // An address is no server name (RFC 6066); the certificates are valid for both.
    { 'grpc.ssl_target_name_override': 'localhost' },
  );
  const within = (ms: number) => () => ({ deadline: new Date(deadlineBase() + ms) });
  const gateway = connect({
    client,
    identity: { mspId: hospital.mspId, credentials: Buffer.from(certificatePem) },
    signer: signers.newPrivateKeySigner(createPrivateKey(privateKeyPem)),
    hash: hash.sha256,
    endorseOptions: within(15_000),
    submitOptions: within(10_000),
    commitStatusOptions: within(30_000),
  });
  try {
    await work(gateway.getNetwork(topology.channel).getContract(chaincode));
  } finally {
    gateway.close();
    client.close();
  }
}

/** Wall-clock time from the monotonic clock: a gRPC deadline is a date. */
function deadlineBase(): number {
  return performance.timeOrigin + performance.now();
}

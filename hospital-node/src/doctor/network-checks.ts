/**
 * What needs the other side: the orchestrator (reachable, certificate accepted, clock, ledger head) and a gateway.
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { kernelHash } from '@bhschain/models/kernel';
import { createFederationClient, type Hello } from '@bhschain/orchestrator/protocol';
import type { NodeConfig } from '../config.js';
import { codeOf } from '../errors.js';
import { connectFabric } from '../fabric/connection.js';
import { readIdentity } from '../fabric/identity.js';
import { readLedger } from '../privacy-ledger/index.js';
import { fail, pass, skip, warn, type Check, type Finding } from './check.js';

const SKEW_WARN_MS = 1_000;
const SKEW_FAIL_MS = 5_000;
const GATEWAY_READY_MS = 3_000;

/** @param now - the wall clock; @param jitter - uniform in [0, 1) */
export function networkChecks(
  config: NodeConfig,
  now: () => number,
  jitter: () => number,
): readonly Check[] {
  const ledger = (): ReturnType<typeof readLedger> =>
    readLedger(join(config.stateDir, 'privacy-ledger.jsonl'));
  let hello: Promise<Hello> | null = null;
  const greet = (): Promise<Hello> => (hello ??= sayHello(config, now, ledger().head));
  const onlyIfGreeted = async (
    judge: (greeted: Hello) => Omit<Finding, 'code'>,
  ): Promise<Omit<Finding, 'code'>> => {
    const greeted = await greet().catch(() => null);
    return greeted === null
      ? skip('The orchestrator was not reached.', 'See NET-002.')
      : judge(greeted);
  };
  return [
    {
      code: 'NET-002',
      look: async () => {
        try {
          const { level } = await greet();
          return pass(
            `The orchestrator answers on ${config.federation.address}, protocol level ${level}.`,
          );
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error);
          return fail(`${codeOf(error)}: ${message}`, 'Check address, firewall and certificates.');
        }
      },
    },
    {
      code: 'TIM-001',
      look: () =>
        onlyIfGreeted(({ clockOffsetMs }) => {
          const skew = `The clock differs from the orchestrator's by ${(clockOffsetMs / 1000).toFixed(2)} s`;
          if (Math.abs(clockOffsetMs) > SKEW_FAIL_MS)
            return fail(`${skew}; rounds are declined.`, 'Run a time service.');
          return Math.abs(clockOffsetMs) > SKEW_WARN_MS
            ? warn(`${skew}.`, 'Run a time service.')
            : pass(`${skew}.`);
        }),
    },
    {
      code: 'PRV-002',
      look: () =>
        onlyIfGreeted(({ highestLedgerHead: seen }) => {
          if (seen === null)
            return pass('The orchestrator has seen no ledger head of this node yet.');
          return ledger().records[seen.seq]?.hash === seen.hash
            ? pass(`The orchestrator has seen record ${seen.seq}; it is in this ledger.`)
            : fail(
                `The orchestrator has seen record ${seen.seq} of another or longer privacy ledger.`,
                'This disk is older than the node: restore the newer ledger.',
              );
        }),
    },
    {
      code: 'FAB-001',
      look: async () => {
        const { fabric, mspId } = config;
        const connection = await connectFabric({
          endpoints: fabric.endpoints,
          tlsRootPem: readFileSync(fabric.tlsRoot, 'utf8'),
          channel: fabric.channel,
          chaincode: fabric.chaincode,
          identity: readIdentity({ mspId, certFile: fabric.cert, keyFile: fabric.key }),
          now,
          random: jitter,
          deadlines: { readyMs: GATEWAY_READY_MS },
        });
        try {
          const { height } = await connection.chainInfo();
          return pass(`The gateway answers; the channel has ${height} blocks.`);
        } finally {
          await connection.close();
        }
      },
    },
  ];
}

async function sayHello(
  config: NodeConfig,
  nowMs: () => number,
  ledgerHead: { readonly seq: number; readonly hash: string } | null,
): Promise<Hello> {
  const { id, address, tls, signerCa } = config.federation;
  using client = createFederationClient({
    address,
    federationId: id,
    nodeId: config.nodeId,
    ca: readFileSync(tls.ca, 'utf8'),
    certificate: readFileSync(tls.cert, 'utf8'),
    privateKey: readFileSync(tls.key, 'utf8'),
    trustedSigners: [readFileSync(signerCa, 'utf8')],
    nowMs,
    callTimeoutMs: GATEWAY_READY_MS,
  });
  return await client.hello({ software: 'bhs-node doctor', kernelHash, ledgerHead });
}

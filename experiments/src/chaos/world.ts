/**
 * A small consortium on disk for one chaotic run: identities, a short log of each hospital, configurations. The channel
 * is away all the time, since rounds must not need it.
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { issueIdentity, provisionConsortium } from '@bhschain/chaincode-hooks/embedded-peer';
import { createConsortium, writeConsortium } from '@bhschain/datasets';
import { provisionNode, writeIdentity } from '@bhschain/orchestrator';
import { moduleOf } from '../demo/configuration.js';

export const FEDERATION_ID = 'chaos';
const SIX_HOURS_MS = 21_600_000;

/** Slots of a few seconds; every phase has room for a process that has to start again. */
export const CHAOS_POLICY = {
  slotLengthMs: 5_000,
  openDelayMs: 100,
  gatherMaxMs: 1_200,
  collectMaxMs: 2_700,
  graceMs: 800,
  sealMaxMs: 1_000,
  quorum: 2,
  attemptsPerSlot: 2,
  publicationBacklogMax: 1_000,
} as const;

export interface WorldOptions {
  readonly folder: string;
  readonly seed: number;
  readonly nodes: readonly string[];
  readonly federationPort: number;
  readonly httpPort: number;
  /** Where each node dials: its own faulty link. */
  readonly linkPorts: readonly number[];
  readonly nowMs: number;
  readonly optimiser: object;
}

export interface ProcessFile {
  readonly name: string;
  readonly module: string;
  readonly config: string;
}

export interface World {
  readonly orchestrator: ProcessFile;
  readonly nodes: readonly ProcessFile[];
  readonly ledgerFile: (nodeId: string) => string;
}

export async function writeWorld(o: WorldOptions): Promise<World> {
  const at = (...names: string[]): string => join(o.folder, ...names);
  const consortium = createConsortium({
    seed: o.seed,
    hospitals: o.nodes.length,
    days: 3,
    staffPerHospital: 20,
  });
  mkdirSync(at('logs'), { recursive: true });
  writeConsortium(consortium, { logsDir: at('logs'), truthFile: at('truth.json') });
  const organisations = provisionConsortium({ dir: at('ledger'), nowMs: o.nowMs });
  const write = (name: string, text: string): string => {
    writeFileSync(at(name), text, { mode: 0o600 });
    return at(name);
  };
  const identity = (msp: string, name: string, role: string): { cert: string; key: string } => {
    const made = issueIdentity({
      authority: organisations.authority(msp),
      commonName: name,
      attributes: { role },
    });
    return {
      cert: write(`${name}-cert.pem`, made.certificatePem),
      key: write(`${name}-key.pem`, made.privateKeyPem),
    };
  };
  const signerCa = at('ledger', 'msp', 'OpsMSP', 'ca.pem');
  const gateway = {
    endpoints: ['127.0.0.1:1'],
    tlsRoot: signerCa,
    channel: 'consortium',
    chaincode: 'bhschain',
  };
  const ops = identity('OpsMSP', 'orchestrator', 'orchestrator');
  const originSlot = Math.ceil((o.nowMs + 4_000) / CHAOS_POLICY.slotLengthMs);
  const orchestrator = {
    name: 'orchestrator',
    module: moduleOf('orchestrator', 'main.js'),
    config: write(
      'orchestrator.json',
      JSON.stringify({
        federationId: FEDERATION_ID,
        stateDir: 'orchestrator',
        listen: { host: '127.0.0.1', port: o.federationPort },
        http: { host: '127.0.0.1', port: o.httpPort },
        hospitals: o.nodes.map((nodeId) => ({ nodeId, mspId: `${nodeId}MSP` })),
        policy: { ...CHAOS_POLICY, optimiser: o.optimiser },
        planPreset: 'demo',
        replay: {
          originSlot,
          originLogTimeMs: consortium.startMs + SIX_HOURS_MS,
          logSlotMs: SIX_HOURS_MS,
        },
        gateway: { ...gateway, mspId: 'OpsMSP', certFile: ops.cert, keyFile: ops.key },
        logLevel: 'info',
      }),
    ),
  };
  const nodes: ProcessFile[] = [];
  for (const [index, nodeId] of o.nodes.entries()) {
    const tls = await provisionNode({
      caDir: at('orchestrator', 'ca'),
      federationId: FEDERATION_ID,
      nodeId,
      nowMs: o.nowMs,
    });
    writeIdentity(at(nodeId), tls);
    mkdirSync(at(nodeId, 'people'), { recursive: true });
    writeFileSync(at(nodeId, 'actors.jsonl'), '');
    const fabric = identity(`${nodeId}MSP`, `node-${nodeId}`, 'hospital-node');
    nodes.push({
      name: nodeId,
      module: moduleOf('hospital-node', 'main.js'),
      config: write(
        `${nodeId}.json`,
        JSON.stringify({
          nodeId,
          mspId: `${nodeId}MSP`,
          stateDir: nodeId,
          log: { file: at('logs', `${nodeId}.jsonl`), liveFromMs: consortium.startMs },
          windows: { binMs: SIX_HOURS_MS },
          federation: {
            id: FEDERATION_ID,
            address: `127.0.0.1:${o.linkPorts[index]!}`,
            tls: {
              ca: at(nodeId, 'tls', 'ca.pem'),
              cert: at(nodeId, 'tls', 'cert.pem'),
              key: at(nodeId, 'tls', 'key.pem'),
            },
            signerCa,
          },
          fabric: { ...gateway, ...fabric },
          actorsFile: join(nodeId, 'actors.jsonl'),
          peopleDir: join(nodeId, 'people'),
          timeGranularity: 'exact',
        }),
      ),
    });
  }
  return {
    orchestrator,
    nodes,
    ledgerFile: (nodeId) => at(nodeId, 'privacy-ledger.jsonl'),
  };
}

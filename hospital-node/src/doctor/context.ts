/**
 * What the checks share: one greeting of the orchestrator, one connection to the channel, each made when it is first
 * asked for. A check whose other side was not reached is skipped and says which check tells why.
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { kernelHash } from '@bhschain/models/kernel';
import type { FederationClient, Hello } from '@bhschain/orchestrator/protocol';
import type { NodeConfig } from '../config.js';
import { connectFabric, type FabricConnection } from '../fabric/connection.js';
import { readIdentity } from '../fabric/identity.js';
import { openFederation } from '../parts/federation-connection.js';
import { greet } from '../parts/greeting.js';
import { readLedger } from '../privacy-ledger/index.js';
import { skip, type Look } from './check.js';

export interface Surroundings {
  /** The wall clock. */
  readonly now: () => number;
  /** Uniform in [0, 1). */
  readonly jitter: () => number;
}

export interface DoctorContext extends Surroundings {
  readonly config: NodeConfig;
  readonly client: () => FederationClient;
  readonly hello: () => Promise<Hello>;
  readonly fabric: () => Promise<FabricConnection>;
  /** The same, once the peer has let us onto the channel. */
  readonly channel: () => Promise<FabricConnection>;
  /** The federation's configuration on the channel. */
  readonly onChannel: () => Promise<ChannelFederation>;
  readonly ledger: () => ReturnType<typeof readLedger>;
  readonly close: () => Promise<void>;
}

/** `FederationContract:config`. */
export interface ChannelFederation {
  readonly hospitals: readonly string[];
  readonly attestations: number;
}

const READY_MS = 3_000;

export function createContext(config: NodeConfig, surroundings: Surroundings): DoctorContext {
  const { now, jitter } = surroundings;
  const once = <T>(make: () => T): (() => T) => {
    let made: { readonly value: T } | null = null;
    return () => (made ??= { value: make() }).value;
  };
  const opened: (() => void | Promise<void>)[] = [];
  const ledger = once(() => readLedger(join(config.stateDir, 'privacy-ledger.jsonl')));
  const client = once(() => {
    const connection = openFederation({ config, nowMs: now });
    opened.push(() => connection.close());
    return connection;
  });
  const fabric = once(async () => {
    const connection = await connectFabric({
      endpoints: config.fabric.endpoints,
      tlsRootPem: readFileSync(config.fabric.tlsRoot, 'utf8'),
      channel: config.fabric.channel,
      chaincode: config.fabric.chaincode,
      identity: readIdentity({
        mspId: config.mspId,
        certFile: config.fabric.cert,
        keyFile: config.fabric.key,
      }),
      now,
      random: jitter,
      deadlines: { readyMs: READY_MS },
    });
    opened.push(() => connection.close());
    return connection;
  });
  return {
    ...surroundings,
    config,
    client,
    hello: once(async () => greet(client(), config, { software: 'bhs-node doctor', kernelHash })),
    fabric,
    channel: once(async () => {
      const connection = await fabric();
      await connection.chainInfo();
      return connection;
    }),
    onChannel: once(async () => {
      const answer = await (await fabric()).evaluate('FederationContract:config', []);
      const { config: found } = JSON.parse(Buffer.from(answer).toString('utf8')) as {
        config: ChannelFederation | null;
      };
      return found ?? { hospitals: [], attestations: 0 };
    }),
    ledger,
    close: async () => {
      for (const close of opened.splice(0).reverse()) await close();
    },
  };
}

/** Judges what `ask` brings; if it brings nothing, another check has said why. */
export async function ifReached<T>(
  ask: () => Promise<T>,
  because: { readonly what: string; readonly see: string },
  judge: (found: T) => Look | Promise<Look>,
): Promise<Look> {
  let found: T;
  try {
    found = await ask();
  } catch {
    return skip(`${because.what} was not reached.`, `See ${because.see}.`);
  }
  return await judge(found);
}

export const ORCHESTRATOR = { what: 'The orchestrator', see: 'NET-002 and NET-007' } as const;
export const CHANNEL = { what: 'The channel', see: 'FAB-001 and FAB-002' } as const;

/**
 * A ledger in memory under the real contract runtime: state with versions, read and write sets, one event.
 *
 * Like Fabric it hides a transaction's own writes from its reads, and like an endorser it can be started cold: `endorser()`
 * makes a chaincode with empty caches over the same state.
 */
import './quiet-shim.js';
import type { ChaincodeInterface } from 'fabric-shim';

import { createChaincode } from '../src/chaincode-server.js';
import {
  createAuthority,
  issueIdentity,
  type CertificateAuthority,
} from '../src/embedded-peer/certificate-authority.js';
import { actorOf } from '../src/events.js';
import { parseLedgerKey } from '../src/ledger-keys.js';
import { createGuardMetrics } from '../src/metrics.js';

export const CODE_HASH = 'c0de'.repeat(16);
export const START_MS: number = Date.UTC(2026, 0, 5, 9);

export interface Person {
  readonly mspId: string;
  readonly actor: string;
  readonly certificatePem: string;
}

export interface Simulation {
  readonly txId: string;
  readonly status: number;
  readonly message: string;
  /** Parsed reply; null if it is empty. */
  readonly reply: unknown;
  /** Key to version, in code-unit order: what an endorser would sign. */
  readonly reads: ReadonlyMap<string, number>;
  /** Key to value; null is a deletion. */
  readonly writes: ReadonlyMap<string, Uint8Array | null>;
  readonly events: readonly { readonly name: string; readonly payload: Uint8Array }[];
  /** Everything that must be equal on endorsers whose results are combined, as one text. */
  readonly bytes: string;
  /** The same without the read set: what must be equal whatever an endorser remembers. */
  readonly effects: string;
}

export interface Invocation {
  readonly by: Person;
  readonly call: string;
  readonly args: readonly string[];
  readonly timestampMs?: number;
  readonly txId?: string;
  /** Called before each read is answered: lets a test permute the order of answers. */
  readonly beforeRead?: () => Promise<void>;
}

export interface MemoryLedger {
  readonly state: Map<string, { readonly value: Uint8Array; readonly version: number }>;
  /** Simulates on `endorser` (default: one that has seen everything) without committing. */
  simulate(invocation: Invocation, endorser?: ChaincodeInterface): Promise<Simulation>;
  /** Simulates and, if the endorser agreed, writes. */
  submit(invocation: Invocation): Promise<Simulation>;
  /** A chaincode process with cold caches. */
  endorser(): ChaincodeInterface;
  /** The value under a key made of these parts. */
  read(...parts: readonly string[]): Uint8Array | null;
}

const authorities = new Map<string, CertificateAuthority>();

export function person(
  mspId: string,
  commonName: string,
  attributes: Readonly<Record<string, string>>,
): Person {
  let authority = authorities.get(mspId);
  if (authority === undefined) {
    authority = createAuthority({ mspId, nowMs: START_MS });
    authorities.set(mspId, authority);
  }
  const { certificatePem } = issueIdentity({ authority, commonName, attributes });
  return { mspId, certificatePem, actor: actorOf(mspId, certificatePem) };
}

export function createMemoryLedger(): MemoryLedger {
  const state: MemoryLedger['state'] = new Map();
  const endorser = (): ChaincodeInterface =>
    createChaincode({ codeHash: CODE_HASH, metrics: createGuardMetrics() });
  const warm = endorser();
  let transactions = 0;
  let height = 0;

  const simulate: MemoryLedger['simulate'] = async (invocation, on = warm) => {
    const txId = invocation.txId ?? (++transactions).toString(16).padStart(64, '0');
    const reads = new Map<string, number>();
    const writes = new Map<string, Uint8Array | null>();
    const events: { name: string; payload: Uint8Array }[] = [];
    const stub = createStub({ invocation, txId, state, reads, writes, events });
    const response = await on.Invoke(stub as never);
    const text = Buffer.from(response.payload ?? new Uint8Array()).toString('utf8');
    const sortedReads = new Map([...reads].sort(byKey));
    const sortedWrites = new Map([...writes].sort(byKey));
    const effects = JSON.stringify([
      response.status,
      response.message,
      text,
      [...sortedWrites].map(([key, value]) => [key, value && Buffer.from(value).toString('hex')]),
      events.map(({ name, payload }) => [name, Buffer.from(payload).toString('hex')]),
    ]);
    return {
      txId,
      status: response.status,
      message: response.message ?? '',
      reply: text === '' ? null : JSON.parse(text),
      reads: sortedReads,
      writes: sortedWrites,
      events,
      bytes: JSON.stringify([effects, [...sortedReads]]),
      effects,
    };
  };

  return {
    state,
    simulate,
    endorser,
    async submit(invocation) {
      const simulation = await simulate(invocation);
      if (simulation.status < 400) {
        height++;
        for (const [key, value] of simulation.writes) {
          if (value === null) state.delete(key);
          else state.set(key, { value, version: height });
        }
      }
      return simulation;
    },
    read(...parts) {
      for (const [key, { value }] of state) {
        if (parseLedgerKey(key).join('~') === parts.join('~')) return value;
      }
      return null;
    },
  };
}

function createStub(o: {
  readonly invocation: Invocation;
  readonly txId: string;
  readonly state: MemoryLedger['state'];
  readonly reads: Map<string, number>;
  readonly writes: Map<string, Uint8Array | null>;
  readonly events: { name: string; payload: Uint8Array }[];
}): object {
  const { by, call, args, timestampMs = START_MS, beforeRead } = o.invocation;
  const stub = Object.create(Stub.prototype) as Record<string, unknown>;
  const texts = [call, ...args];
  return Object.assign(stub, {
    getBufferArgs: () => texts.map((text) => Buffer.from(text)),
    getFunctionAndParameters: () => ({ fcn: call, params: [...args] }),
    getTxID: () => o.txId,
    getChannelID: () => 'consortium',
    getCreator: () => ({ mspid: by.mspId, idBytes: Buffer.from(by.certificatePem) }),
    getTxTimestamp: () => ({
      seconds: { toNumber: () => Math.floor(timestampMs / 1000) },
      nanos: (timestampMs % 1000) * 1_000_000,
    }),
    getState: async (key: string) => {
      await beforeRead?.();
      const found = o.state.get(key);
      o.reads.set(key, found?.version ?? 0);
      return found?.value ?? new Uint8Array();
    },
    putState: (key: string, value: Uint8Array) => {
      if (key === '' || value.length === 0) throw new Error('empty key or value');
      o.writes.set(key, Uint8Array.from(value));
      return Promise.resolve();
    },
    deleteState: (key: string) => {
      o.writes.set(key, null);
      return Promise.resolve();
    },
    async *getStateByPartialCompositeKey(type: string, attributes: readonly string[]) {
      await beforeRead?.();
      const prefix = `\u0000${[type, ...attributes].join('\u0000')}\u0000`;
      for (const [key, { value }] of [...o.state].sort(byKey)) {
        if (key.startsWith(prefix)) yield { key, value };
      }
    },
    events: o.events,
  });
}

/** `setEvent` lives on the prototype, as in the shim: the guard shadows it and takes its shadow away again. */
class Stub {
  declare readonly events: { name: string; payload: Uint8Array }[];

  setEvent(name: string, payload: Uint8Array): void {
    this.events.push({ name, payload });
  }
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}

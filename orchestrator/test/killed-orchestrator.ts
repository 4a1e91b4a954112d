/**
 * A child process: an orchestrator over real gRPC and SQLite that kills itself with −9 before or after one named durable
 * step. `killed-orchestrator.ts FOLDER STEP before|after`; STEP is `-` for none. Never part of the product.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPrivateKey } from 'node:crypto';
import { createMetrics } from '../src/metrics.js';
import { createOrchestrator } from '../src/orchestrator.js';
import { encodeParameters } from '../src/protocol.js';
import { signDocument } from '../src/protocol/signing.js';
import { SOLE } from '../src/store/leadership.js';
import { MemoryChannel, openDisk, testAuthority, testSigner } from './consortium.js';
import { FEDERATION } from './kill-world.js';

const [folder = '', target = '-', when = 'after'] = process.argv.slice(2);
const nowMs = (): number => Date.now();
const seen = new Map<string, number>();

/** `commit submission 2`, `put 1`, …: the operation, the event it stores, and how often it has happened in this life. */
function stepOf(operation: string, args: readonly unknown[]): string {
  const event = (args[0] as { event?: { kind?: string; name?: string } } | undefined)?.event;
  const words = [operation, event?.kind, event?.name].filter((each) => each !== undefined);
  const name = operation === 'commit' ? words.join(' ') : operation;
  const count = (seen.get(name) ?? 0) + 1;
  seen.set(name, count);
  return `${name} ${count}`;
}

const DURABLE = new Set(['commit', 'put', 'raiseLedgerHead', 'update', 'activate', 'append']);

function wrap<T extends object>(object: T): T {
  return new Proxy(object, {
    get: (inner, key) => {
      const value: unknown = Reflect.get(inner, key);
      if (typeof value === 'object' && value !== null && key !== 'database') return wrap(value);
      if (typeof value !== 'function') return value;
      const method = value.bind(inner) as (...args: unknown[]) => unknown;
      if (typeof key !== 'string' || !DURABLE.has(key)) return method;
      return async (...args: unknown[]) => {
        const step = stepOf(key, args);
        if (step === target && when === 'before') process.kill(process.pid, 'SIGKILL');
        const result = await method(...args);
        if (step === target) process.kill(process.pid, 'SIGKILL');
        process.send?.({ type: 'step', step });
        return result;
      };
    },
  });
}

const disk = await openDisk(folder, nowMs());
const keyFile = join(folder, 'signer.json');
if (!existsSync(keyFile)) {
  const { signer, trusted, privateKey } = await testSigner(folder, nowMs());
  writeFileSync(
    keyFile,
    JSON.stringify({ certificate: signer.certificatePem, trusted, privateKey }),
  );
}
const kept = JSON.parse(readFileSync(keyFile, 'utf8')) as {
  certificate: string;
  privateKey: string;
};
const key = createPrivateKey(kept.privateKey);
const channel = new MemoryChannel();
channel.away = true;
const orchestrator = await createOrchestrator({
  federation: FEDERATION,
  store: wrap(disk.store),
  objects: wrap(disk.objects),
  leadership: SOLE,
  signer: {
    certificatePem: kept.certificate,
    sign: (domain, document) => signDocument(domain, document, key),
  },
  authority: await testAuthority(folder, nowMs()),
  channel,
  builder: {
    build: (previous, facts) => Buffer.concat([previous, encodeParameters(facts.parameters)]),
    judge: () => ({ passed: true, reason: '', auc: 1, alertRatePpm: 32_000 }),
  },
  genesis: { detector: Buffer.from('detector zero'), table: Buffer.from('table') },
  configuration: '{}',
  attestations: 2,
  attestMaxMs: 60_000,
  listen: { host: '127.0.0.1', port: 0 },
  http: { host: '127.0.0.1', port: 0 },
  enrolment: null,
  serverNames: ['localhost', '127.0.0.1'],
  metrics: createMetrics(),
  nowMs,
  jitter: () => 0.5,
});
process.send?.({ type: 'ready', port: orchestrator.port });
process.once('disconnect', () => process.exit(0));

/**
 * What the page asks of a filled review, over HTTP, timed.
 * @module
 */
import { performance } from 'node:perf_hooks';
import { Registry } from 'prom-client';
import { startHttpServer } from '../src/http-server.js';
import { addPerson } from '../src/review/people.js';
import { openReviewStore } from '../src/review/review-store.js';
import type { NodeDatabase } from '../src/store/index.js';
import { consortium, identityOf } from '../test/identity-fixture.js';
import { NOW } from '../test/review-fixture.js';

export interface Measured {
  readonly name: string;
  readonly unit: 'ms';
  readonly median: number;
  readonly p95: number;
  readonly min: number;
  readonly max: number;
  /** Processor time of this process, asking and answering, a run; a server's own is not in it. */
  readonly processorMs: number;
  readonly runs: number;
}

const RUNS = 60;
const PASSWORD = 'correct horse battery';

type Json = Record<string, unknown>;
type Get = (path: string) => Promise<Json>;

export async function measureReview(database: NodeDatabase): Promise<Measured[]> {
  const person = { name: 'ana', role: 'analyst', password: PASSWORD, mspId: 'H1MSP' } as const;
  const attributes = { role: 'analyst' };
  const identity = identityOf(consortium(), { mspId: 'H1MSP', name: 'ana', attributes });
  await addPerson({ database, ...person, ...identity, now: () => NOW });
  const server = await startHttpServer({
    ...{ host: '127.0.0.1', port: 0, consoleDir: null, hospital: 'H1', mspId: 'H1MSP' },
    review: openReviewStore(database),
    fabric: {
      ...{ kind: 'development ledger', channel: 'c' },
      evaluate: () => Promise.reject(new Error('not asked here')),
      submit: () => Promise.reject(new Error('not asked here')),
    },
    follower: {
      health: () => ({
        ...{ connected: true, nextBlock: 1n, lagBlocks: 0, lastBlockAtMs: NOW },
        ...{ reconnects: 0, lastErrorCode: null },
      }),
    },
    officer: null,
    metrics: new Registry(),
    ready: () => ({ ok: true, checks: {} }),
    status: () => ({}),
    now: () => NOW,
  });
  try {
    return await ask(await signedIn(`http://127.0.0.1:${server.port}/api/v1`));
  } finally {
    await server.close();
  }
}

async function ask(get: Get): Promise<Measured[]> {
  const { items } = (await get('/holds?limit=50')) as { items: { id: string; txId: string }[] };
  const after = String((await get('/holds?limit=200'))['next']);
  let at = 0;
  const next = (): { id: string; txId: string } => items[at++ % items.length]!;
  return [
    await timed('first page of the queue', () => get('/holds?limit=50')),
    await timed('a later page, 200 rows', () => get(`/holds?limit=200&after=${after}`)),
    await timed('a search that finds one hold', () => get(`/holds?limit=50&text=${next().txId}`)),
    // Every undecided hold might match: the worst case of a filter.
    await timed('a search that finds nothing', () => get('/holds?limit=50&text=nobody')),
    await timed('a hold with its explanation', () => get(`/holds/${next().txId}`)),
    // What j and Enter cost: where the queue is, and the hold after the one that is open.
    await timed('the next hold', () => get(`/holds/${next().txId}`)),
    await timed('counts of the page head', () => get('/status')),
  ];
}

async function signedIn(base: string): Promise<Get> {
  const answer = await fetch(`${base}/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'ana', password: PASSWORD }),
  });
  const cookie = answer.headers.get('set-cookie')!.split(';')[0]!;
  return async (path) => {
    const response = await fetch(base + path, { headers: { cookie } });
    const body = (await response.json()) as Json;
    if (!response.ok) throw new Error(`${path}: ${JSON.stringify(body)}`);
    return body;
  };
}

async function timed(name: string, run: () => Promise<unknown>): Promise<Measured> {
  const times: number[] = [];
  const before = process.cpuUsage();
  for (let i = 0; i < RUNS; i++) {
    const startMs = performance.now();
    await run();
    times.push(Math.round((performance.now() - startMs) * 10) / 10);
  }
  const { user, system } = process.cpuUsage(before);
  times.sort((a, b) => a - b);
  const share = (part: number): number => times[Math.min(RUNS - 1, Math.floor(RUNS * part))]!;
  return {
    ...{ name, unit: 'ms', median: share(0.5), p95: share(0.95) },
    ...{ min: share(0), max: share(1), runs: RUNS },
    processorMs: Math.round((user + system) / RUNS / 100) / 10,
  };
}

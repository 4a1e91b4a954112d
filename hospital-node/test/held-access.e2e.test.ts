/**
 * One access from a hospital's log line to a human decision and back, over the embedded ledger with real chaincode
 * processes: the EHR gateway submits it, the guard holds it, two people decide through the HTTP API, the actor's call is
 * made again with its grant and runs, and a second use of the grant is refused.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { actorOf, walkBlock } from '@bhschain/chaincode-hooks/events';
import { readBlocks } from '@bhschain/chaincode-hooks/embedded-peer';
import { encodeAccessEvent, type AccessEvent } from '@bhschain/models/features';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from '../src/ehr-gateway/journal.js';
import { createBlockFollower } from '../src/fabric/block-follower.js';
import type { FabricConnection } from '../src/fabric/connection.js';
import { startHttpServer, type HttpServer } from '../src/http-server.js';
import { prove, type Claim } from '../src/proof/prove.js';
import { addPerson } from '../src/review/people.js';
import { openReviewStore, type ReviewStore } from '../src/review/review-store.js';
import {
  activateDetectorZero,
  CHAINCODE,
  CHANNEL,
  startTestLedger,
  type TestLedger,
} from './ledger-fixture.js';
import { migratedDatabase, temporaryFolder } from './review-fixture.js';

const MSPS = ['H1MSP', 'H2MSP'];
const PASSWORD = 'correct horse battery';
const LIVE_FROM_MS = Date.UTC(2026, 2, 2);
const GATEWAY = fileURLToPath(new URL('../dist/ehr-gateway/main.js', import.meta.url));

let ledger: TestLedger;
let fabric: FabricConnection;
let review: ReviewStore;
let server: HttpServer;
let state: string;
let following: Promise<void>;
const stop = new AbortController();
let running: ChildProcess | null = null;

beforeAll(async () => {
  ledger = await startTestLedger(MSPS);
  await activateDetectorZero(ledger, MSPS);
  const node = ledger.issue('H1MSP', 'node.h1', { role: 'hospital-node' });
  state = layOut(node);
  const database = await migratedDatabase();
  for (const name of ['ana', 'ben']) {
    const pems = ledger.issue('H1MSP', `analyst ${name}`, { role: 'analyst' });
    const person = { database, name, role: 'analyst', password: PASSWORD, mspId: 'H1MSP' } as const;
    await addPerson({ ...person, ...pems, now: Date.now });
  }
  fabric = await ledger.connect(ledger.identity('H1MSP', 'node.h1.b', { role: 'hospital-node' }));
  review = openReviewStore(database);
  const follower = await createBlockFollower({
    connection: fabric,
    database,
    consumers: [review.consumer],
    now: Date.now,
    random: Math.random,
  });
  following = follower.run(stop.signal);
  server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    consoleDir: null,
    hospital: 'H1',
    mspId: 'H1MSP',
    review,
    fabric,
    follower,
    officer: null,
    metrics: new Registry(),
    ready: () => ({ ok: true, checks: {} }),
    status: () => ({}),
    now: Date.now,
  });
}, 120_000);

afterAll(async () => {
  running?.kill('SIGKILL');
  stop.abort();
  await server.close();
  await following;
  await review.database.destroy();
  await fabric.close();
  await ledger.close();
});

describe('a held access', () => {
  it('is released by two people, made again once, and never a second time', async () => {
    writeLog(join(state, 'H1.jsonl'), [
      access({ eventId: 'old', timeMs: LIVE_FROM_MS - 1 }),
      access({ eventId: 'in', action: 'login', patient: null, section: 'none' }),
      access({
        eventId: 'bulk',
        action: 'export',
        section: 'sensitive',
        purpose: 'research',
        recordCount: 900_000,
        patient: null,
      }),
      access({ eventId: 'out', action: 'logout', patient: null, section: 'none' }),
    ]);
    const gateway = startGateway();
    try {
      const held = await until(() => outcomes().find((each) => each.eventId === 'bulk'));
      expect(held).toMatchObject({ disposition: 'quarantined', function: 'export', kind: 'call' });
      const { quarantineId } = held;
      const path = `/api/v1/holds/${quarantineId!}`;

      const ana = await signedIn('ana');
      const ben = await signedIn('ben');
      await until(async () => (await ana('GET', path)).status === 200 || undefined);
      const detail = await ana('GET', path);
      expect(detail.body).toMatchObject({
        state: 'open',
        function: 'export',
        role: 'clerk',
        evidence: { agrees: true },
        proof: { ringAgrees: true, modelVersion: 0 },
      });

      // What the page does: the block again from the ledger, everything else computed.
      const claim = detail.body as unknown as Claim;
      const checks = await prove(claim, {
        block: () => fabric.evaluate('qscc/GetBlockByNumber', [CHANNEL, claim.proof.block]),
        blob: async (hash) => (await review.detectorBlob(hash)) ?? new Uint8Array(),
      });
      expect(checks.map(({ outcome }) => outcome)).toEqual(Array(5).fill('pass'));

      expect((await ben('POST', `${path}/proposals`, proposalOf(1))).status).toBe(409);
      expect((await ana('POST', `${path}/claims`, { expectedVersion: 1 })).body).toMatchObject({
        state: 'claimed',
        mine: true,
      });
      expect(await ben('POST', `${path}/claims`, { expectedVersion: 1 })).toMatchObject({
        status: 412,
        body: { current: { version: 2, state: 'claimed', holder: { name: 'ana' } } },
      });
      expect((await ana('POST', `${path}/proposals`, proposalOf(2))).status).toBe(201);
      const approval = { expectedVersion: 3, reason: 'Asked the ward myself.' };
      expect(await ana('POST', `${path}/approvals`, approval)).toMatchObject({
        status: 403,
        body: { code: 'ERR_HOLD_SECOND_PERSON', ledgerCode: 'ERR_FOUR_EYES' },
      });
      const approved = await ben('POST', `${path}/approvals`, approval);
      expect(approved).toMatchObject({ status: 201, body: { state: 'released' } });

      const again = await until(() => outcomes().find((each) => each.kind === 'resubmission'));
      expect(again).toMatchObject({ disposition: 'allowed', resubmissionOf: quarantineId });
      const probe = await until(() => outcomes().find((each) => each.kind === 'probe'));
      expect(probe).toMatchObject({ disposition: 'quarantined', resubmissionOf: quarantineId });

      const used = await until(async () => {
        const { body } = await ana('GET', path);
        const grant = body['grant'] as { usedBy: string | null } | null;
        return grant?.usedBy ?? undefined;
      });
      expect(used).toBe(again.txId);
      await until(
        async () => (await ana('GET', `/api/v1/holds/${probe.txId!}`)).status === 200 || undefined,
      );
      expect((await ana('GET', `/api/v1/holds/${probe.txId!}`)).body).toMatchObject({
        cause: 'grant-invalid',
        state: 'open',
      });
      const clerk = actorOf(
        'H1MSP',
        readFileSync(join(state, 'identities/clin-1.cert.pem'), 'utf8'),
      );
      expect((await review.counts('H1MSP')).labels).toMatchObject({ released: 1, confirmed: 0 });
      const labels = review.windowLabels({ ledgerActorOf: (name) => name });
      expect(await labels.windowStateOf(clerk, LIVE_FROM_MS, LIVE_FROM_MS + 21_600_000)).toBe(
        'pending',
      );
    } finally {
      await stopGateway(gateway, 'SIGTERM');
    }
  }, 90_000);

  it('is submitted once, however often the gateway is killed', async () => {
    const events = Array.from({ length: 40 }, (_, i) =>
      access({
        eventId: `read ${i}`,
        actor: `raw-${1 + (i % 2)}`,
        session: `late ${i % 2}`,
        timeMs: LIVE_FROM_MS + 60_000 * (10 + i),
        action: i < 2 ? 'login' : 'read',
        patient: i < 2 ? null : `H1-patient ${i}`,
        section: i < 2 ? 'none' : 'notes',
      }),
    );
    writeLog(join(state, 'H1.jsonl'), events);
    let gateway = startGateway();
    for (const enough of [6, 15, 27]) {
      await until(() => doneReads() >= enough || undefined);
      await stopGateway(gateway, 'SIGKILL');
      gateway = startGateway();
    }
    await until(() => doneReads() === events.length || undefined);
    await stopGateway(gateway, 'SIGTERM');

    const names = outcomes().map(({ kind, eventId }) => `${kind} ${eventId}`);
    expect(new Set(names).size).toBe(names.length);
    // On the ledger itself: each of the lines has exactly one valid transaction.
    const times = new Map<string, number>();
    for (const { block } of readBlocks(ledger.blocksDir)) {
      for (const transaction of walkBlock(block.serializeBinary())) {
        const at = /^at=(\d+)/.exec(transaction.args.at(-1) ?? '')?.[1];
        if (transaction.code !== 0 || at === undefined) continue;
        times.set(at, (times.get(at) ?? 0) + 1);
      }
    }
    for (const event of events) expect(times.get(String(event.timeMs)), event.eventId).toBe(1);
  }, 120_000);

  it('leaves no raw name of the log on the ledger or in the journal', () => {
    const journal = ['intents.jsonl', 'outcomes.jsonl', 'checkpoint.json'].map((name) =>
      readFileSync(join(state, 'gateway', name), 'utf8'),
    );
    const blocks = [...readBlocks(ledger.blocksDir)].map(({ block }) =>
      Buffer.from(block.serializeBinary()).toString('latin1'),
    );
    for (const text of [...journal, ...blocks]) {
      expect(text).not.toMatch(/raw-\d|patient \d|late \d/);
    }
  });
});

function doneReads(): number {
  return outcomes().filter((each) => each.eventId.startsWith('read ')).length;
}

function proposalOf(expectedVersion: number): object {
  return {
    expectedVersion,
    action: 'release',
    finding: 'benign-expected',
    reason: 'A registry export that research had announced.',
  };
}

function layOut(node: { certificatePem: string; privateKeyPem: string }): string {
  const dir = temporaryFolder();
  mkdirSync(join(dir, 'identities'));
  const pair = (name: string, pems: typeof node): void => {
    writeFileSync(join(dir, 'identities', `${name}.cert.pem`), pems.certificatePem);
    writeFileSync(join(dir, 'identities', `${name}.key.pem`), pems.privateKeyPem);
  };
  pair('node', node);
  const lines = ['raw-1', 'raw-2'].map((actor, i) => {
    const pseudonym = `clin-${i + 1}`;
    pair(
      pseudonym,
      ledger.issue('H1MSP', pseudonym, { role: 'clerk', ward: 'w1', class: 'person' }),
    );
    return JSON.stringify({ actor, pseudonym });
  });
  writeFileSync(join(dir, 'actors.jsonl'), `${lines.join('\n')}\n`);
  writeFileSync(join(dir, 'H1.jsonl'), '');
  const hospital = {
    nodeId: 'H1',
    mspId: 'H1MSP',
    log: 'H1.jsonl',
    actorsFile: 'actors.jsonl',
    identitiesDir: 'identities',
  };
  const config = {
    stateDir: 'gateway',
    hospitals: [hospital],
    liveFromMs: LIVE_FROM_MS,
    replay: true,
    fabric: {
      endpoints: [ledger.endpoint],
      tlsRoot: ledger.tlsRootFile,
      channel: CHANNEL,
      chaincode: CHAINCODE,
      mspId: 'H1MSP',
      cert: 'identities/node.cert.pem',
      key: 'identities/node.key.pem',
    },
    pollMs: 50,
    resumePatienceMs: 2_000,
    logLevel: 'silent',
  };
  writeFileSync(join(dir, 'gateway.json'), JSON.stringify(config));
  return dir;
}

function startGateway(): ChildProcess {
  running = fork(GATEWAY, ['--config', join(state, 'gateway.json')], {
    execArgv: ['--no-deprecation'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  return running;
}

async function stopGateway(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill(signal);
  const [code] = (await once(child, 'exit')) as [number | null];
  if (signal === 'SIGTERM') expect(code).toBe(0);
}

function outcomes(): Outcome[] {
  const path = join(state, 'gateway', 'outcomes.jsonl');
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Outcome);
}

function writeLog(path: string, events: readonly AccessEvent[]): void {
  for (const event of events) appendFileSync(path, `${encodeAccessEvent(event)}\n`);
}

function access(o: Partial<AccessEvent>): AccessEvent {
  return {
    eventId: 'e',
    source: 'native',
    nodeId: 'H1',
    timeMs: LIVE_FROM_MS + 60_000,
    timeBasis: 'recorded',
    timeGranularity: 'exact',
    sequence: null,
    actor: 'raw-1',
    actorClass: 'person',
    role: 'clerk',
    ward: 'w1',
    session: 'morning',
    action: 'read',
    resourceType: 'document',
    section: 'notes',
    sensitivity: 'normal',
    purpose: 'treatment',
    breakGlass: false,
    breakGlassReason: 'none',
    patient: 'H1-patient 0',
    recordCount: 1,
    bytes: null,
    outcome: 'success',
    channel: 'ui',
    device: null,
    network: 'internal',
    code: null,
    ...o,
  };
}

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function signedIn(
  name: string,
): Promise<(method: string, path: string, body?: object) => Promise<Answer>> {
  const base = `http://127.0.0.1:${server.port}`;
  const signIn = await fetch(`${base}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, password: PASSWORD }),
  });
  const cookie = signIn.headers.get('set-cookie')!.split(';')[0]!;
  const { csrf } = (await signIn.json()) as { csrf: string };
  return async (method, path, body) => {
    const response = await fetch(base + path, {
      method,
      headers: { cookie, 'x-csrf-token': csrf, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
}

/** Polls until there is a value; the test's own time limit ends it. */
async function until<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

import { sql } from 'kysely';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { actorOf } from '@bhschain/chaincode-hooks/events';
import { applyBlock, readCheckpoint } from '../src/fabric/block-checkpoint.js';
import { ChaincodeError, GatewayUnavailableError } from '../src/fabric/errors.js';
import { startHttpServer, type HttpServer } from '../src/http-server.js';
import type { ReviewError } from '../src/review/errors.js';
import type { NodeDatabase } from '../src/store/index.js';
import { addPerson, signIn } from '../src/review/people.js';
import { openReviewStore, type ReviewStore } from '../src/review/review-store.js';
import { NAMES_MAX, noteFailure } from '../src/review/sign-in-delay.js';
import { consortium, identityOf } from './identity-fixture.js';
import { signedIn as signedInTo, type Answer, type Call } from './signed-in.js';
import {
  advanced,
  chainOf,
  hashOf,
  holdTransaction,
  migratedDatabase,
  NOW,
  recordOf,
  transactionOf,
  write,
} from './review-fixture.js';

const PASSWORD = 'correct horse battery';
const OWN = recordOf({ txId: hashOf('own') });
const FOREIGN = recordOf({ txId: hashOf('foreign'), mspId: 'H2MSP' });

let review: ReviewStore;
let server: HttpServer;
let database: NodeDatabase;
let actors: Readonly<Record<'ana' | 'ben', string>>;
let nowMs = NOW;
/** The ledger's answer to the next step; it is the four-eyes rule's real home. */
let ledger: (fn: string, args: readonly string[], certificatePem: string) => Promise<string>;

beforeAll(async () => {
  database = await migratedDatabase();
  const world = consortium();
  const added = [];
  for (const name of ['ana', 'ben']) {
    const identity = identityOf(world, {
      mspId: 'H1MSP',
      name: `analyst ${name}`,
      attributes: { role: 'analyst' },
    });
    added.push(
      await addPerson({
        database,
        name,
        role: 'analyst',
        password: PASSWORD,
        mspId: 'H1MSP',
        ...identity,
        now: () => NOW,
      }),
    );
  }
  actors = { ana: added[0]!.actor, ben: added[1]!.actor };
  review = openReviewStore(database);
  await append([holdTransaction(OWN), holdTransaction(FOREIGN)]);
  server = await startHttpServer({
    host: '127.0.0.1',
    port: 0,
    consoleDir: null,
    hospital: 'H1',
    mspId: 'H1MSP',
    review,
    fabric: {
      kind: 'development ledger',
      channel: 'consortium',
      evaluate: (fn, args) => Promise.resolve(Buffer.from(`${fn} ${args.join(' ')}`)),
      submit: async (fn, args, o) => ({
        txId: await ledger(fn, args.map(String), o?.identity?.certificatePem ?? ''),
        code: 0,
        blockNumber: 1n,
        result: new Uint8Array(),
        attempts: 1,
      }),
    },
    follower: {
      health: () => ({
        connected: true,
        nextBlock: 1n,
        lagBlocks: 0,
        lastBlockAtMs: NOW,
        reconnects: 0,
        lastErrorCode: null,
      }),
    },
    officer: null,
    metrics: new Registry(),
    ready: () => ({ ok: false, checks: { ledger: 'not connected' } }),
    status: () => ({ round: 3 }),
    now: () => nowMs,
  });
});

afterAll(async () => {
  await server.close();
  await database.destroy();
});

beforeEach(() => {
  nowMs += 3_600_000;
  ledger = () => Promise.reject(new Error('the ledger was not expected to be asked'));
});

/** Puts one more block behind what is there. */
async function append(transactions: Parameters<typeof chainOf>[0][number]): Promise<void> {
  const { nextBlock, previousHash } = await readCheckpoint(review.database, 'consortium');
  const [block] = chainOf([transactions]);
  await applyBlock(review.database, {
    channel: 'consortium',
    block: { ...block!, number: nextBlock, hash: hashOf(`block ${nextBlock}`), previousHash },
    consumers: [review.consumer],
    atMs: NOW,
  });
}

async function call(
  method: string,
  path: string,
  body?: object,
  headers: object = {},
): Promise<Pick<Answer, 'status' | 'body' | 'headers'>> {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(headers as Record<string, string>),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>,
  };
}

const signedIn = (name: string): Promise<Call> =>
  signedInTo(
    {
      get port() {
        return server.port;
      },
    },
    name,
    PASSWORD,
  );

const CLAIMS = `/holds/${OWN.txId}/claims`;
const PROPOSALS = `/holds/${OWN.txId}/proposals`;
const APPROVALS = `/holds/${OWN.txId}/approvals`;
const REASON = 'Asked the ward myself.';

describe('signing in', () => {
  it('is needed for everything that shows or changes a hold', async () => {
    for (const [method, path] of [
      ['GET', '/api/v1/holds'],
      ['GET', `/api/v1/holds/${OWN.txId}`],
      ['GET', '/api/v1/status'],
      ['GET', '/api/v1/session'],
      ['POST', `/api/v1${CLAIMS}`],
    ] as const) {
      const answer = await call(
        method,
        path,
        method === 'POST' ? { expectedVersion: 1 } : undefined,
      );
      expect(answer, `${method} ${path}`).toMatchObject({
        status: 401,
        body: { code: 'ERR_SESSION', type: '/problems/ERR_SESSION' },
      });
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
    }
  });

  it('gives a cookie that scripts cannot read, and the hash of its id is all that is kept', async () => {
    const answer = await call('POST', '/api/v1/session', { name: 'ana', password: PASSWORD });
    const cookie = answer.headers.get('set-cookie')!;
    expect(cookie).toMatch(/^bhs-H1=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    const { rows } = await sql`SELECT id_hash FROM person_session`.execute(database);
    expect(JSON.stringify(rows)).not.toContain(cookie.slice(7, 50));
    expect(answer.body).toMatchObject({ hospital: 'H1', canSign: true, person: { name: 'ana' } });
  });

  it('refuses a wrong password and an unknown name alike, and slows down the fourth try', async () => {
    const wrong = { name: 'ben', password: 'wrong wrong wrong' };
    const unknown = await call('POST', '/api/v1/session', { ...wrong, name: 'nobody' });
    for (let i = 0; i < 4; i++) {
      const answer = await call('POST', '/api/v1/session', wrong);
      expect(answer.body).toMatchObject(
        i < 3
          ? { code: 'ERR_SIGN_IN', detail: unknown.body['detail'] }
          : { code: 'ERR_SIGN_IN_DELAYED' },
      );
    }
    nowMs += 60_000;
    await signedIn('ben');
  }, 60_000);

  it('makes a name that nobody has wait exactly as long as one that somebody has', async () => {
    const tries = async (name: string): Promise<unknown[]> => {
      const answers: unknown[] = [];
      for (let i = 0; i < 6; i++) {
        const answer = signIn(review.database, { name, password: 'wrong wrong', nowMs });
        const { code, message, facts } = await answer.then(
          () => expect.fail('signed in'),
          (error: unknown) => error as ReviewError,
        );
        answers.push([code, message, facts]);
        // The fifth comes after the wait of the third, and makes it longer.
        nowMs += i === 3 ? 1_000 : 0;
      }
      return answers;
    };
    const nobody = await tries('nobody-at-all');
    expect(nobody.map((answer) => (answer as unknown[])[0])).toEqual([
      ...['ERR_SIGN_IN', 'ERR_SIGN_IN', 'ERR_SIGN_IN'],
      ...['ERR_SIGN_IN_DELAYED', 'ERR_SIGN_IN', 'ERR_SIGN_IN_DELAYED'],
    ]);
    expect(await tries('ben')).toEqual(nobody);
    nowMs += 60_000;
    await signIn(review.database, { name: 'ben', password: PASSWORD, nowMs });
  }, 60_000);

  it('remembers the names of failed tries up to a number, the newest, and none of them in clear', async () => {
    const rows = Array.from({ length: NAMES_MAX + 10 }, (_, i) => sql`(${`old-${i}`}, 9, ${i})`);
    await sql`INSERT INTO sign_in_failure VALUES ${sql.join(rows)}`.execute(database);
    await noteFailure(database, 'a-name-typed', nowMs);
    const { rows: kept } = await sql`SELECT * FROM sign_in_failure`.execute(database);
    expect(kept).toHaveLength(NAMES_MAX);
    expect(JSON.stringify(kept)).not.toContain('"old-0"');
    expect(JSON.stringify(kept)).not.toContain('a-name-typed');
    await sql`DELETE FROM sign_in_failure`.execute(database);
  });

  it('ends with sign-out, with half an hour of silence, and after twelve hours', async () => {
    const ana = await signedIn('ana');
    expect((await ana('GET', '/session')).status).toBe(200);
    expect((await ana('DELETE', '/session')).status).toBe(200);
    expect((await ana('GET', '/session')).status).toBe(401);
    const ben = await signedIn('ben');
    nowMs += 29 * 60_000;
    expect((await ben('GET', '/session')).status).toBe(200);
    nowMs += 31 * 60_000;
    expect((await ben('GET', '/session')).status).toBe(401);
  });

  it('is asked for again before signing when the node no longer holds the key', async () => {
    const ana = await signedIn('ana');
    const other = await startHttpServer({
      ...{ host: '127.0.0.1', port: 0, consoleDir: null, hospital: 'H1', mspId: 'H1MSP', review },
      fabric: {
        kind: 'Fabric',
        channel: 'consortium',
        evaluate: () => Promise.reject(new Error('unused')),
        submit: () => Promise.reject(new Error('unused')),
      },
      follower: { health: () => ({}) as never },
      officer: null,
      metrics: new Registry(),
      ready: () => ({ ok: true, checks: {} }),
      status: () => ({}),
      now: () => nowMs,
    });
    const first = server;
    server = other; // the same database, a process that has just started
    try {
      expect((await ana('GET', '/holds')).status).toBe(200);
      const step = await ana('POST', CLAIMS, { expectedVersion: 1 });
      expect(step).toMatchObject({ status: 401, body: { code: 'ERR_SESSION_LOCKED' } });
    } finally {
      server = first;
      await other.close();
    }
  });
});

describe('a step', () => {
  it('needs the token of the page and the page itself', async () => {
    const ana = await signedIn('ana');
    const body = { expectedVersion: 1 };
    const without = await ana('POST', CLAIMS, body, { 'x-csrf-token': '' });
    const guessed = await ana('POST', CLAIMS, body, { 'x-csrf-token': 'x'.repeat(43) });
    const elsewhere = await ana('POST', CLAIMS, body, { origin: 'http://evil.example' });
    const crossSite = await ana('POST', CLAIMS, body, { 'sec-fetch-site': 'cross-site' });
    for (const answer of [without, guessed, elsewhere, crossSite]) {
      expect(answer).toMatchObject({ status: 403, body: { code: 'ERR_CSRF' } });
    }
  });

  it('says which version was seen', async () => {
    const ana = await signedIn('ana');
    expect(await ana('POST', CLAIMS, {})).toMatchObject({
      status: 428,
      body: { code: 'ERR_IF_MATCH' },
    });
    expect(await ana('POST', CLAIMS, { expectedVersion: 7 })).toMatchObject({
      status: 412,
      body: { code: 'ERR_HOLD_STALE', current: { version: 1, state: 'open' } },
    });
  });

  it('refuses what is not well formed, naming the place', async () => {
    const ana = await signedIn('ana');
    const answers = [
      await ana('POST', CLAIMS, { expectedVersion: '1' }),
      await ana('POST', CLAIMS, { expectedVersion: 1, more: true }),
      await ana('POST', PROPOSALS, {
        expectedVersion: 1,
        action: 'release',
        finding: 'benign',
        reason: 'long enough to be one',
      }),
      await ana('POST', '/holds/xyz/claims', { expectedVersion: 1 }),
      await ana('GET', '/holds?state=lost'),
      await ana('GET', '/holds?state=open&after=0.1.AAAAAAAAAAAAAAAAAAAAAA'),
    ];
    expect(answers.map(({ status, body }) => [status, body['code']])).toEqual([
      ...Array.from({ length: 5 }, () => [400, 'ERR_REQUEST']),
      [400, 'ERR_CURSOR'],
    ]);
  });

  it('is for the actor’s own hospital', async () => {
    const ana = await signedIn('ana');
    const answer = await ana('POST', `/holds/${FOREIGN.txId}/claims`, {
      expectedVersion: 1,
    });
    expect(answer).toMatchObject({ status: 403, body: { code: 'ERR_HOLD_FOREIGN' } });
    const unknown = await ana('POST', `/holds/${hashOf('none')}/claims`, {
      expectedVersion: 1,
    });
    expect(unknown).toMatchObject({ status: 404, body: { code: 'ERR_HOLD_UNKNOWN' } });
  });

  it('is signed by the person who takes it, and answers with the hold as it then is', async () => {
    const ana = await signedIn('ana');
    let signer = '';
    ledger = async (fn, args, certificatePem) => {
      expect([fn, args]).toEqual(['QuarantineContract:claim', [OWN.txId, '1']]);
      signer = actorOf('H1MSP', certificatePem);
      const claimed = advanced(OWN, {
        step: 'claim',
        by: actors.ana,
        to: 'claimed',
        holder: actors.ana,
      });
      await append([
        transactionOf({ txId: hashOf('claim'), writes: [write(['q', OWN.txId], claimed)] }),
      ]);
      return hashOf('claim');
    };
    const answer = await ana('POST', CLAIMS, {}, { 'if-match': `"${OWN.txId}.1"` });
    expect(answer).toMatchObject({
      status: 201,
      body: {
        state: 'claimed',
        version: 2,
        mine: true,
        can: ['propose', 'unclaim'],
        holder: { name: 'ana' },
        stepTxId: hashOf('claim'),
      },
    });
    expect(answer.headers.get('etag')).toBe(`"${OWN.txId}.2"`);
    expect(signer).toBe(actors.ana);
  });

  it('hands on the ledger’s four-eyes refusal as a sentence', async () => {
    const ana = await signedIn('ana');
    ledger = () =>
      Promise.reject(
        new ChaincodeError({
          chaincodeCode: 'ERR_FOUR_EYES',
          sentence: 'approve is for a second person',
        }),
      );
    const answer = await ana('POST', APPROVALS, { expectedVersion: 2, reason: REASON });
    expect(answer).toMatchObject({
      status: 403,
      body: {
        code: 'ERR_HOLD_SECOND_PERSON',
        detail: 'The ledger refused: approve is for a second person.',
      },
    });
  });

  it('says that nothing can be decided while the ledger is away; reading goes on', async () => {
    const ana = await signedIn('ana');
    ledger = () =>
      Promise.reject(new GatewayUnavailableError({ endpoints: ['a:1'], detail: 'refused' }));
    const answer = await ana('POST', APPROVALS, { expectedVersion: 2, reason: REASON });
    expect(answer).toMatchObject({ status: 503, body: { code: 'ERR_LEDGER_AWAY' } });
    expect((await ana('GET', '/holds')).status).toBe(200);
  });
});

describe('reading', () => {
  it('pages, and gives a hold its ETag', async () => {
    const ana = await signedIn('ana');
    const list = await ana('GET', '/holds?limit=1');
    expect(list.body).toMatchObject({ items: [{ txId: OWN.txId, id: 'H-1' }], next: null });
    const detail = await ana('GET', `/holds/${OWN.txId}`);
    const etag = detail.headers.get('etag')!;
    const again = await ana('GET', `/holds/${OWN.txId}`, undefined, {
      'if-none-match': etag,
    });
    expect(again.status).toBe(304);
  });

  it('says of which ledger it speaks', async () => {
    const ana = await signedIn('ana');
    const status = await ana('GET', '/status');
    expect(status.body).toMatchObject({
      round: 3,
      hospital: 'H1',
      ledger: { kind: 'development ledger', connected: true, nextBlock: '1' },
    });
  });

  it('serves health without a session, a strict policy, and 404 as a problem', async () => {
    expect((await call('GET', '/livez')).status).toBe(200);
    expect(await call('GET', '/readyz')).toMatchObject({
      status: 503,
      body: { checks: { ledger: 'not connected' } },
    });
    const missing = await call('GET', '/nothing');
    expect(missing).toMatchObject({ status: 404, body: { code: 'ERR_NOT_FOUND' } });
    const page = await fetch(`http://127.0.0.1:${server.port}${String(missing.body['type'])}`);
    expect(await page.text()).toContain('HTTP 404');
    expect((await call('GET', '/problems/constructor')).status).toBe(404);
    const policy = missing.headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe-inline');
  });
});

/**
 * Asking for what is not yours: holds of another hospital by their real ids, at one's own node and at theirs; another person's
 * saved views, cases, exports and sessions. Every refusal has its code, and nothing of the other side is in any answer.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSeededServer, type SeededServer } from './seeded-server.js';
import { signedIn, type Answer, type Call } from './signed-in.js';

const REASON = 'Looked at the roster of the ward.';
/** Words of the other hospital's hold that no answer here may have. */
const THEIRS = /oncology-H2/;

let own: SeededServer;
let theirs: SeededServer;
let ana: Call;
let ben: Call;
let oda: Call;
let sam: Call;
/** Filed on the channel, so known here; of the other hospital. */
let foreign: string;
/** Known to the other hospital's node only. */
let remote: string;

beforeAll(async () => {
  const theirScene = {
    ...{ fn: 'export', role: 'clerk', ward: 'oncology-H2', args: ['3', 'treatment', 'notes'] },
    ...{ dueH: 5, mspId: 'H2MSP' },
  };
  own = await startSeededServer({ more: [theirScene], history: true });
  theirs = await startSeededServer({ hospital: 'H2' });
  foreign = own.holds[5]!;
  remote = theirs.holds[0]!;
  [ana, ben, oda, sam] = [
    await signedIn(own, 'ana'),
    await signedIn(own, 'ben'),
    await signedIn(own, 'oda'),
    await signedIn(own, 'sam'),
  ];
}, 120_000);

afterAll(async () => {
  await own.close();
  await theirs.close();
});

const asked = async (
  call: Call,
  method: string,
  path: string,
  body?: object,
): Promise<unknown[]> => {
  const answer: Answer = await call(method, path, body);
  return [answer.status, answer.body['code']];
};
const stepsOn = (txId: string): readonly (readonly [Call, string, object, string])[] => [
  [ana, `/holds/${txId}/claims`, { expectedVersion: 1 }, 'ERR_HOLD_FOREIGN'],
  [ana, `/holds/${txId}/unclaims`, { expectedVersion: 1 }, 'ERR_HOLD_FOREIGN'],
  [
    ana,
    `/holds/${txId}/proposals`,
    { expectedVersion: 1, action: 'release', finding: 'test', reason: REASON },
    'ERR_HOLD_FOREIGN',
  ],
  [ana, `/holds/${txId}/escalations`, { expectedVersion: 1, reason: REASON }, 'ERR_HOLD_FOREIGN'],
  [ana, `/holds/${txId}/appeals`, { expectedVersion: 1, reason: REASON }, 'ERR_HOLD_FOREIGN'],
  [ana, `/holds/${txId}/closings`, { expectedVersion: 1, reason: REASON }, 'ERR_HOLD_FOREIGN'],
  [oda, `/holds/${txId}/re-identifications`, { reason: REASON }, 'ERR_NOT_FOUND'],
  [ana, '/cases', { txId, by: 'actor', reason: REASON }, 'ERR_HOLD_UNKNOWN'],
];

describe('a hold of another hospital on the same channel', () => {
  it('is moved by nobody here, grouped in no case, named to nobody', async () => {
    for (const [call, path, body, code] of stepsOn(foreign)) {
      const [status, got] = await asked(call, 'POST', path, body);
      expect([path, got]).toEqual([path, code]);
      expect(status, path).toBeGreaterThanOrEqual(403);
    }
    const bulk = await ana('POST', '/bulk', {
      ...{ step: 'claim', count: 1, items: [{ txId: foreign, expectedVersion: 1 }] },
    });
    expect(bulk.body['items']).toMatchObject([{ outcome: 'refused', code: 'ERR_HOLD_FOREIGN' }]);
    expect((await ana('GET', `/holds/${foreign}`)).body).toMatchObject({ version: 1, can: [] });
  });

  it('is added to no case of ours', async () => {
    const body = { txId: own.holds[0]!, by: 'actor', reason: REASON };
    const { id, version } = (await ana('POST', '/cases', body)).body;
    expect(
      await asked(ana, 'POST', `/cases/${String(id)}/holds`, {
        ...{ expectedVersion: version, txIds: [foreign], reason: REASON },
      }),
    ).toEqual([404, 'ERR_HOLD_UNKNOWN']);
  });

  it('stands in no list, count, export, suggestion or figure', async () => {
    for (const path of [
      ...['/holds?limit=200', '/holds?text=oncology', '/cases', '/supervisor', '/alert-budget'],
      ...['/exports/csv', '/exports/ocsf', '/exports/cef'],
      '/suppressions/preview?ward=oncology-H2',
    ]) {
      const { status, text } = await sam('GET', path);
      expect([path, status]).toEqual([path, 200]);
      expect(text, path).not.toMatch(THEIRS);
      expect(text, path).not.toContain(foreign);
    }
    expect((await sam('GET', '/suppressions/preview?ward=oncology-H2')).body).toMatchObject({
      matched: 0,
      openNow: 0,
    });
  });

  it('is given to nobody who asks for the most urgent', async () => {
    const taken: unknown[] = [];
    for (let i = 0; i < 4; i++) {
      const { status, body } = await ben('POST', '/assignments', {});
      if (status === 201) taken.push(body['txId']);
    }
    expect(taken.length).toBeGreaterThan(0);
    expect(taken).not.toContain(foreign);
  });

  it('shows no call of its actor, since this hospital has read none', async () => {
    expect((await ana('GET', `/holds/${foreign}/timeline`)).body['calls']).toEqual([]);
    expect(await asked(ana, 'GET', `/holds/${foreign}/peers`)).toEqual([404, 'ERR_HOLD_EVIDENCE']);
  });
});

describe('the node of another hospital', () => {
  it('does not know a session of ours, under either name of the cookie', async () => {
    const value = ana.cookie.split('=')[1]!;
    for (const cookie of [ana.cookie, `bhs-H2=${value}`, `bhs-H1=${value}; bhs-H2=${value}`]) {
      const answer = await fetch(`http://127.0.0.1:${theirs.port}/api/v1/holds/${remote}`, {
        headers: { cookie },
      });
      expect(answer.status).toBe(401);
    }
  });

  it('has holds that are unknown here, whatever is asked about them', async () => {
    for (const path of ['', '/block', '/timeline', '/peers', '/evidence.json', '/evidence.html']) {
      expect(await asked(oda, 'GET', `/holds/${remote}${path}`), path).toEqual([
        404,
        'ERR_HOLD_UNKNOWN',
      ]);
    }
    for (const [call, path, body] of stepsOn(remote)) {
      expect(await asked(call, 'POST', path, body), path).toEqual([404, 'ERR_HOLD_UNKNOWN']);
    }
  });
});

describe('what belongs to a colleague', () => {
  it('is a saved view: read by all, overwritten and deleted by its owner alone', async () => {
    const made = await ana('POST', '/views', { name: 'Night', query: 'text=nurse' });
    const [{ id }] = made.body['items'] as [{ id: number }];
    const rename = { name: 'Night', query: 'text=clerk' };
    expect(await asked(ben, 'POST', '/views', rename)).toEqual([409, 'ERR_SAVED_VIEW']);
    expect(await asked(ben, 'DELETE', `/views/${id}`)).toEqual([403, 'ERR_FORBIDDEN']);
    expect(await asked(oda, 'DELETE', `/views/${id}`)).toEqual([403, 'ERR_FORBIDDEN']);
    const { items } = (await ben('GET', '/views')).body as { items: object[] };
    expect(items).toMatchObject([{ id, query: 'text=nurse', owner: 'ana' }]);
    expect((await ana('DELETE', `/views/${id}`)).status).toBe(204);
  });

  it('is a case: changed by the version that was seen, under the name of who changes it', async () => {
    const body = { txId: own.holds[1]!, by: 'actor', reason: REASON };
    const opened = (await ana('POST', '/cases', body)).body;
    const path = `/cases/${String(opened['id'])}`;
    const note = { expectedVersion: opened['version'], text: 'Mine.' };
    const forged = { ...note, by: 'ana' };
    expect(await asked(ben, 'POST', `${path}/notes`, forged)).toEqual([400, 'ERR_REQUEST']);
    expect((await ben('POST', `${path}/notes`, note)).status).toBe(201);
    expect(await asked(oda, 'POST', `${path}/notes`, note)).toEqual([412, 'ERR_CASE_STALE']);
    const { history } = (await ana('GET', path)).body as { history: { by: string }[] };
    expect(history.at(-1)).toMatchObject({ by: 'ben', text: 'Mine.' });
    expect(await asked(ana, 'GET', '/cases/999')).toEqual([404, 'ERR_NOT_FOUND']);
  });

  it('is an export: made under the name of who asks, with her own “mine”', async () => {
    const mine = async (call: Call): Promise<string> =>
      (await call('GET', '/exports/csv?holder=me&state=claimed,proposed')).text;
    expect(await mine(ben)).toContain(own.holds[2]!);
    expect(await mine(oda)).not.toContain(own.holds[2]!);
    expect(await asked(ana, 'GET', '/exports/csv?holder=ben')).toEqual([400, 'ERR_REQUEST']);
    expect(await asked(ana, 'GET', `/holds/${own.holds[0]!}/evidence.json`)).toEqual([
      403,
      'ERR_FORBIDDEN',
    ]);
  });

  it('is an idempotency key: another person’s answer is not replayed', async () => {
    const headers = { 'idempotency-key': 'a-key-of-ana-alone' };
    const path = `/holds/${own.holds[3]!}/returns`;
    const body = { expectedVersion: 3, reason: REASON };
    expect((await ana('POST', path, body, headers)).status).toBe(201);
    expect((await oda('POST', path, body, headers)).body['code']).toBe('ERR_HOLD_STALE');
  });
});

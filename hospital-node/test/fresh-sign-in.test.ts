/**
 * Sessions as a person sees them, and the fresh sign-in that a step asks for that cannot be taken back.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readAuditLog } from '../src/audit/audit-log.js';
import { NEEDS_FRESH_SIGN_IN, RIGHTS } from '../src/http/rights.js';
import { PASSWORD, startSeededServer, type SeededServer } from './seeded-server.js';
import { signedIn, type Call } from './signed-in.js';

const MINUTE_MS = 60_000;
const REASON = 'Complaint 17 of the patient office.';

let server: SeededServer;
let nowMs = Date.now();
let ana: Call;
let oda: Call;

beforeAll(async () => {
  server = await startSeededServer({ now: () => nowMs });
});
afterAll(() => server.close());
beforeEach(async () => {
  [ana, oda] = [await signedIn(server, 'ana'), await signedIn(server, 'oda')];
});

describe('what cannot be taken back', () => {
  const asks = (): readonly (readonly [Call, string, object])[] => [
    [ana, `/holds/${server.holds[3]!}/approvals`, { expectedVersion: 3, reason: REASON }],
    [oda, `/holds/${server.holds[0]!}/re-identifications`, { reason: REASON }],
    [oda, '/suppressions', { rule: { ward: 'it' }, days: 7, reason: REASON }],
    [oda, '/suppressions/1/approvals', { reason: REASON }],
    [oda, '/alert-budget/proposals', { alphaPpm: 20_000, reason: REASON }],
    [
      ana,
      '/bulk',
      {
        step: 'approve',
        items: [{ txId: server.holds[3]!, expectedVersion: 3 }],
        count: 1,
        reason: REASON,
      },
    ],
  ];

  it('asks for the password again after five minutes, and for nothing else', async () => {
    nowMs += 5 * MINUTE_MS + 1;
    for (const [call, path, body] of asks()) {
      expect(await call('POST', path, body), path).toMatchObject({
        status: 401,
        body: { code: 'ERR_SIGN_IN_AGAIN', type: '/problems/ERR_SIGN_IN_AGAIN' },
      });
    }
    expect((await ana('GET', '/holds')).status).toBe(200);
    const claim = await ana('POST', `/holds/${server.holds[1]!}/claims`, { expectedVersion: 1 });
    expect(claim.status).toBe(201);
    await ana('POST', `/holds/${server.holds[1]!}/unclaims`, { expectedVersion: 2 });
  });

  it('goes on once the password was given, in the same session', async () => {
    nowMs += 6 * MINUTE_MS;
    const before = await oda('GET', '/session');
    expect(Date.parse(String(before.body['freshUntil']))).toBeLessThan(nowMs);
    expect((await oda('POST', '/session/key', { password: 'not hers at all' })).status).toBe(401);
    const [, path, body] = asks()[1]!;
    expect((await oda('POST', path, body)).status).toBe(401);
    const proven = await oda('POST', '/session/key', { password: PASSWORD });
    expect(Date.parse(String(proven.body['freshUntil']))).toBe(nowMs + 5 * MINUTE_MS);
    expect((await oda('POST', path, body)).status).toBe(201);
    nowMs += 5 * MINUTE_MS + 1;
    expect((await oda('POST', path, body)).status).toBe(401);
  });

  it('names routes that there are', () => {
    for (const route of NEEDS_FRESH_SIGN_IN) expect(RIGHTS).toHaveProperty([route]);
  });
});

describe('the own sessions', () => {
  it('are listed without what opens them, and ended one by one or all others', async () => {
    const [second, third] = [await signedIn(server, 'ana'), await signedIn(server, 'ana')];
    const items = async (): Promise<Record<string, unknown>[]> =>
      (await ana('GET', '/sessions')).body['items'] as Record<string, unknown>[];
    const all = await items();
    expect(all.filter(({ current }) => current === true)).toHaveLength(1);
    expect(new Set(all.map(({ name }) => name))).toEqual(new Set(['ana']));
    for (const cookie of [ana.cookie, second.cookie, third.cookie]) {
      expect(JSON.stringify(all)).not.toContain(cookie.split('=')[1]);
    }
    const theirs = await second('GET', '/sessions');
    const own = (theirs.body['items'] as Record<string, unknown>[]).find((each) => each['current']);
    expect((await ana('DELETE', `/sessions/${String(own!['id'])}`)).body).toEqual({ ended: 1 });
    expect((await second('GET', '/session')).status).toBe(401);
    expect((await third('GET', '/session')).status).toBe(200);
    await ana('DELETE', '/sessions');
    expect((await third('GET', '/session')).status).toBe(401);
    expect(await items()).toHaveLength(1);
    const { records } = readAuditLog(server.stateDir);
    expect(records.filter(({ kind }) => kind === 'session-revoked').at(0)).toMatchObject({
      by: 'ana',
      body: { of: 'ana', count: 1 },
    });
  });

  it('are nobody else’s: neither seen nor ended', async () => {
    const { body } = await ana('GET', '/sessions');
    const [{ id }] = body['items'] as [{ id: string }];
    expect(await oda('DELETE', `/sessions/${id}`)).toMatchObject({
      status: 404,
      body: { code: 'ERR_NOT_FOUND' },
    });
    await oda('DELETE', '/sessions');
    expect((await ana('GET', '/session')).status).toBe(200);
  });
});

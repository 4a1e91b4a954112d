/** Who may act on the dashboard over HTTP, and everybody who may not. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addOperator, removeOperator } from '../src/sign-in/accounts.js';
import { handTurnedClock, type Clock } from './consortium.js';
import { closeAll, startWorld, type World } from './world.js';

const MINUTE = 60_000;
let clock: Clock;
let world: World;
let base: string;
let password: string;

beforeEach(async () => {
  clock = handTurnedClock(Date.now());
  world = await startWorld({}, { nowMs: clock.nowMs });
  base = `http://127.0.0.1:${world.orchestrator.httpPort}`;
  password = await addOperator(world.store, { name: 'ana', by: 'test', nowMs: clock.now });
});
afterEach(closeAll);

interface Caller {
  readonly cookie?: string | undefined;
  readonly csrf?: string | undefined;
  readonly origin?: string | null;
  readonly site?: string;
}

function call(method: string, path: string, body?: object, from: Caller = {}): Promise<Response> {
  const origin = from.origin === undefined ? base : from.origin;
  return fetch(`${base}/api/v1${path}`, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(origin === null ? {} : { origin }),
      ...(from.cookie === undefined ? {} : { cookie: from.cookie }),
      ...(from.csrf === undefined ? {} : { 'x-csrf-token': from.csrf }),
      ...(from.site === undefined ? {} : { 'sec-fetch-site': from.site }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function codeOf(answer: Promise<Response>): Promise<string> {
  const response = await answer;
  expect(response.headers.get('content-type')).toContain('application/problem+json');
  return ((await response.json()) as { code: string }).code;
}

async function signIn(
  name = 'ana',
  secret = password,
): Promise<{ cookie: string; csrf: string; header: string }> {
  const response = await call('POST', '/session', { name, password: secret });
  expect(response.status).toBe(201);
  const header = response.headers.get('set-cookie')!;
  const { csrf } = (await response.json()) as { csrf: string };
  return { cookie: header.split(';')[0]!, csrf, header };
}
const isPaused = async (): Promise<boolean> => (await world.store.fact('paused')) === 'true';

describe('an operator', { timeout: 120_000 }, () => {
  it('signs in, pauses and resumes by name, signs out', async () => {
    const ana = await signIn();
    expect(ana.header).toContain('HttpOnly');
    expect(ana.header).toContain('SameSite=Strict');
    expect((await call('POST', '/pause', { paused: true }, ana)).status).toBe(200);
    expect(await isPaused()).toBe(true);
    expect((await call('POST', '/pause', { paused: false }, ana)).status).toBe(200);
    expect(await isPaused()).toBe(false);
    const records = await world.store.audit.newest({ before: Number.MAX_SAFE_INTEGER, limit: 10 });
    // The first detector becomes active at a moment of its own.
    const last = records.find(({ kind }) => kind !== 'detector-activated');
    expect(last).toMatchObject({ kind: 'resume', body: '{"by":"ana"}' });
    expect(await (await call('DELETE', '/session', {}, ana)).json()).toEqual({ continueAt: null });
    expect(await codeOf(call('POST', '/pause', { paused: true }, ana))).toBe('ERR_SESSION');
  });

  it('is not taken for somebody who only has part of what it takes', async () => {
    const { cookie, csrf } = await signIn();
    const pause = (from: Caller): Promise<string> =>
      codeOf(call('POST', '/pause', { paused: true }, from));
    expect(await pause({})).toBe('ERR_SESSION');
    expect(await pause({ cookie: 'bhs-operator=guess', csrf })).toBe('ERR_SESSION');
    expect(await pause({ cookie })).toBe('ERR_CSRF');
    expect(await pause({ cookie, csrf: 'x'.repeat(csrf.length) })).toBe('ERR_CSRF');
    expect(await pause({ cookie, csrf, origin: 'http://evil.example' })).toBe('ERR_CSRF');
    expect(await pause({ cookie, csrf, origin: null })).toBe('ERR_CSRF');
    expect(await pause({ cookie, csrf, site: 'cross-site' })).toBe('ERR_CSRF');
    expect(await isPaused()).toBe(false);
  });

  it('is asked again after half an hour without a request, and after twelve hours', async () => {
    const ana = await signIn();
    clock.now += 29 * MINUTE;
    expect((await call('POST', '/pause', { paused: false }, ana)).status).toBe(200);
    clock.now += 31 * MINUTE;
    expect(await codeOf(call('POST', '/pause', { paused: false }, ana))).toBe('ERR_SESSION');
    const again = await signIn();
    for (let half = 0; half < 24; half++) {
      clock.now += 29 * MINUTE;
      expect((await call('POST', '/pause', { paused: false }, again)).status).toBe(200);
    }
    clock.now += 29 * MINUTE;
    expect(await codeOf(call('POST', '/pause', { paused: false }, again))).toBe('ERR_SESSION');
  });

  it('waits longer after each wrong password, whether or not the name is known', async () => {
    for (const name of ['ana', 'nobody']) {
      const guess = (): Promise<Response> => call('POST', '/session', { name, password: 'guess' });
      for (let tries = 0; tries < 3; tries++) expect(await codeOf(guess())).toBe('ERR_SIGN_IN');
      const delayed = await guess();
      expect(delayed.status).toBe(429);
      expect(delayed.headers.get('retry-after')).toBe('1');
    }
    clock.now += 1_000;
    await signIn();
  });

  it('who was removed or got another password is out at once', async () => {
    const ana = await signIn();
    password = await addOperator(world.store, { name: 'ana', by: 'test', nowMs: clock.now });
    expect(await codeOf(call('POST', '/pause', { paused: true }, ana))).toBe('ERR_SESSION');
    const again = await signIn();
    await removeOperator(world.store, { name: 'ana', by: 'test', nowMs: clock.now });
    expect(await codeOf(call('POST', '/pause', { paused: true }, again))).toBe('ERR_SESSION');
    expect(await codeOf(call('POST', '/session', { name: 'ana', password }))).toBe('ERR_SIGN_IN');
    await expect(
      removeOperator(world.store, { name: 'ana', by: 'test', nowMs: clock.now }),
    ).rejects.toMatchObject({ code: 'ERR_OPERATOR' });
  });

  it('is refused what is malformed, by a sentence', async () => {
    const ana = await signIn();
    expect(await codeOf(call('POST', '/pause', { paused: 'yes' }, ana))).toBe('ERR_HTTP_REQUEST');
    expect(await codeOf(call('GET', '/rounds/1/3'))).toBe('ERR_HTTP_REQUEST');
    expect(await codeOf(call('GET', '/rounds/1/1'))).toBe('ERR_HTTP_NOT_FOUND');
    expect(await codeOf(call('GET', '/nowhere'))).toBe('ERR_HTTP_NOT_FOUND');
    expect(
      await codeOf(call('POST', '/enrolments/unknown/refusals', { reason: 'who?' }, ana)),
    ).toBe('ERR_REQUEST_DECIDED');
  });

  it('sees her own sessions, ends one of them, and cannot name one of somebody else', async () => {
    const here = await signIn();
    const there = await signIn();
    const bensPassword = await addOperator(world.store, {
      ...{ name: 'ben', by: 'test', nowMs: clock.now },
    });
    const ben = await signIn('ben', bensPassword);
    const list = async (of: Caller): Promise<{ key: string; isThis: boolean }[]> =>
      (await (await call('GET', '/sessions', undefined, of)).json()) as never;
    const own = await list(here);
    expect(own).toHaveLength(2);
    expect(own.filter((each) => each.isThis)).toHaveLength(1);
    const [bens] = await list(ben);
    expect(await codeOf(call('DELETE', `/sessions/${bens!.key}`, {}, here))).toBe(
      'ERR_HTTP_NOT_FOUND',
    );
    const other = own.find((each) => !each.isThis)!;
    expect((await call('DELETE', `/sessions/${other.key}`, {}, here)).status).toBe(204);
    expect(await codeOf(call('POST', '/pause', { paused: true }, there))).toBe('ERR_SESSION');
    expect((await call('POST', '/pause', { paused: true }, ben)).status).toBe(200);
  });

  it('is asked again who she is before what weighs more, once five minutes have passed', async () => {
    const ana = await signIn();
    const approve = (): Promise<string> =>
      codeOf(call('POST', '/enrolments/none/approvals', { fingerprint: '1' }, ana));
    expect(await approve()).toBe('ERR_REQUEST_DECIDED');
    clock.now += 5 * MINUTE + 1;
    expect(await approve()).toBe('ERR_SIGN_IN_AGAIN');
    const again = (secret: string): Promise<Response> =>
      call('POST', '/session/freshness', { password: secret }, ana);
    expect(await codeOf(again('guess'))).toBe('ERR_SIGN_IN');
    expect(await approve()).toBe('ERR_SIGN_IN_AGAIN');
    expect(await (await again(password)).json()).toEqual({ freshForMs: 5 * MINUTE });
    expect(await approve()).toBe('ERR_REQUEST_DECIDED');
    // What stops harm has no time for a password.
    clock.now += 6 * MINUTE;
    expect((await call('POST', '/pause', { paused: true }, ana)).status).toBe(200);
  });
});

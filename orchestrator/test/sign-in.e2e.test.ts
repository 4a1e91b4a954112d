/**
 * Sign-in at an identity provider, in a real browser against a real provider (oidc-provider, in this process): who has a
 * role gets in and comes back to the page she left, who has none does not; the provider is asked again before what weighs;
 * local accounts can be switched off.
 */
import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CALLBACK, createIdentityProvider, roleOf } from '../src/sign-in/identity-provider.js';
import { buildDashboard } from './dashboard-build.js';
import { handTurnedClock, type Clock } from './consortium.js';
import { closeAll, opened, startWorld, type World } from './world.js';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
const CLIENT = { clientId: 'bhs-orchestrator', clientSecret: 'a secret of the test' } as const;
const ROLES = { 'federation-operators': 'operator', 'hospital-admins': 'hospital-admin' } as const;
const WORDS: Readonly<Record<string, readonly string[]>> = {
  olga: ['staff', 'federation-operators'],
  hana: ['hospital-admins'],
  nina: ['staff'],
};

if (CHROMIUM === undefined) {
  const hint = 'sign-in.e2e: needs Chromium (apt-get install chromium)';
  if (process.env['REQUIRE_ALL'] === '1') throw new Error(hint);
  console.warn(`skipped: ${hint}`);
}

/** Any name signs in there with any password; `WORDS` says what the provider thinks of it. */
async function startProvider(publicUrl: string): Promise<string> {
  const http = createServer();
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  opened.push(() => {
    http.closeAllConnections();
    http.close();
  });
  const address = http.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  const issuer = `http://127.0.0.1:${address.port}`;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.clientId,
        client_secret: CLIENT.clientSecret,
        redirect_uris: [new URL(CALLBACK, publicUrl).href],
        post_logout_redirect_uris: [new URL('/', publicUrl).href],
        require_auth_time: true,
      },
    ],
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
    cookies: { keys: ['of a test'] },
    conformIdTokenClaims: false,
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups'] },
    pkce: { required: () => true },
    findAccount: (_context, sub) => ({
      accountId: sub,
      claims: () => ({ sub, preferred_username: sub, groups: [...(WORDS[sub] ?? [])] }),
    }),
  });
  const answer = provider.callback();
  http.on('request', (request, response) => void answer(request, response));
  return issuer;
}

async function freePort(): Promise<number> {
  const http = createServer();
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const { port } = http.address() as { port: number };
  await new Promise((resolve) => http.close(resolve));
  return port;
}

it('takes of several roles the one that may do most, and none for a word that nobody configured', () => {
  expect(roleOf(['hospital-admins', 'federation-operators'], ROLES)).toBe('operator');
  expect(roleOf('hospital-admins', ROLES)).toBe('hospital-admin');
  for (const claim of [undefined, null, 7, [], ['staff'], 'toString', ['__proto__'], {}]) {
    expect(roleOf(claim, ROLES)).toBeNull();
  }
});

describe.skipIf(CHROMIUM === undefined)('sign-in at an identity provider', () => {
  let browser: Browser;
  let world: World;
  let clock: Clock;
  let base: string;

  beforeAll(async () => {
    const dashboardDir = await buildDashboard();
    clock = handTurnedClock(Date.now());
    const httpPort = await freePort();
    base = `http://127.0.0.1:${httpPort}`;
    const issuer = await startProvider(base);
    world = await startWorld(
      {},
      {
        ...{ nowMs: clock.nowMs, dashboardDir, httpPort },
        signIn: {
          localAccounts: false,
          secure: false,
          provider: createIdentityProvider({
            ...{ issuer, ...CLIENT, publicUrl: base, scope: 'openid profile' },
            ...{ nameClaim: 'preferred_username', roleClaim: 'groups', roles: ROLES },
            clockToleranceSeconds: 30,
          }),
        },
      },
    );
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] });
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    await closeAll();
  });

  async function fresh(hash = ''): Promise<Page> {
    const page = await (await browser.newContext()).newPage();
    await page.goto(`${base}/${hash}`);
    await page.waitForSelector('main .part');
    return page;
  }

  /** Name and password at the provider, then its question whether we may know. */
  async function atTheProvider(page: Page, name: string): Promise<void> {
    await page.waitForSelector('[name=login]');
    await page.fill('[name=login]', name);
    await page.fill('[name=password]', 'any');
    await page.click('[type=submit]');
    const consent = page.locator('button:has-text("Continue")');
    await Promise.race([
      consent.waitFor().then(() => consent.click()),
      page.waitForURL(`${base}/**`),
    ]);
    await page.waitForURL(`${base}/**`);
  }

  async function signIn(page: Page, name: string): Promise<void> {
    await page.click('text=Sign in');
    expect(await page.locator('[name=password]').count()).toBe(0);
    await page.click('text=Sign in at the sign-in service');
    await atTheProvider(page, name);
  }

  it('lets an operator in, back on the page that she left, and out again', async () => {
    const page = await fresh('#nodes');
    await signIn(page, 'olga');
    await page.waitForSelector('text=Sign out');
    expect(await page.textContent('.me')).toContain('olga');
    expect(page.url()).toBe(`${base}/#nodes`);
    const [session] = await world.store.operators.sessionsOf('olga', 'oidc');
    expect(session).toMatchObject({ role: 'operator', method: 'oidc' });
    expect(session!.freshAtMs).toBeGreaterThan(0);
    await page.click('text=Sign out');
    await page.click('text=/yes|sign.?out|continue/i >> nth=0').catch(() => undefined);
    // The button may have been pressed before the session was ended.
    await expect
      .poll(() => world.store.operators.sessionsOf('olga', 'oidc'), { timeout: 30_000 })
      .toEqual([]);
    await page.context().close();
  }, 120_000);

  it('gives a hospital’s administrator what her role allows, and no more', async () => {
    const page = await fresh('#rounds');
    await signIn(page, 'hana');
    await page.waitForSelector('text=Sign out');
    expect(await page.textContent('.me')).toContain('hospital-admin');
    expect(await page.locator('text=Pause the rounds').count()).toBe(0);
    const answer = await page.evaluate(async () => {
      const { csrf } = (await (await fetch('/api/v1/session')).json()) as { csrf: string };
      const headers = { 'content-type': 'application/json', 'x-csrf-token': csrf };
      const body = JSON.stringify({ paused: true });
      return (await fetch('/api/v1/pause', { method: 'POST', headers, body })).status;
    });
    expect(answer).toBe(403);
    await page.context().close();
  }, 120_000);

  it('lets nobody in whom the provider knows without a role, and says so', async () => {
    const page = await fresh();
    await signIn(page, 'nina');
    expect(await page.textContent('[role=alert]')).toContain('no role here');
    expect(await world.store.operators.sessionsOf('nina', 'oidc')).toEqual([]);
    const [last] = await world.store.audit.newest({ before: Number.MAX_SAFE_INTEGER, limit: 1 });
    expect(last).toMatchObject({ kind: 'operator-sign-in-refused' });
    await page.context().close();
  }, 120_000);

  it('asks the provider anew when the sign-in is old, and replaces the session', async () => {
    const page = await fresh();
    await signIn(page, 'olga');
    await page.waitForSelector('text=Sign out');
    const [before] = await world.store.operators.sessionsOf('olga', 'oidc');
    await page.goto(`${base}/api/v1/sign-in/oidc?again=1`);
    await atTheProvider(page, 'olga'); // although the provider knows her
    await page.waitForSelector('text=Sign out');
    const after = await world.store.operators.sessionsOf('olga', 'oidc');
    expect(after).toHaveLength(1);
    expect(after[0]!.idHash).not.toBe(before!.idHash);
    await page.context().close();
  }, 120_000);

  it('believes no answer that it did not ask for, and no local account where they are off', async () => {
    const forged = await fetch(`${base}${CALLBACK}?code=x&state=y`, { redirect: 'manual' });
    expect(forged.headers.get('location')).toBe('/?refused=ERR_OIDC_TICKET');
    expect(forged.headers.get('set-cookie')).not.toContain('bhs-operator=');
    const local = await fetch(`${base}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: base },
      body: JSON.stringify({ name: 'olga', password: 'any' }),
    });
    expect(await local.text()).toContain('ERR_SIGN_IN_METHOD');
  });
});

/**
 * Signing in at a real OpenID provider (oidc-provider) with a real browser: there and back, a key unlocked, a step signed,
 * the end on both sides, and the refusals as sentences.
 */
import { existsSync, readFileSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditFileOf } from '../src/audit/audit-log.js';
import { buildConsole } from './console-browser.js';
import { freePort } from '../../test/free-port.js';
import { optionsFor, startRealProvider } from './identity-provider-fixture.js';
import { PASSWORD, startSeededServer, type SeededServer } from './seeded-server.js';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
if (CHROMIUM === undefined) {
  const hint = 'sign-in.e2e: needs Chromium (apt-get install chromium)';
  if (process.env['REQUIRE_ALL'] === '1') throw new Error(hint);
  console.warn(`skipped: ${hint}`);
}

const WORDS: Readonly<Record<string, readonly string[]>> = {
  ana: ['review-analysts'],
  vera: ['review-auditors', 'canteen'],
};

describe.skipIf(CHROMIUM === undefined)('sign-in at the hospital’s identity provider', () => {
  let browser: Browser;
  let server: SeededServer;
  let provider: Awaited<ReturnType<typeof startRealProvider>>;
  let address: string;

  beforeAll(async () => {
    const consoleDir = await buildConsole();
    const port = await freePort();
    address = `http://127.0.0.1:${port}`;
    provider = await startRealProvider({
      publicUrl: address,
      rolesOf: (name) => WORDS[name] ?? [],
    });
    server = await startSeededServer({
      port,
      consoleDir,
      signIn: {
        local: false,
        provider: optionsFor({ issuer: provider.issuer, publicUrl: address }),
      },
    });
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] });
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    await server.close();
    await provider.close();
  });

  async function arrive(name: string): Promise<Page> {
    const page = await (await browser.newContext()).newPage();
    await page.goto(address);
    await page.click('#provider');
    await page.fill('input[name=login]', name);
    await page.fill('input[name=password]', 'anything');
    await page.click('button[type=submit]');
    // Not that of the page before, which is there until the next one comes.
    await page.click('form:has([value=consent]) button[type=submit]');
    await page.waitForURL(`${address}/**`);
    return page;
  }
  const records = (): string[] =>
    readFileSync(auditFileOf(server.stateDir), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string; by: string; body: { code?: string } })
      .map(({ kind, by, body }) => [kind, by, body.code ?? ''].join(' ').trim());

  it('lets an analyst in, who unlocks her key, signs, and signs out on both sides', async () => {
    const page = await arrive('ana');
    await page.waitForSelector('#rows .row');
    expect(await page.textContent('.who')).toContain('ana analyst');
    expect((await page.context().cookies()).map(({ name }) => name)).not.toContain('bhs-H1-ticket');
    await page.fill('[name=key-password]', 'not hers at all');
    await page.click('text=Unlock');
    await page.waitForSelector('.unlock [role=alert]');
    await page.fill('[name=key-password]', PASSWORD);
    await page.click('text=Unlock');
    await page.waitForSelector('.unlock', { state: 'detached' });
    await page.click(`[data-tx="${server.holds[0]!}"]`);
    await page.click('#do-claim');
    await page.waitForSelector('.toast.ok');
    await page.click('text=Sign out');
    await page.waitForURL(`${provider.issuer}/session/end**`);
    await page.click('button[value=yes], button[autofocus]');
    await page.waitForURL(`${address}/`);
    expect(records()).toEqual(
      expect.arrayContaining(['signed-in ana', 'sign-in-refused ana ERR_SIGN_IN']),
    );
    await page.context().close();
  }, 90_000);

  it('lets an auditor read, and offers her nothing else', async () => {
    const page = await arrive('vera');
    await page.waitForSelector('#rows .row');
    expect(await page.locator('.unlock').count()).toBe(0);
    await page.click(`[data-tx="${server.holds[1]!}"]`);
    await page.waitForSelector('text=Why it is unusual');
    expect(await page.locator('#do-claim').count()).toBe(0);
    await page.context().close();
  }, 90_000);

  it('says to a person without a role that she has none, and writes it down', async () => {
    const page = await arrive('mallory');
    await page.waitForSelector('.problem');
    expect(await page.textContent('.problem')).toContain('you have no role in this review');
    await expect.poll(() => new URL(page.url()).search, { timeout: 20_000 }).toBe('');
    expect(records()).toContain('sign-in-refused nobody ERR_OIDC_ROLE');
    await page.context().close();
  }, 90_000);

  it('has no other way in when local accounts are off', async () => {
    const page = await (await browser.newContext()).newPage();
    await page.goto(address);
    await page.waitForSelector('#provider');
    expect(await page.locator('[name=password]').count()).toBe(0);
    const answer = await fetch(`${address}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'ana', password: PASSWORD }),
    });
    expect(await answer.json()).toMatchObject({ code: 'ERR_SIGN_IN_METHOD' });
    await page.context().close();
  }, 60_000);
});

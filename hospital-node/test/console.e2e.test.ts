/**
 * The analyst page in a real browser: two people decide a hold with keyboard and mouse, in both themes, at 320 px and
 * wide; axe finds nothing; nothing is asked of anybody but the node. With UPDATE_PICTURES=1 it takes the pictures that the
 * documents show.
 */
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  buildConsole,
  hasBrowser,
  launchBrowser,
  overflowOf,
  signIn,
  violations,
  type ConsoleBrowser,
} from './console-browser.js';
import { startSeededServer, type SeededServer } from './seeded-server.js';

const HOSTILE = `"><img src=x onerror="globalThis.pwned=1"><script>globalThis.pwned=1</script>'`;
const APPEARANCES = [
  ['light', 1280],
  ['dark', 1280],
  ['light', 320],
  ['dark', 320],
] as const;

describe.skipIf(!hasBrowser('console.e2e'))('the analyst page', () => {
  let browser: ConsoleBrowser;
  let consoleDir: string;
  let server: SeededServer;
  /** A second queue, so that pictures and counts of the first stay as they are. */
  let bulk: SeededServer;

  beforeAll(async () => {
    consoleDir = await buildConsole();
    server = await startSeededServer({ consoleDir });
    bulk = await startSeededServer({
      consoleDir,
      more: [{ fn: HOSTILE, role: HOSTILE, ward: HOSTILE, args: [HOSTILE], dueH: 30 }],
    });
    browser = await launchBrowser();
  }, 60_000);

  afterAll(async () => {
    await browser.close();
    await server.close();
    await bulk.close();
  });

  const openPage = (
    o: { width?: number; scheme?: 'light' | 'dark'; port?: number } = {},
  ): Promise<Page> => browser.open({ port: server.port, ...o });

  it('proves a hold in the browser, and turns red for one changed weight', async () => {
    const page = await openPage();
    await signIn(page, 'ana');
    await page.click(`[data-tx="${server.holds[0]!}"]`);
    await page.click('#do-verify');
    await page.waitForSelector('[data-check=score]');
    expect(await page.locator('.checks b').allTextContents()).toEqual(Array(5).fill('PASS'));
    expect(await page.textContent('[data-check=score]')).toContain('the same integer');
    expect(await violations(page)).toEqual([]);
    await page.route('**/api/v1/detector-blobs/*', async (route) => {
      const response = await route.fetch();
      const body = await response.body();
      body[body.length - 400]! ^= 1;
      await route.fulfill({ response, body });
    });
    await page.click('#do-verify');
    await page.waitForSelector('[data-check=detector] .fail');
    await page.context().close();
  }, 60_000);

  it.each(APPEARANCES)(
    'is accessible and fits: %s, %i px',
    async (scheme, width) => {
      const page = await openPage({ scheme, width });
      expect(await violations(page)).toEqual([]);
      await signIn(page, 'ana');
      expect(await violations(page)).toEqual([]);
      expect(await overflowOf(page)).toBeLessThanOrEqual(0);
      await page.click('#rows .row');
      await page.waitForSelector('.heat-grid');
      expect(await violations(page)).toEqual([]);
      expect(await overflowOf(page)).toBeLessThanOrEqual(0);
      if (process.env['UPDATE_PICTURES'] === '1' && width > 1_000) {
        const path = fileURLToPath(new URL(`../console/pictures/${scheme}.png`, import.meta.url));
        await page.setViewportSize({ width, height: 1_320 });
        await page.screenshot({ path });
      }
      await page.click('text=Show numbers');
      await page.waitForSelector('table.numbers');
      expect(await violations(page)).toEqual([]);
      await page.context().close();
    },
    60_000,
  );

  it('lets one person claim and propose by keyboard, and another one approve', async () => {
    const ana = await openPage();
    await signIn(ana, 'ana');
    await ana.keyboard.press('j');
    await ana.keyboard.press('Enter');
    await ana.waitForSelector('#do-claim');
    await ana.keyboard.press('a');
    await ana.keyboard.press('Enter');
    await ana.waitForSelector('#do-propose');
    await ana.keyboard.press('p');
    await ana.waitForSelector('dialog[open] select');
    expect(await violations(ana)).toEqual([]);
    await ana.click('dialog[open] [type=submit]'); // too early: it says what is missing, and goes there
    await ana.waitForSelector('dialog[open] select:focus[aria-invalid=true]');
    expect(await ana.locator('dialog[open] .missing').allTextContents()).toEqual([
      '⚠ Choose what it was.',
      '⚠ Say why, in 10 characters or more.',
    ]);
    expect(await violations(ana)).toEqual([]);
    await ana.selectOption('dialog[open] select', 'benign-expected');
    await ana.fill('dialog[open] textarea', 'Monthly report of billing, confirmed by phone.');
    expect(await ana.locator('dialog[open] .missing').count()).toBe(0);
    expect(await ana.textContent('dialog[open] .effect')).toMatch(
      /one use.*24 hours.*submit it again/,
    );
    await ana.click('dialog[open] [type=submit]');
    await ana.waitForSelector('text=nobody decides alone');
    expect(await ana.$('#do-approve')).toBeNull();

    const ben = await openPage();
    await signIn(ben, 'ben');
    await ben.click('nav.views >> text=Need 2nd person');
    await ben.click(`[data-tx="${server.holds[0]!}"]`);
    await ben.click('#do-approve');
    expect(await ben.textContent('dialog[open] blockquote')).toContain('Monthly report');
    await ben.click('dialog[open] [type=submit]');
    await ben.waitForSelector('dialog[open] textarea:focus[aria-invalid=true]');
    expect(await ben.textContent('dialog[open] .missing')).toContain('Say why');
    await ben.fill('dialog[open] textarea', 'Billing told me the same.');
    await ben.click('dialog[open] [type=submit]');
    await ben.waitForSelector('.sheet-top .state.released');
    expect(await ben.textContent('.history')).toContain('approved');
    expect(await ben.textContent('.history')).toContain('Billing told me the same.');
    // What ben decided reaches ana's open page by itself.
    await ana.waitForSelector('.sheet-top .state.released');
    await ana.context().close();
    await ben.context().close();
  }, 60_000);

  it.each(APPEARANCES)(
    'says beside a field that it is missing: %s, %i px',
    async (scheme, width) => {
      const page = await openPage({ scheme, width });
      await signIn(page, 'ana');
      await page.evaluate(`location.hash = '#/hold/${server.holds[3]!}'`); // proposed by ben
      await page.click('#do-approve');
      await page.click('dialog[open] [type=submit]');
      await page.waitForSelector('dialog[open] textarea:focus');
      const described = await page.getAttribute('dialog[open] textarea', 'aria-describedby');
      expect(await page.textContent(`[id="${described}"]`)).toContain('Say why');
      expect(await violations(page)).toEqual([]);
      expect(await overflowOf(page)).toBeLessThanOrEqual(0);
      await page.context().close();
    },
    60_000,
  );

  it('refuses a step on a stale version with what changed, and shows it', async () => {
    const [ana, ben] = [await openPage(), await openPage()];
    await ana.route('**/api/v1/events', (route) => route.abort()); // ana's page does not hear of ben's step
    for (const [page, name] of [
      [ana, 'ana'],
      [ben, 'ben'],
    ] as const) {
      await signIn(page, name);
      await page.click(`[data-tx="${server.holds[1]!}"]`);
      await page.waitForSelector('#do-claim');
    }
    await ben.click('#do-claim');
    await ben.waitForSelector('#do-propose');
    await ana.click('#do-claim');
    await ana.waitForSelector('.conflict >> text=Nothing was signed');
    expect(await ana.textContent('.conflict')).toMatch(
      /ben claimed it.*StateOpenClaimed.*nobodyben/s,
    );
    expect(await violations(ana)).toEqual([]);
    await ana.click('text=I have read it');
    expect(await ana.locator('.conflict').count()).toBe(0);
    await ana.context().close();
    await ben.context().close();
  }, 60_000);

  it('keeps view and filters in the address, and searches', async () => {
    const page = await openPage();
    await signIn(page, 'ana');
    await page.keyboard.press('/');
    await page.keyboard.type('nurse');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.counted >> text=1 hold match');
    expect(new URL(page.url()).search).toBe('?text=nurse');
    await page.reload();
    await page.waitForSelector('.counted >> text=1 hold match');
    expect(await page.inputValue('#search')).toBe('nurse');
    await page.click('nav.views >> text=Break-glass review');
    await page.waitForSelector('text=No hold matches these filters');
    await page.click('text=Clear');
    await page.waitForSelector('#rows .row');
    expect(await page.locator('#rows .row').count()).toBe(1);
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  }, 60_000);

  it('signs one step for exactly the ticked holds, and lists what was refused', async () => {
    const { port } = bulk;
    const [ana, ben] = [await openPage({ port }), await openPage({ port })];
    await ana.route('**/api/v1/events', (route) => route.abort()); // she decides on what she saw
    await signIn(ana, 'ana');
    await signIn(ben, 'ben');
    const [mine, his] = [bulk.holds[0]!, bulk.holds[4]!];
    await ana.check(`li:has([data-tx="${mine}"]) .tick`);
    await ana.check(`li:has([data-tx="${his}"]) .tick`);
    await ben.click(`[data-tx="${his}"]`);
    await ben.click('#do-claim');
    await ben.waitForSelector('#do-propose');
    await ana.click('#bulk-claim');
    await ana.waitForSelector('dialog[open] >> text=Claim 2 holds');
    expect(await violations(ana)).toEqual([]);
    await ana.click('dialog[open] [type=submit]');
    await ana.waitForSelector('.toast >> text=1 of 2 done');
    expect(await ana.textContent('.problem')).toMatch(/H-5: You saw version 1/);
    await ana.context().close();
    await ben.context().close();
  }, 90_000);

  it('shows hostile text as text', async () => {
    const page = await openPage({ port: bulk.port });
    await signIn(page, 'oda');
    await page.click(`[data-tx="${bulk.holds[5]!}"]`);
    await page.waitForSelector('.sheet-top h2');
    expect(await page.textContent('.sheet-top')).toContain(HOSTILE);
    await page.click('#do-identify');
    await page.fill('dialog[open] textarea', `${HOSTILE} complaint of a patient`);
    await page.click('dialog[open] [type=submit]');
    await page.waitForSelector('text=Shown for ten minutes');
    expect(await page.locator('img, iframe, object').count()).toBe(0);
    expect(await page.evaluate('globalThis.pwned')).toBeUndefined();
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  }, 60_000);

  it('goes back to the sign-in form when the session is over, with nothing left on the screen', async () => {
    const page = await openPage();
    await signIn(page, 'ana');
    await page.click('#rows .row');
    await page.waitForSelector('.sheet-top');
    const cookies = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`);
    const base = `http://127.0.0.1:${server.port}/api/v1/session`;
    const headers = { cookie: cookies.join('; ') };
    const { csrf } = (await (await fetch(base, { headers })).json()) as { csrf: string };
    await fetch(base, { method: 'DELETE', headers: { ...headers, 'x-csrf-token': csrf } });
    await page.waitForSelector('.sign-in');
    expect(await page.locator('.row, .sheet-top').count()).toBe(0);
    await page.context().close();
  }, 60_000);

  it('takes no step for a page of somebody else, even with the cookie', async () => {
    const page = await openPage();
    await signIn(page, 'ana');
    const path = `/api/v1/holds/${server.holds[4]!}/claims`;
    const statuses = await page.evaluate(async (url) => {
      const send = (headers: Record<string, string>): Promise<number> =>
        fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: '{"expectedVersion":1}',
        }).then(({ status }) => status);
      return [await send({}), await send({ 'x-csrf-token': 'guessed' })];
    }, path);
    expect(statuses).toEqual([403, 403]);
    const foreign = `http://localhost:${server.port}`;
    await page.goto(`${foreign}/`);
    const cross = await page.evaluate(
      (url) =>
        fetch(url, { method: 'POST', credentials: 'include', mode: 'no-cors' }).then(
          () => 'sent',
          () => 'refused by the browser',
        ),
      `http://127.0.0.1:${server.port}${path}`,
    );
    expect(cross).toBe('refused by the browser'); // connect-src 'self'
    await page.context().close();
  }, 60_000);

  it('complained of nothing and asked nobody else', () => {
    const expected =
      /status of (401|403|412|429)|net::ERR_FAILED|asked http:\/\/localhost|claims('? violates|\. Refused to connect)/;
    expect(browser.complaints.filter((text) => !expected.test(text))).toEqual([]);
  });
});

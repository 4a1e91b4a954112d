/**
 * The analyst page in a real browser: two people decide a hold with keyboard and mouse, in both themes, at 320 px and
 * wide; axe finds nothing; nothing is asked of anybody but the node. With UPDATE_PICTURES=1 it takes the pictures that the
 * documents show.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { chromium, type Browser, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PASSWORD, startSeededServer } from './seeded-server.js';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
const DIST = fileURLToPath(new URL('../dist/console/', import.meta.url));
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

if (CHROMIUM === undefined) {
  const hint = 'console.e2e: needs Chromium (apt-get install chromium)';
  if (process.env['REQUIRE_ALL'] === '1') throw new Error(hint);
  console.warn(`skipped: ${hint}`);
}

describe.skipIf(CHROMIUM === undefined)('the analyst page', () => {
  let browser: Browser;
  let server: Awaited<ReturnType<typeof startSeededServer>>;
  const complaints: string[] = [];

  beforeAll(async () => {
    const configFile = fileURLToPath(new URL('../console/vite.config.mjs', import.meta.url));
    await build({ configFile, logLevel: 'silent' });
    server = await startSeededServer();
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] });
  }, 60_000);

  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  async function openPage(o: { width?: number; scheme?: 'light' | 'dark' } = {}): Promise<Page> {
    const context = await browser.newContext({
      viewport: { width: o.width ?? 1280, height: 900 },
      colorScheme: o.scheme ?? 'light',
      reducedMotion: 'reduce',
    });
    const page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (new URL(request.url()).host !== `127.0.0.1:${server.port}`) {
        complaints.push(`asked ${request.url()}`);
      }
    });
    await page.goto(`http://127.0.0.1:${server.port}/`);
    await page.waitForSelector('.sign-in');
    return page;
  }

  async function signIn(page: Page, name: string): Promise<void> {
    await page.fill('[name=name]', name);
    await page.fill('[name=password]', PASSWORD);
    await page.keyboard.press('Enter');
    await page.waitForSelector('#rows .row');
  }

  async function violations(page: Page): Promise<string[]> {
    await page.evaluate(AXE);
    return page.evaluate(async () => {
      const axe = (
        globalThis as unknown as {
          axe: {
            run(o: object): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
          };
        }
      ).axe;
      const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
      const result = await axe.run({ runOnly: tags });
      return result.violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map((n) => n.html.slice(0, 120)).join(' | ')}`,
      );
    });
  }

  it('stays small: 60 KB to begin with, 100 KB with kernel and proof', () => {
    const sizes = readdirSync(`${DIST}assets`).map((name) => ({
      name,
      bytes: gzipSync(readFileSync(`${DIST}assets/${name}`)).length,
    }));
    const sum = (list: typeof sizes): number => list.reduce((total, { bytes }) => total + bytes, 0);
    expect(sum(sizes.filter(({ name }) => name.startsWith('index-')))).toBeLessThan(60 * 1024);
    expect(sum(sizes)).toBeLessThan(100 * 1024);
  });

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

  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 320],
    ['dark', 320],
  ] as const)(
    'is accessible and fits: %s, %i px',
    async (scheme, width) => {
      const page = await openPage({ scheme, width });
      const fits = (): Promise<number> =>
        page.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect(await violations(page)).toEqual([]);
      await signIn(page, 'ana');
      expect(await violations(page)).toEqual([]);
      expect(await fits()).toBeLessThanOrEqual(0);
      await page.click('#rows .row');
      await page.waitForSelector('.heat-grid');
      expect(await violations(page)).toEqual([]);
      expect(await fits()).toBeLessThanOrEqual(0);
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
    expect(await ana.isDisabled('dialog[open] [type=submit]')).toBe(true);
    await ana.selectOption('dialog[open] select', 'benign-expected');
    await ana.fill('dialog[open] textarea', 'Monthly report of billing, confirmed by phone.');
    expect(await ana.textContent('dialog[open] .effect')).toMatch(
      /one use.*24 hours.*submit it again/,
    );
    await ana.click('dialog[open] [type=submit]');
    await ana.waitForSelector('text=nobody decides alone');
    expect(await ana.$('#do-approve')).toBeNull();

    const ben = await openPage();
    await signIn(ben, 'ben');
    await ben.click('nav.views >> text=Needs second person');
    await ben.click(`[data-tx="${server.holds[0]!}"]`);
    await ben.click('#do-approve');
    expect(await ben.textContent('dialog[open] blockquote')).toContain('Monthly report');
    await ben.click('dialog[open] [type=submit]');
    await ben.waitForSelector('.sheet-top .state.released');
    expect(await ben.textContent('.history')).toContain('approved');
    // What ben decided reaches ana's open page by itself.
    await ana.waitForSelector('.sheet-top .state.released');
    await ana.context().close();
    await ben.context().close();
  }, 60_000);

  it('refuses a step on a stale version with what changed, and shows it', async () => {
    const [ana, ben] = [await openPage(), await openPage()];
    for (const [page, name] of [
      [ana, 'ana'],
      [ben, 'ben'],
    ] as const) {
      await signIn(page, name);
      await page.click(`[data-tx="${server.holds[1]!}"]`);
      await page.waitForSelector('#do-claim');
    }
    await ana.route('**/api/v1/status', (route) => route.abort()); // ana's page does not hear of ben's step
    await ben.click('#do-claim');
    await ben.waitForSelector('#do-propose');
    await ana.click('#do-claim');
    await ana.waitForSelector('text=by ben');
    await ana.context().close();
    await ben.context().close();
  }, 60_000);

  it('complained of nothing and asked nobody else', () => {
    const expected = /status of (412|429)|net::ERR_FAILED/;
    expect(complaints.filter((text) => !expected.test(text))).toEqual([]);
  });
});

/**
 * The page of days in a real browser, over days that the node's own code counted and ranked: the list and what it says of
 * itself, a day with its calls, "nothing", a review of a call, and what colleagues did meanwhile; axe in both themes, wide and
 * at 320 px.
 */
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
import { PASSWORD, startSeededServer, type SeededServer } from './seeded-server.js';

/** Long enough for a machine that does other things. */
const SOON = { timeout: 20_000 };
const REASON = 'Quarterly report of billing, confirmed by the head of the ward.';

describe.skipIf(!hasBrowser('console-days.e2e'))('the page of days', () => {
  let browser: ConsoleBrowser;
  let server: SeededServer;
  let consoleDir: string;

  beforeAll(async () => {
    consoleDir = await buildConsole();
    server = await startSeededServer({ consoleDir, history: true });
    browser = await launchBrowser();
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  const openAs = async (
    name: string,
    o: { width?: number; scheme?: 'light' | 'dark'; port?: number } = {},
  ): Promise<Page> => {
    const page = await browser.open({ port: server.port, ...o });
    await signIn(page, name);
    return page;
  };
  const openDay = async (page: Page, id: number): Promise<void> => {
    await page.evaluate(`location.hash = '#/days/${id}'`);
    await page.waitForSelector('h3:text-is("Why it is listed")');
  };
  const card = (id: number): string => `.days li:has(a[href="#/days/${id}"])`;
  const lookedAt = (page: Page): Promise<void> => page.click('.chip:text-is("Looked at")');

  it('says what it is made of, and lists what nobody has looked at, by keyboard', async () => {
    const page = await openAs('ana');
    await page.keyboard.press('g');
    await page.keyboard.press('d');
    await page.waitForSelector('.days .part');
    expect(await page.textContent('main')).toMatch(
      /Budget: about 3 a day, which is the strangest 5\.0 %\. Of .+, seen up to .+, \d+ of 60 accounts are listed/,
    );
    await page.click('summary');
    expect(await page.locator('main details li').allTextContents()).toContainEqual(
      expect.stringContaining('acquaintances and flagged records'),
    );
    const { exports, offLedger, explained, outOfBudget } = server.days!;
    expect(await page.textContent(card(exports))).toMatch(/480 records beyond one a call/);
    expect(await page.textContent(card(offLedger))).toMatch(
      /so far.*no account on the ledger.*Broke the glass 5 times/s,
    );
    for (const id of [explained, outOfBudget]) expect(await page.locator(card(id)).count()).toBe(0);
    await lookedAt(page);
    await page.waitForSelector(card(explained));
    expect(await page.textContent(card(explained))).toContain('ben: nothing');
    expect(await page.textContent(card(explained))).not.toContain('within the budget');
    expect(await page.textContent(card(outOfBudget))).toContain('no longer within the budget');
    expect(await page.locator(card(exports)).count()).toBe(0);
    await page.keyboard.press('?');
    expect(await page.textContent('dialog[open]')).toContain('days');
    await page.context().close();
  }, 60_000);

  it('shows a day: its figures, its calls, and its hold with the account’s timeline', async () => {
    const page = await openAs('ana');
    await openDay(page, server.days!.exports);
    await expect.poll(() => page.title(), SOON).toMatch(/^P-.+, 20.+ · Review H1$/);
    await page.click('summary:has-text("figures")');
    expect(await page.locator('th[scope=row]').allTextContents()).toContain(
      'Exports, prints, disclosures',
    );
    await page.click('summary:has-text("calls as a table")');
    const rows = await page.locator('table tr:has(td:nth-child(4))').allTextContents();
    expect(rows.length).toBeGreaterThan(2);
    expect(rows.filter((row) => row.endsWith('ran')).length).toBeGreaterThan(1);
    const held = page.locator('td a');
    expect(await held.allTextContents()).toEqual(['H-1, released: benign, expected']);
    await held.click();
    await page.waitForSelector('.sheet-top .state.released');
    await page.click('.jump >> text=Timeline');
    await page.click('[data-part=Timeline] >> text=7 days');
    await page.click('[data-part=Timeline] summary');
    await page.waitForSelector('[data-part=Timeline] td a >> text=H-1, released');
    await page.context().close();
  }, 60_000);

  it('has no review to offer of an account without calls on the ledger', async () => {
    const page = await openAs('ana');
    await openDay(page, server.days!.offLedger);
    expect(await page.textContent('main')).toContain(
      'None. What was done stands in the hospital’s own log',
    );
    expect(await page.isDisabled('#day-review')).toBe(true);
    expect(await page.isDisabled('#day-nothing')).toBe(false);
    await page.context().close();
  }, 60_000);

  it('takes "nothing" with a reason, and tells who has the page open', async () => {
    const [ana, ben, sam] = [await openAs('ana'), await openAs('ben'), await openAs('sam')];
    const id = server.days!.exports;
    await ben.click('[data-page=days]');
    await ben.waitForSelector(card(id));
    await openDay(sam, id);
    await openDay(ana, id);
    await ana.focus('#day-nothing');
    await ana.keyboard.press('Enter');
    await ana.click('dialog[open] [type=submit]');
    await ana.waitForSelector('dialog[open] textarea:focus[aria-invalid=true]');
    await ana.fill('dialog[open] textarea', REASON);
    expect(await violations(ana)).toEqual([]);
    await ana.click('dialog[open] [type=submit]');
    await ana.waitForSelector('.history >> text=looked and found nothing');
    expect(await ana.textContent('.history')).toContain(REASON);
    // The page may hear of the change before it has the answer.
    await expect.poll(() => ana.inputValue('#day-nothing + dialog textarea'), SOON).toBe('');
    // Who reads the day sees it; under who reads the list nothing moves before she asks.
    await sam.waitForSelector(`.history >> text=${REASON}`);
    await ben.waitForSelector('text=The list has changed');
    expect(await ben.locator(card(id)).count()).toBe(1);
    await ben.click('text=The list has changed');
    await ben.waitForSelector(card(id), { state: 'detached' });
    expect(await ben.locator('text=The list has changed').count()).toBe(0);
    for (const page of [ana, ben, sam]) await page.context().close();
  }, 90_000);

  it('files a review of the chosen call, which then waits in the queue for two people', async () => {
    const page = await openAs('ana');
    await openDay(page, server.days!.curious);
    await page.click('#day-review');
    const options = await page.locator('dialog[open] option').allTextContents();
    expect(options.length).toBeGreaterThan(1);
    const chosen = options.find((text) => text.includes('opens a record'))!;
    await page.selectOption('dialog[open] select', { label: chosen });
    await page.fill('dialog[open] textarea', 'Twelve patients of another ward, none of them hers.');
    expect(await page.textContent('dialog[open] .effect')).toContain('is not undone');
    expect(await violations(page)).toEqual([]);
    await page.click('dialog[open] [type=submit]');
    await page.waitForSelector('.history >> text=opened a review of a call');
    expect(await page.locator('#day-review + dialog option').allTextContents()).not.toContain(
      chosen,
    );
    await page.click('summary:has-text("calls as a table")');
    expect(await page.locator('td a >> text=/, open$/').count()).toBe(1);
    expect(await violations(page)).toEqual([]);
    await page.click('.history a');
    await page.waitForSelector('.sheet-top .tag.ran');
    expect(await page.textContent('.decide')).toContain('ran, and was reported afterwards');
    await page.click('#do-claim');
    await page.waitForSelector('.sheet-top .state.claimed');
    expect(await violations(page)).toEqual([]);
    await page.click('[data-page=days]');
    await lookedAt(page);
    await page.waitForSelector(`${card(server.days!.curious)} >> text=ana: opened a review`);
    await page.context().close();
  }, 90_000);

  it('keeps what was typed over the end of a session', async () => {
    const page = await openAs('ben');
    await openDay(page, server.days!.offLedger);
    await page.click('#day-nothing');
    await page.fill('dialog[open] textarea', REASON);
    await page.context().clearCookies();
    await page.click('dialog[open] [type=submit]');
    await page.waitForSelector('.sign-in');
    await page.fill('[name=name]', 'ben');
    await page.fill('[name=password]', PASSWORD);
    await page.keyboard.press('Enter');
    await page.click('#day-nothing');
    expect(await page.inputValue('dialog[open] textarea')).toBe(REASON);
    await page.context().close();
  }, 60_000);

  it.each([
    ['light', 1440],
    ['dark', 1440],
    ['light', 640],
    ['dark', 320],
  ] as const)(
    'is accessible and fits: %s, %i px',
    async (scheme, width) => {
      const page = await openAs('sam', { scheme, width });
      const look = async (name: string): Promise<void> => {
        expect(await violations(page), name).toEqual([]);
        expect(await overflowOf(page), name).toBeLessThanOrEqual(0);
      };
      await page.evaluate("location.hash = '#/days'");
      await page.waitForSelector('.days .part');
      await page.click('summary');
      await look('list');
      await lookedAt(page);
      await page.waitForSelector(card(server.days!.outOfBudget));
      await look('looked at');
      await openDay(page, server.days!.exports);
      for (const summary of await page.locator('summary').all()) await summary.click();
      await look('a day with calls');
      await page.click('#day-review');
      await look('the form of a review');
      await page.context().close();
    },
    60_000,
  );

  it('shows a long list in parts, after a look at the log that everybody hears of', async () => {
    const page = await openAs('ana');
    await page.click('[data-page=days]');
    await page.waitForSelector('.days .part');
    await server.days!.rankAgain(60);
    await server.secondLine.changed();
    await page.click('text=The list has changed');
    const cards = page.locator('.days > li');
    await expect.poll(() => cards.count(), SOON).toBe(50);
    await page.click('text=Show more');
    await expect.poll(() => cards.count(), SOON).toBeGreaterThan(50);
    const links = await page
      .locator('.days h3 a')
      .evaluateAll((all) => all.map((a) => (a as unknown as { href: string }).href));
    expect(new Set(links).size).toBe(links.length);
    await page.context().close();
  }, 60_000);

  it('says so where nothing was ranked yet', async () => {
    await using young = await startSeededServer({ consoleDir });
    const page = await openAs('ana', { port: young.port });
    await page.click('[data-page=days]');
    await page.waitForSelector('text=No day has been ranked yet');
    await page.waitForSelector('text=No day waits to be looked at.');
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  }, 60_000);

  it('complained of nothing and asked nobody else', () => {
    // 404: a report holds no sequence of calls to compare with peers.
    expect(browser.complaints.filter((text) => !/status of (401|404)/.test(text))).toEqual([]);
  });
});

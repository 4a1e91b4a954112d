/**
 * The desk in a real browser: taking holds, suppressions by two people, cases, saved views, the supervisor's page, charts;
 * axe on every page in both themes and at 320 px; hostile text in every field that a person fills in.
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
import { startSeededServer, type SeededServer } from './seeded-server.js';

const HOSTILE = `"><img src=x onerror="globalThis.pwned=1"><script>globalThis.pwned=1</script>'`;

describe.skipIf(!hasBrowser('console-desk.e2e'))('the desk', () => {
  let browser: ConsoleBrowser;
  let server: SeededServer;

  beforeAll(async () => {
    const consoleDir = await buildConsole();
    server = await startSeededServer({ consoleDir, history: true, ownCallOf: 'ana' });
    browser = await launchBrowser();
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  const openAs = async (
    name: string,
    o: { width?: number; scheme?: 'light' | 'dark'; claimsOnOpen?: boolean } = {},
  ): Promise<Page> => {
    const page = await browser.open({ port: server.port, ...o });
    await signIn(page, name);
    return page;
  };
  const openHold = async (page: Page, index: number): Promise<void> => {
    const txId = server.holds[index]!;
    await page.evaluate(`location.hash = '#/hold/${txId}'`);
    // Its own sheet, not that of the hold before.
    await page.waitForSelector(`.proof code:text-is("${txId}")`);
  };
  const confirm = (page: Page): Promise<void> => page.click('dialog[open] [type=submit]');
  const reason = (page: Page, text: string): Promise<void> =>
    page.fill('dialog[open] textarea', text);

  it('takes a hold that is opened, after a moment that can be cut short, and undoes it', async () => {
    const page = await openAs('ben', { claimsOnOpen: true });
    await openHold(page, 1);
    await page.click('#not-now');
    await page.waitForSelector('.moment', { state: 'detached' });
    await openHold(page, 4);
    await page.waitForSelector('.moment');
    await page.waitForSelector('.sheet-top .state.claimed');
    await page.click('#undo');
    await page.waitForSelector('.sheet-top .state.open');
    expect(await page.locator('.moment').count()).toBe(0); // given back on purpose
    await openHold(page, 1);
    expect(await page.locator('.moment').count()).toBe(0);
    await page.context().close();
  }, 60_000);

  it('gives the most urgent hold to whoever asks, two people two of them', async () => {
    const [ben, oda] = [await openAs('ben'), await openAs('oda')];
    await Promise.all([ben.click('#take-next'), oda.click('#take-next')]);
    await ben.waitForSelector('.sheet-top .state.claimed');
    await oda.waitForSelector('.sheet-top .state.claimed');
    expect(new URL(ben.url()).hash).not.toBe(new URL(oda.url()).hash);
    for (const page of [ben, oda]) {
      await page.click('text=Give back');
      await page.waitForSelector('.sheet-top .state.open');
      await page.context().close();
    }
  }, 60_000);

  it('lets alike holds wait once a second person agrees, says so on the hold, and ends it', async () => {
    const sam = await openAs('sam');
    await openHold(sam, 1);
    await sam.click('#do-suppress');
    await sam.waitForSelector('dialog[open] .effect >> text=A second person must approve it');
    await confirm(sam);
    await sam.waitForSelector('dialog[open] textarea:focus[aria-invalid=true]');
    await reason(sam, `Transfers of the week ${HOSTILE}`);
    expect(await violations(sam)).toEqual([]);
    await confirm(sam);
    await sam.waitForSelector('.toast >> text=Proposed');
    await sam.click('[data-page=suppressions]');
    await sam.waitForSelector('.cards >> text=needs a second person');
    expect(await sam.locator('button:text-is("Approve…")').count()).toBe(0);

    const oda = await openAs('oda');
    await oda.click('[data-page=suppressions]');
    await oda.click('button:text-is("Approve…")');
    await confirm(oda);
    await oda.waitForSelector('dialog[open] textarea:focus[aria-invalid=true]');
    await reason(oda, `Transfers, as the ward says ${HOSTILE}`);
    expect(await violations(oda)).toEqual([]);
    await confirm(oda);
    await oda.waitForSelector('.cards >> text=in force');
    await oda.waitForSelector('.cards >> text=Approved by oda: Transfers, as the ward says');
    expect(await violations(oda)).toEqual([]);
    await oda.click('[data-page=queue]');
    await oda.click('nav.views >> text=Deferred');
    await oda.waitForSelector(`[data-tx="${server.holds[1]!}"]`);
    await oda.click(`[data-tx="${server.holds[1]!}"]`);
    await oda.waitForSelector('.note >> text=Waits at the back of the queue');
    await oda.waitForSelector('#do-claim'); // and can be reviewed as ever
    await oda.click('nav.views >> text=To decide');
    await oda.waitForSelector(`[data-tx="${server.holds[2]!}"]`);
    expect(await oda.locator(`[data-tx="${server.holds[1]!}"]`).count()).toBe(0);
    await oda.click('[data-page=suppressions]');
    await oda.click('text=End now…');
    await reason(oda, 'The week is over.');
    await confirm(oda);
    await oda.waitForSelector('.cards >> text=Ended by oda');
    await sam.context().close();
    await oda.context().close();
  }, 90_000);

  it('keeps a case: opened from a hold, assigned, noted, closed; a stale change says what happened', async () => {
    const [ben, oda] = [await openAs('ben'), await openAs('oda')];
    await openHold(ben, 2);
    await ben.click('#do-case');
    await ben.check('dialog[open] label:has-text("same patient record") input');
    await reason(ben, `Same record in one night ${HOSTILE}`);
    expect(await violations(ben)).toEqual([]);
    await confirm(ben);
    await ben.click('.around a.button');
    await ben.waitForSelector('#case-note');
    await oda.click('[data-page=cases]');
    await oda.click('.cards h3 a');
    await oda.waitForSelector('#case-note');
    await ben.selectOption('.case-change select', 'oda');
    await ben.waitForSelector('.history >> text=to oda');
    expect(await violations(ben)).toEqual([]);
    await oda.click('#case-note');
    await reason(oda, HOSTILE);
    await confirm(oda);
    await oda.waitForSelector('.toast >> text=ben: to oda');
    await confirm(oda); // the page has read the case again
    await oda.waitForSelector('.history >> text=wrote');
    await oda.click('#case-status');
    await oda.selectOption('dialog[open] select', 'closed');
    await reason(oda, 'Nothing connects them after all.');
    await confirm(oda);
    await oda.waitForSelector('.eyebrow >> text=Closed');
    expect(await oda.evaluate('globalThis.pwned')).toBeUndefined();
    expect(await oda.locator('img, iframe').count()).toBe(0);
    await ben.context().close();
    await oda.context().close();
  }, 90_000);

  it('carries the undecided holds of a case into the queue, ticked', async () => {
    const page = await openAs('ana');
    await page.evaluate("location.hash = '#/cases/1'");
    await page.click('text=/Select these \\d+ in the queue/');
    await page.waitForSelector('.bulk');
    expect(await page.textContent('.bulk')).toMatch(/[45] selected/);
    await page.context().close();
  }, 60_000);

  it('saves a view for the team under a name', async () => {
    const ana = await openAs('ana');
    await ana.fill('#search', 'nurse');
    await ana.keyboard.press('Enter');
    await ana.waitForSelector('.counted >> text=1 hold match');
    await ana.click('#save-view');
    await ana.fill('dialog[open] input', `Nurses ${HOSTILE.slice(0, 30)}`);
    await confirm(ana);
    await ana.waitForSelector('.saved >> text=★ Nurses');
    expect(await violations(ana)).toEqual([]);
    await ana.context().close();
    const other = await openAs('oda');
    await other.click('.saved >> text=★ Nurses');
    await other.waitForSelector('.counted >> text=1 hold match');
    expect(await other.inputValue('#search')).toBe('nurse');
    expect(await other.locator('text=Delete “').count()).toBe(0);
    await other.context().close();
  }, 60_000);

  it('shows timeline and peers with their tables, and raw errors on demand', async () => {
    const page = await openAs('ben');
    await openHold(page, 1);
    await page.click('.jump >> text=Timeline');
    await page.waitForSelector('[data-part=Timeline] svg.chart');
    await page.click('text=7 days');
    await page.waitForSelector('[data-part=Timeline] summary >> text=/The [12]\\d calls/');
    await page.click('[data-part=Timeline] summary');
    expect(await page.locator('[data-part=Timeline] tbody tr').count()).toBeGreaterThan(10);
    await page.click('.jump >> text=Peers');
    await page.waitForSelector('[data-part=Peers] .strip-plot');
    expect(await page.textContent('[data-part=Peers]')).toContain('4 other nurses of ward-4B');
    await page.click('[data-part=Peers] summary');
    const compared = await page.textContent('.inspect');
    expect(compared).toMatch(/× the usual one/);
    await page.click('text=Show numbers');
    const before = await page.textContent('table.numbers tbody');
    await page.click('#raw-errors');
    await page.waitForSelector('text=in the detector’s own units');
    expect(await page.textContent('table.numbers tbody')).not.toBe(before);
    expect(await page.textContent('[data-part="Seen before"]')).toContain(
      'same role and operation',
    );
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  }, 60_000);

  it('looks back on other alert budgets, and writes a proposal down', async () => {
    const page = await openAs('sam');
    await page.click('[data-page=supervisor]');
    await page.waitForSelector('table.budget .leads >> text=in force');
    await page.fill('.try input', '0.1');
    await page.click('text=Look back');
    await page.waitForSelector('table.budget >> text=▲ 2: H-3, H-5');
    await page.click('#propose-alpha');
    expect(await page.textContent('dialog[open] .effect')).toContain('Nothing changes by this');
    await reason(page, `Too many for two people ${HOSTILE}`);
    expect(await violations(page)).toEqual([]);
    await confirm(page);
    await page.waitForSelector('text=α = 0.1 per 1,000');
    expect(await page.evaluate('globalThis.pwned')).toBeUndefined();
    await page.context().close();
  }, 60_000);

  it('lets the actor of a call appeal against its decision, and nobody else', async () => {
    const [ana, ben, oda] = [await openAs('ana'), await openAs('ben'), await openAs('oda')];
    await openHold(ana, 0);
    await ana.waitForSelector('text=This is a call of your own');
    await openHold(ben, 0);
    await ben.click('#do-claim');
    await ben.click('#do-propose');
    await ben.check('dialog[open] label:has-text("Reject") input');
    await ben.selectOption('dialog[open] select', 'policy-breach');
    await ben.click('dialog[open] .usual .chip');
    await reason(ben, `No relation to the patient; confronted by me ${HOSTILE}`);
    await confirm(ben);
    await ben.waitForSelector('text=nobody decides alone');
    await openHold(oda, 0);
    await oda.click('#do-approve');
    await oda.fill('dialog[open] textarea', 'Checked the roster myself.');
    await confirm(oda);
    await oda.waitForSelector('.sheet-top .state.rejected');
    expect(await oda.locator('#do-appeal').count()).toBe(0);
    expect(await oda.textContent('.history')).toContain('Checked the roster myself.');
    await ana.click('#do-appeal');
    await reason(ana, 'I stood in for the nurse on call.');
    await confirm(ana);
    await ana.waitForSelector('.sheet-top .state.escalated');
    expect(await ana.textContent('.history')).toContain('I stood in for the nurse on call.');
    expect(await ana.evaluate('globalThis.pwned')).toBeUndefined();
    for (const page of [ana, ben, oda]) await page.context().close();
  }, 90_000);

  it('reviews an emergency access as what it is: it ran already', async () => {
    const page = await openAs('ben');
    await page.click('nav.views >> text=Break-glass review');
    await page.click(`[data-tx="${server.holds[4]!}"]`);
    await page.waitForSelector('.tag.ran');
    expect(await page.textContent('.decide')).toContain('ran at once, in an emergency');
    await page.click('#do-claim');
    await page.click('#do-propose');
    expect(await page.textContent('dialog[open] .effect')).toContain('It ran already');
    await page.context().close();
  }, 60_000);

  it('is walked by keyboard alone', async () => {
    const page = await openAs('sam');
    await page.keyboard.press('g');
    await page.keyboard.press('v');
    await page.waitForSelector('table.budget');
    await page.keyboard.press('g');
    await page.keyboard.press('c');
    await page.waitForSelector('h2:text-is("Cases")');
    await page.keyboard.press('g');
    await page.keyboard.press('q');
    await page.waitForSelector('#rows .row');
    await page.keyboard.press('n');
    expect(await page.evaluate('document.activeElement.id')).toBe('take-next');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.sheet-top');
    await page.keyboard.press('e');
    const part = 'document.activeElement.getAttribute("data-part")';
    expect(await page.evaluate(part)).toBe('Why it is unusual');
    await page.keyboard.press('e');
    expect(await page.evaluate(part)).toBe('Why it may be fine');
    await page.focus('#do-suppress');
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog[open]');
    await page.keyboard.press('Escape');
    expect(await page.evaluate('document.activeElement.id')).toBe('do-suppress');
    await page.context().close();
  }, 60_000);

  it.each([
    ['light', 1440],
    ['dark', 1440],
    ['light', 320],
    ['dark', 320],
  ] as const)(
    'is accessible and fits on every page: %s, %i px',
    async (scheme, width) => {
      const page = await openAs('sam', { scheme, width });
      for (const [hash, ready] of [
        ['#/cases', 'h2'],
        ['#/cases/1', '.history'],
        ['#/suppressions', '.cards'],
        ['#/supervisor', 'table.budget'],
        [`#/hold/${server.holds[1]!}`, '.heat-grid'],
      ] as const) {
        await page.evaluate(`location.hash = '${hash}'`);
        await page.waitForSelector(ready);
        expect(await violations(page), hash).toEqual([]);
        expect(await overflowOf(page), hash).toBeLessThanOrEqual(0);
      }
      await page.context().close();
    },
    90_000,
  );

  it('complained of nothing and asked nobody else', () => {
    const expected = /status of (401|403|409|412|429)/;
    expect(browser.complaints.filter((text) => !expected.test(text))).toEqual([]);
  });
});

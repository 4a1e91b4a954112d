/**
 * What can happen to somebody in the middle of a decision, in a real browser: the session ends, the proof of who she is grows
 * old, she has no mouse. What she typed is kept, and nobody else sees it.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  buildConsole,
  hasBrowser,
  launchBrowser,
  signIn,
  violations,
  type ConsoleBrowser,
} from './console-browser.js';
import { PASSWORD, startSeededServer, type SeededServer } from './seeded-server.js';

const REASON = 'Month-end invoices, confirmed by phone with billing.';

describe.skipIf(!hasBrowser('decide-under-way.e2e'))('a decision under way', () => {
  let browser: ConsoleBrowser;
  let server: SeededServer;
  /** Added to the server's clock. */
  let laterMs = 0;

  beforeAll(async () => {
    const consoleDir = await buildConsole();
    server = await startSeededServer({ consoleDir, now: () => Date.now() + laterMs });
    browser = await launchBrowser();
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  const openAs = async (name: string): Promise<Page> => {
    const page = await browser.open({ port: server.port });
    await signIn(page, name);
    return page;
  };
  const openHold = async (page: Page, index: number): Promise<void> => {
    const txId = server.holds[index]!;
    await page.evaluate(`location.hash = '#/hold/${txId}'`);
    // Its own sheet, not that of the hold before.
    await page.waitForSelector(`.proof code:text-is("${txId}")`);
  };
  const endSession = async (page: Page): Promise<void> => {
    const cookie = (await page.context().cookies())
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
    const address = `http://127.0.0.1:${server.port}/api/v1/session`;
    const { csrf } = (await (await fetch(address, { headers: { cookie } })).json()) as {
      csrf: string;
    };
    await fetch(address, { method: 'DELETE', headers: { cookie, 'x-csrf-token': csrf } });
  };

  it('outlives the end of the session: the reason is there again, for her and for nobody else', async () => {
    const page = await openAs('ana');
    await openHold(page, 1);
    await page.click('#do-claim');
    await page.click('#do-propose');
    await page.check('dialog[open] label:has-text("Reject") input');
    await page.selectOption('dialog[open] select', 'policy-breach');
    await page.fill('dialog[open] textarea', REASON);
    await endSession(page);
    await page.waitForSelector('.sign-in >> text=what you typed is kept');
    expect(await page.textContent('body')).not.toContain(REASON);

    await page.fill('[name=name]', 'ana');
    await page.fill('[name=password]', PASSWORD);
    await page.keyboard.press('Enter');
    await page.click('#do-propose >> text=begun');
    expect(await page.inputValue('dialog[open] textarea')).toBe(REASON);
    expect(await page.inputValue('dialog[open] select')).toBe('policy-breach');
    expect(await page.isChecked('dialog[open] label:has-text("Reject") input')).toBe(true);

    await endSession(page);
    await page.waitForSelector('.sign-in');
    await signIn(page, 'ben');
    expect(await page.evaluate("sessionStorage.getItem('bhs-drafts')")).not.toContain('invoices');
    await page.context().close();
  }, 90_000);

  it('asks for the password inside the form once the sign-in is old, refuses a wrong one, and goes on', async () => {
    const page = await openAs('oda');
    await openHold(page, 3); // proposed by ben
    await page.click('#do-approve');
    await page.fill('dialog[open] textarea', 'Called the ward myself.');
    expect(await page.locator('[name=proof]').count()).toBe(0);
    laterMs += 6 * 60_000;
    await page.click('dialog[open] [type=submit]'); // the server's clock says that it is too old
    await page.waitForSelector('dialog[open] [name=proof]');
    expect(await violations(page)).toEqual([]);
    await page.fill('[name=proof]', 'not hers at all');
    await page.click('dialog[open] [type=submit]');
    await page.waitForSelector('dialog[open] .problem >> text=wrong');
    expect(await page.inputValue('dialog[open] textarea')).toBe('Called the ward myself.');
    await page.fill('[name=proof]', PASSWORD);
    await page.click('dialog[open] [type=submit]');
    await page.waitForSelector('.sheet-top .state.released');
    expect(await page.textContent('.history')).toContain('Called the ward myself.');
    await page.context().close();
  }, 90_000);

  it('goes from sign-in to approval by keyboard alone, for both people', async () => {
    const type = async (page: Page, name: string): Promise<void> => {
      await page.waitForSelector('[name=name]:focus'); // by itself, with the next frame
      await page.keyboard.type(name);
      await page.keyboard.press('Tab');
      await page.keyboard.type(PASSWORD);
      await page.keyboard.press('Enter');
      await page.waitForSelector('#rows .row');
    };
    const toHold = async (page: Page, index: number): Promise<void> => {
      const wanted = server.holds[index]!;
      for (let i = 0; i < 10; i++) {
        await page.keyboard.press('j');
        const here = await page.evaluate("document.activeElement.getAttribute('data-tx')");
        if (here === wanted) break;
      }
      await page.keyboard.press('Enter');
      await page.waitForSelector(`.row.selected[data-tx="${wanted}"]`);
      await page.waitForSelector('.sheet-top');
    };
    /** On with Tab to what the focus shall be on. */
    const tabTo = async (page: Page, selector: string): Promise<void> => {
      for (let i = 0; i < 12; i++) {
        if (
          (await page.evaluate(`document.activeElement.matches(${JSON.stringify(selector)})`)) ===
          true
        )
          return;
        await page.keyboard.press('Tab');
      }
      throw new Error(`no way by Tab to ${selector}`);
    };
    const ben = await browser.open({ port: server.port });
    await type(ben, 'ben');
    await toHold(ben, 0);
    await ben.waitForSelector('#do-claim');
    await ben.keyboard.press('a');
    await ben.keyboard.press('Enter');
    await ben.waitForSelector('#do-propose');
    await ben.keyboard.press('p');
    await ben.waitForSelector('dialog[open]');
    await tabTo(ben, '[name=action]');
    await ben.keyboard.press('ArrowDown'); // release → reject
    await tabTo(ben, 'select');
    await ben.keyboard.type('Benign');
    await tabTo(ben, 'textarea');
    await ben.keyboard.type(REASON);
    await tabTo(ben, '[type=submit]');
    await ben.keyboard.press('Enter');
    await ben.waitForSelector('.decide, .note >> text=nobody decides alone');
    await ben.waitForSelector('.sheet-top .state.proposed');

    const oda = await browser.open({ port: server.port });
    await type(oda, 'oda');
    await toHold(oda, 0);
    await oda.waitForSelector('#do-approve');
    await oda.keyboard.press('p');
    await oda.waitForSelector('dialog[open]');
    expect(await oda.textContent('dialog[open] blockquote')).toBe(REASON);
    await tabTo(oda, '[type=submit]');
    await oda.keyboard.press('Enter');
    await oda.waitForSelector('dialog[open] textarea:focus[aria-invalid=true]');
    await oda.keyboard.type('I asked the ward myself.');
    await tabTo(oda, '[type=submit]');
    await oda.keyboard.press('Enter');
    await oda.waitForSelector('.sheet-top .state.rejected');
    await ben.waitForSelector('.sheet-top .state.rejected');
    for (const page of [ben, oda]) await page.context().close();
  }, 120_000);

  it('is one of several sessions, which are seen and ended', async () => {
    const [here, there] = [await openAs('ana'), await openAs('ana')];
    await here.click('#my-sessions');
    await here.waitForSelector('.sessions >> text=Elsewhere');
    expect(await violations(here)).toEqual([]);
    await here.click('.sessions button >> nth=0');
    await there.waitForSelector('.sign-in');
    await here.context().close();
    await there.context().close();
  }, 60_000);
});

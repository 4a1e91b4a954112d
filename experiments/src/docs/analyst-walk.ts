/**
 * The analyst's tutorial in a real browser: from the command to the first decision of two people; then the privacy officer saves
 * the evidence, and the verifier reads it without a network.
 * @module
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { TakePicture } from './pictures.js';
import type { RunningDemo, Watch } from './walk.js';

const STEP_MS = 60_000;
const ADDRESS =
  'analyst page (http:\\S+)\\s+sign in: ana \\/ (\\S+)\\s+second person: ben \\/ (\\S+)';

type Who = 'ana' | 'ben' | 'pat';

interface Address {
  readonly url: string;
  readonly passwords: Readonly<Record<Who, string>>;
}

/** What the demo prints about the first hospital that holds something. */
async function hospitalWithHold(demo: RunningDemo): Promise<Address> {
  const [, hospital = ''] = await demo.said(/first quarantine, at (\w+):/);
  const [, url = '', ana = '', ben = ''] = await demo.said(new RegExp(`${hospital} ${ADDRESS}`));
  const [, pat = ''] = await demo.said(
    new RegExp(`${hospital} also: .*privacy-officer pat \\/ (\\S+)`),
  );
  return { url, passwords: { ana, ben, pat } };
}

async function signedIn(browser: Browser, { url, passwords }: Address, name: Who): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    colorScheme: 'light',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(STEP_MS);
  await page.goto(url);
  await page.fill('[name=name]', name);
  await page.fill('[name=password]', passwords[name]);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#rows .row');
  return page;
}

export async function walkAsAnalyst(o: {
  /** Of a clone in which everything is built. */
  readonly root: string;
  readonly browser: Browser;
  readonly demo: RunningDemo;
  readonly watch: Watch;
  readonly picture: TakePicture;
}): Promise<void> {
  const { root, browser, demo, watch, picture } = o;
  const address = await hospitalWithHold(demo);
  watch.step('first call held, address and passwords printed');
  const ana = await signedIn(browser, address, 'ana');
  watch.step('Ana signed in, queue on the screen');
  await picture(ana, 'queue');
  const row = ana.locator('#rows .row').first();
  const txId = (await row.getAttribute('data-tx')) ?? '';
  await row.click();
  await ana.waitForSelector('.heat-grid');
  watch.step('hold opened: reasons and heat map');
  await picture(ana, 'hold');
  await ana.locator('.heat-grid').scrollIntoViewIfNeeded();
  await picture(ana, 'heat-map');
  await ana.click('#do-verify');
  await ana.waitForSelector('[data-check=score]');
  watch.step(`proof: ${(await ana.locator('.checks b').allTextContents()).join(' ')}`);
  await ana.locator('.checks').first().scrollIntoViewIfNeeded();
  await picture(ana, 'proof');
  // Opened and looked at, the hold becomes hers by itself.
  await ana.waitForSelector('#do-propose');
  await ana.click('#do-propose');
  await ana.waitForSelector('dialog[open] select');
  await ana.selectOption('dialog[open] select', 'benign-expected');
  await ana.fill('dialog[open] textarea', 'Called the ward: the access was part of a handover.');
  await picture(ana, 'propose');
  await ana.click('dialog[open] [type=submit]');
  await ana.waitForSelector('text=nobody decides alone');
  watch.step('claimed and proposed');
  const ben = await signedIn(browser, address, 'ben');
  await ben.click('nav.views >> text=Need 2nd person');
  await ben.click(`[data-tx="${txId}"]`);
  await ben.click('#do-approve');
  await ben.waitForSelector('dialog[open] blockquote');
  await ben.fill('dialog[open] textarea', 'Asked the ward again, same answer.');
  await picture(ben, 'approve');
  await ben.click('dialog[open] [type=submit]');
  await ben.waitForSelector('.sheet-top .state.released');
  watch.step('approved by Ben: **first decision**');
  await picture(ben, 'released');
  const pat = await signedIn(browser, address, 'pat');
  await pat.goto(`${address.url}#/hold/${txId}`);
  const saved = pat.waitForEvent('download');
  await pat.click('text=Evidence (signed)');
  const file = join(demo.stateDir, (await saved).suggestedFilename());
  await (await saved).saveAs(file);
  const verifier = join(root, 'hospital-node', 'bin', 'bhs-node.js');
  const said = execFileSync(process.execPath, [verifier, 'evidence', 'verify', file], {
    encoding: 'utf8',
  });
  watch.step(
    `evidence saved by Pat and verified: ${said.match(/^(?:PASS|FAIL|SKIP)/gm)?.join(' ') ?? ''}`,
  );
}

/**
 * `npm run docs:screenshots`: walks the analyst's tutorial in a real browser against a demo that it starts itself, from the
 * command to the first decision of two people; prints how long each step took and takes the pictures of the tutorial, light
 * and dark. `-- --no-pictures` only walks and times.
 * @module
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import { ROOT } from './repository.js';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) =>
  existsSync(path),
);
const UP_MS = 300_000;
const STEP_MS = 60_000;
const pictures = !process.argv.includes('--no-pictures');

interface Address {
  readonly url: string;
  readonly passwords: Readonly<Record<'ana' | 'ben', string>>;
}

const ADDRESS = /analyst page (http:\/\/\S+)\s+sign in: ana \/ (\S+)\s+second person: ben \/ (\S+)/;

/** What the demo prints about the first hospital that holds something. */
async function demoWithHold(child: ChildProcess): Promise<Address> {
  let out = '';
  const heard = new Promise<Address>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`demo: no hold after ${UP_MS} ms\n${out}`));
    }, UP_MS);
    child.once('exit', (status) => {
      reject(new Error(`demo: ended with ${String(status)}\n${out}`));
    });
    child.stdout!.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      const hospital = /first quarantine, at (\w+):/.exec(out)?.[1];
      const line = out.split('\n').find((each) => each.includes(`${hospital ?? '?'} analyst page`));
      const [, url, ana, ben] = ADDRESS.exec(line ?? '') ?? [];
      if (url === undefined || ana === undefined || ben === undefined) return;
      clearTimeout(timer);
      resolve({ url, passwords: { ana, ben } });
    });
  });
  return heard;
}

async function signedIn(
  browser: Browser,
  { url, passwords }: Address,
  name: 'ana' | 'ben',
  colorScheme: 'light' | 'dark' = 'light',
): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    colorScheme,
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

async function picture(page: Page, name: string): Promise<void> {
  if (!pictures) return;
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.screenshot({ path: join(ROOT, 'docs', 'pictures', `${name}-${scheme}.png`) });
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

async function walk(browser: Browser, child: ChildProcess): Promise<void> {
  const begun = Date.now();
  const step = (what: string): void =>
    console.log(`${((Date.now() - begun) / 1000).toFixed(1).padStart(6)} s  ${what}`);
  const address = await demoWithHold(child);
  step('demo up, first call held');
  const ana = await signedIn(browser, address, 'ana');
  step('ana signed in, queue on the screen');
  await picture(ana, 'queue');
  const row = ana.locator('#rows .row').first();
  const txId = (await row.getAttribute('data-tx')) ?? '';
  await row.click();
  await ana.waitForSelector('.heat-grid');
  step('hold opened: reasons and heat map');
  await picture(ana, 'hold');
  await ana.click('#do-verify');
  await ana.waitForSelector('[data-check=score]');
  step(`proof: ${(await ana.locator('.checks b').allTextContents()).join(' ')}`);
  await ana.locator('.checks').first().scrollIntoViewIfNeeded();
  await picture(ana, 'proof');
  // The page claims an open hold by itself after a moment; then there is nothing left to click.
  void ana.click('#do-claim').catch(() => undefined);
  await ana.waitForSelector('#do-propose');
  await ana.click('#do-propose');
  await ana.waitForSelector('dialog[open] select');
  await ana.selectOption('dialog[open] select', 'benign-expected');
  await ana.fill('dialog[open] textarea', 'Called the ward: the access was part of a handover.');
  await picture(ana, 'propose');
  await ana.click('dialog[open] [type=submit]');
  await ana.waitForSelector('text=nobody decides alone');
  step('claimed and proposed by ana');
  const ben = await signedIn(browser, address, 'ben');
  await ben.click('nav.views >> text=Need 2nd person');
  await ben.click(`[data-tx="${txId}"]`);
  await ben.click('#do-approve');
  await ben.waitForSelector('dialog[open] blockquote');
  await picture(ben, 'approve');
  await ben.click('dialog[open] [type=submit]');
  await ben.waitForSelector('.sheet-top .state.released');
  step('approved by ben: first decision');
  await picture(ben, 'released');
}

if (CHROMIUM === undefined) {
  console.error('needs Chromium (apt-get install chromium)');
  process.exit(2);
}
const state = mkdtempSync(join(tmpdir(), 'bhs-walk-'));
const main = join(ROOT, 'experiments', 'dist', 'demo', 'main.js');
const child = spawn(process.execPath, [main, '--state', join(state, 'demo')], {
  env: { ...process.env, NO_COLOR: '1' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const ended = new Promise((resolve) => child.once('exit', resolve));
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
try {
  await walk(browser, child);
} finally {
  await browser.close();
  child.kill('SIGINT');
  await ended;
  rmSync(state, { recursive: true, force: true });
}

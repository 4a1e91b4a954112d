/** The tutorial of the federation's dashboard in a real browser: read without signing in, pause, go back to an older detector. @module */
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import type { TakePicture } from './pictures.js';
import type { RunningDemo, Watch } from './walk.js';

const PAGES = ['rounds', 'nodes', 'models'] as const;
const STEP_MS = 60_000;

export async function walkTheDashboard(o: {
  readonly browser: Browser;
  readonly demo: RunningDemo;
  readonly watch: Watch;
  readonly picture: TakePicture;
}): Promise<void> {
  const { demo, watch } = o;
  const [, url = ''] = await demo.said(/dashboard (http:\S+)/);
  const [, password = ''] = await demo.said(/operator: olga \/ (\S+)/);
  // Pictures of a federation with a past: its third round is published.
  await demo.said(/version 3: active/);
  const page = await o.browser.newPage({
    viewport: { width: 1280, height: 900 },
    reducedMotion: 'reduce',
  });
  page.setDefaultTimeout(STEP_MS);
  for (const name of PAGES) {
    await page.goto(`${url}#${name}`);
    await page.waitForSelector('main tbody tr');
    await o.picture(page, `dashboard-${name}`);
  }
  await page.goto(`${url}#rounds`);
  await page.click('button:has-text("Sign in")');
  await page.fill('dialog[open] [name=name]', 'olga');
  await page.fill('dialog[open] [name=password]', password);
  await page.click('dialog[open] [type=submit]');
  await page.click('text=Pause the rounds');
  await page.waitForSelector('text=Resume the rounds');
  watch.step('the operator paused the rounds');
  await page.goto(`${url}#models`);
  /** As a hospital's administrator, with her key. */
  const press = async (label: string, hospital: string): Promise<void> => {
    const file = (what: string): string =>
      join(demo.stateDir, 'hospitals', hospital, 'administrator', `hana.${what}.pem`);
    await page.click(`button:has-text("${label}")`);
    await page.fill('dialog[open] [name=reason]', 'It holds too much ordinary work.');
    await page.setInputFiles('dialog[open] [name=certificate]', file('cert'));
    await page.setInputFiles('dialog[open] [name=key]', file('key'));
    await page.click('dialog[open] [type=submit]');
    await page.waitForSelector('dialog[open]', { state: 'detached' });
  };
  await press('Vote for 0…', 'H1');
  await press('Vote for 0…', 'H2');
  await press('Go back to 0…', 'H2');
  await page.waitForSelector('text=Version 0 is active');
  watch.step('two hospitals went back to detector 0');
  await page.goto(`${url}#rounds`);
  await page.click('text=Resume the rounds');
  await page.waitForSelector('text=Pause the rounds');
}

/** The pages that the tutorial of the federation's dashboard shows, read without signing in. @module */
import type { Browser } from 'playwright-core';
import type { TakePicture } from './pictures.js';
import type { RunningDemo } from './walk.js';

const PAGES = ['rounds', 'nodes', 'models'] as const;

export async function walkTheDashboard(o: {
  readonly browser: Browser;
  readonly demo: RunningDemo;
  readonly picture: TakePicture;
}): Promise<void> {
  const [, url = ''] = await o.demo.said(/dashboard (http:\S+)/);
  // Pictures of a federation with a past: its third round is published.
  await o.demo.said(/version 3: active/);
  const page = await o.browser.newPage({
    viewport: { width: 1280, height: 900 },
    reducedMotion: 'reduce',
  });
  for (const name of PAGES) {
    await page.goto(`${url}#${name}`);
    await page.waitForSelector('main tbody tr');
    await o.picture(page, `dashboard-${name}`);
  }
}

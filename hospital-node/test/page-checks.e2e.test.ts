/**
 * Every page of the console against what can be said of any page: reflow at 320 px and at 200 %, targets, focus, motion,
 * structure, the content policy, the console, the size of the bundle. What is timed stands in `check-pages.ts`.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  buildConsole,
  hasBrowser,
  launchBrowser,
  signIn,
  violations,
  type ConsoleBrowser,
} from './console-browser.js';
import { bundleSizes, consolePages, PAGE_BUDGET } from './console-pages.js';
import {
  focusFaults,
  motionFaults,
  policyFaults,
  reflowFaults,
  structureFaults,
  targetFaults,
} from './page-checks.js';
import { startSeededServer, type SeededServer } from './seeded-server.js';

describe.skipIf(!hasBrowser('page-checks.e2e'))('every page of the console', () => {
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

  it('stays within the budget of its bundle', () => {
    const { start, all } = bundleSizes(consoleDir);
    expect(start).toBeLessThanOrEqual(PAGE_BUDGET.startGzipBytes);
    expect(all).toBeLessThanOrEqual(PAGE_BUDGET.bundleGzipBytes);
  });

  it.each([
    ['wide, light', 1280, 'light'],
    ['200 %, dark', 640, 'dark'],
    ['320 px, light', 320, 'light'],
  ] as const)(
    'is well made: %s',
    async (_name, width, scheme) => {
      const page = await browser.open({ port: server.port, width, scheme });
      const titles = new Set<string>();
      const faults: string[] = [];
      const look = async (name: string): Promise<void> => {
        for (const [what, found] of [
          ['reflow', await reflowFaults(page)],
          ['target', await targetFaults(page, PAGE_BUDGET.targetPx)],
          ['structure', await structureFaults(page)],
          ['motion', await motionFaults(page)],
          ['axe', await violations(page)],
          ['focus', await focusFaults(page)],
          ['policy', await policyFaults(page)],
        ] as const) {
          faults.push(...found.map((fault) => `${name}, ${what}: ${fault}`));
        }
        titles.add(await page.title());
      };
      await look('sign-in');
      await signIn(page, 'oda');
      const pages = consolePages(server);
      for (const { name, hash, ready } of pages) {
        await page.evaluate(`location.hash = '${hash}'`);
        await page.waitForSelector(ready);
        await look(name);
      }
      expect(faults).toEqual([]);
      expect(titles.size).toBe(pages.length + 1);
      expect(browser.complaints).toEqual([]);
      await page.context().close();
    },
    240_000,
  );
});

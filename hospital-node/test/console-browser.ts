/**
 * A real browser on the analyst page, for the tests that drive it. Each file builds the page into a folder of its own, since
 * files run side by side; what a page complains of, and whom else it asks, is kept.
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { watch } from './page-checks.js';
import { temporaryFolder } from './review-fixture.js';
import { PASSWORD } from './seeded-server.js';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** False where there is no Chromium; said once, or thrown with REQUIRE_ALL=1. */
export function hasBrowser(file: string): boolean {
  if (CHROMIUM !== undefined) return true;
  const hint = `${file}: needs Chromium (apt-get install chromium)`;
  if (process.env['REQUIRE_ALL'] === '1') throw new Error(hint);
  console.warn(`skipped: ${hint}`);
  return false;
}

/**
 * The page as it is shipped. Under NODE_ENV=test, which the test runner sets, Vite would build another one: half as large again,
 * with Preact's debugger in it, which keeps every element that was ever shown.
 *
 * @returns the folder of the built page
 */
export async function buildConsole(): Promise<string> {
  const outDir = temporaryFolder();
  const configFile = fileURLToPath(new URL('../console/vite.config.mjs', import.meta.url));
  const before = process.env['NODE_ENV'];
  process.env['NODE_ENV'] = 'production';
  try {
    await build({ configFile, logLevel: 'silent', build: { outDir, emptyOutDir: true } });
  } finally {
    if (before === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = before;
  }
  return outDir;
}

export interface ConsoleBrowser extends AsyncDisposable {
  /** At the sign-in form. `claimsOnOpen` is the habit of the page itself; off where a test only looks. */
  open(o: {
    readonly port: number;
    readonly width?: number;
    readonly scheme?: 'light' | 'dark';
    readonly claimsOnOpen?: boolean;
  }): Promise<Page>;
  /** Errors on the console, uncaught ones, and requests to anybody but the node. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

export async function launchBrowser(): Promise<ConsoleBrowser> {
  const browser = await chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] });
  const complaints: string[] = [];
  const close = (): Promise<void> => browser.close();
  return {
    complaints,
    close,
    [Symbol.asyncDispose]: close,
    async open({ port, width = 1280, scheme = 'light', claimsOnOpen = false }) {
      const context = await browser.newContext({
        viewport: { width, height: 900 },
        colorScheme: scheme,
        reducedMotion: 'reduce',
      });
      if (!claimsOnOpen) {
        await context.addInitScript("localStorage.setItem('bhs-claim-on-open', 'off')");
      }
      const page = await context.newPage();
      await watch(page);
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('request', (request) => {
        if (new URL(request.url()).host !== `127.0.0.1:${port}`) {
          complaints.push(`asked ${request.url()}`);
        }
      });
      await page.goto(`http://127.0.0.1:${port}/`);
      await page.waitForSelector('[name=name]');
      return page;
    },
  };
}

export async function signIn(page: Page, name: string): Promise<void> {
  await page.fill('[name=name]', name);
  await page.fill('[name=password]', PASSWORD);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#rows .row');
}

/** What axe finds; empty if nothing. From the top: further down, half a button under the head of the page is too small a target. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate('scrollTo(0, 0)');
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

/** How far the page is wider than the window; at most 0. */
export function overflowOf(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - innerWidth');
}

/**
 * Bits that every engine must give. `npm run golden:runtimes -w models` compares versions of Node; here this Node, and
 * Chromium if it is installed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import * as models from '../src/index.js';

const room = new URL('../', import.meta.url);
interface Golden {
  goldenVectors(from: typeof models): Promise<Record<string, string>>;
  canaryVector(from: typeof models): Promise<string>;
}
const golden = (await import(new URL('golden/vectors.mjs', room).href)) as Golden;
const committed = JSON.parse(readFileSync(new URL('golden/vectors.json', room), 'utf8')) as {
  kernelHash: string;
  vectors: Record<string, string>;
};

const browser = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (path) => existsSync(path),
);
const required = process.env['REQUIRE_ALL'] === '1';
if (browser === undefined) {
  console.warn('golden vectors in a browser: skipped; `apt-get install chromium` runs them');
}

describe('golden vectors', () => {
  it('are those of the committed kernel', () => {
    expect(committed.kernelHash).toBe(models.kernelHash);
  });

  it('are the same on this Node', async () => {
    expect(await golden.goldenVectors(models)).toEqual(committed.vectors);
  });

  it.skipIf(browser === undefined && !required)(
    'are the same in Chromium',
    async () => {
      const instance = await chromium.launch({
        executablePath: browser ?? '/usr/bin/chromium',
        args: ['--no-sandbox'],
        timeout: 0, // this test's own is enough
      });
      try {
        const page = await instance.newPage();
        // A secure context, for WebCrypto; every file comes from this room.
        await page.route('https://golden.test/**', async (route) => {
          const { pathname } = new URL(route.request().url());
          if (pathname === '/') return route.fulfill({ contentType: 'text/html', body: '' });
          const body = readFileSync(new URL(`.${pathname}`, room), 'utf8');
          return route.fulfill({ contentType: 'text/javascript', body });
        });
        await page.goto('https://golden.test/', { timeout: 0 });
        // As text: the test runner would rewrite an import inside a function.
        const found: unknown = await page.evaluate(`(async () => {
        const models = await import('/dist/index.js');
        const golden = await import('/golden/vectors.mjs');
        return [await golden.goldenVectors(models), await golden.canaryVector(models)];
      })()`);
        expect(found).toEqual([committed.vectors, await golden.canaryVector(models)]);
      } finally {
        await instance.close();
      }
    },
    120_000,
  );
});

/**
 * A queue of a hundred thousand holds in a real browser: scrolled down thousands of rows and back, with a bounded number of
 * rows in the page and nothing kept of the others; what happens meanwhile changes rows in place and moves none.
 */
import { sql } from 'kysely';
import type { CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  buildConsole,
  hasBrowser,
  launchBrowser,
  overflowOf,
  signIn,
  type ConsoleBrowser,
} from './console-browser.js';
import { atRest } from './page-checks.js';
import { startSeededServer, type SeededServer } from './seeded-server.js';
import { signedIn } from './signed-in.js';

const COUNT = 100_000;
const FIRST_NUMBER = 1_000;
const MINUTE_MS = 60_000;
/** Deep enough for every page of the window to have been given back many times. */
const SCROLLED = 5_000;
/** Pages in sight and beside: three, and a fourth where two pages meet. */
const ROWS_MAX = 800;
/** Nodes of a row: elements and texts. */
const ROW_NODES_MAX = 45;
/** What lives for each node that is shown: the browser's own parts of the fields of a form come on top. */
const LIVING_MAX = 1.1;
/** For what takes a moment on a machine that does other things. */
const SOON = { timeout: 30_000, interval: 250 };

describe.skipIf(!hasBrowser('long-queue.e2e'))('a queue of a hundred thousand', () => {
  let browser: ConsoleBrowser;
  let server: SeededServer;
  let page: Page;

  beforeAll(async () => {
    server = await startSeededServer({ consoleDir: await buildConsole() });
    await copyHold(server);
    browser = await launchBrowser();
    page = await browser.open({ port: server.port });
    await signIn(page, 'ben');
  }, 180_000);

  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  /** Of the pane that scrolls. */
  const scrollTo = (place: 'top' | 'end'): Promise<unknown> =>
    page.evaluate(
      `{ const pane = document.querySelector('.queue'); pane.scrollTop = ${place === 'top' ? '0' : 'pane.scrollHeight'}; }`,
    );
  /** As fast as a wheel: pages on the way are asked for, built and given back. */
  const stride = (place: 'top' | 'end'): Promise<unknown> =>
    page.evaluate(`new Promise((resolve) => {
      const pane = document.querySelector('.queue');
      const turn = () => {
        const before = pane.scrollTop;
        pane.scrollTop += ${place === 'top' ? -12_000 : 12_000};
        if (pane.scrollTop === before) resolve(null);
        else setTimeout(turn, 50);
      };
      turn();
    })`);
  /** Nodes that are left after a collection, in the page or not, and those in the page. */
  const nodes = async (
    inspector: CDPSession,
  ): Promise<{ readonly living: number; readonly inPage: number }> => {
    await inspector.send('HeapProfiler.collectGarbage');
    const { nodes: living } = await inspector.send('Memory.getDOMCounters');
    const inPage = await page.evaluate<number>(`{
      const walker = document.createTreeWalker(document);
      let count = 1;
      while (walker.nextNode() !== null) count++;
      count;
    }`);
    return { living, inPage };
  };
  const shown = async (): Promise<{ rows: number; first: string; last: string }> => {
    const ids = await page.locator('#rows .row-id').allTextContents();
    return { rows: ids.length, first: ids[0] ?? '', last: ids.at(-1) ?? '' };
  };

  it('says how many there are, as far as it counts', async () => {
    expect(await page.textContent('.counted')).toContain('1,000+ holds');
  });

  it('is scrolled down thousands of rows and back with a bounded number of them in the page', async () => {
    let most = 0;
    for (;;) {
      const { rows, last } = await shown();
      most = Math.max(most, rows);
      if (Number(last.slice(2)) >= FIRST_NUMBER + SCROLLED) break;
      await scrollTo('end');
      while ((await shown()).last === last) await page.waitForTimeout(30);
    }
    expect(most).toBeLessThanOrEqual(ROWS_MAX);
    await scrollTo('top');
    await expect.poll(async () => (await shown()).first, SOON).toBe('H-1');
    expect((await shown()).rows).toBeLessThanOrEqual(ROWS_MAX);
    expect(await overflowOf(page)).toBeLessThanOrEqual(0);
  }, 150_000);

  it('keeps no row that was scrolled by: what lives is what is shown', async () => {
    const inspector = await page.context().newCDPSession(page);
    // Pages that were given back are read and built again on the way.
    for (const place of ['end', 'top'] as const) {
      await stride(place);
      const edge = async (): Promise<boolean> => {
        const { first, last } = await shown();
        return place === 'top' ? first === 'H-1' : Number(last.slice(2)) >= FIRST_NUMBER + SCROLLED;
      };
      await expect.poll(edge, SOON).toBe(true);
      await expect
        .poll(async () => {
          const { living, inPage } = await nodes(inspector);
          return living / inPage;
        }, SOON)
        .toBeLessThan(LIVING_MAX);
      expect((await shown()).rows).toBeLessThanOrEqual(ROWS_MAX);
      expect((await nodes(inspector)).inPage).toBeLessThan(ROWS_MAX * ROW_NODES_MAX);
    }
    await inspector.detach();
  }, 240_000);

  it('moves nothing under the pointer while things happen, and changes rows where they are', async () => {
    await scrollTo('end');
    await atRest(page);
    expect((await shown()).rows).toBeGreaterThan(100);
    await page.evaluate("document.querySelector('.queue').scrollTop -= 3000");
    await atRest(page);
    const inSight = (): Promise<{ tx: string; top: number }> =>
      page.evaluate<{ tx: string; top: number }>(`{
        const row = document.elementFromPoint(250, 500).closest('.row');
        ({ tx: row.getAttribute('data-tx'), top: row.getBoundingClientRect().top });
      }`);
    const before = await inSight();
    const ana = await signedIn(server, 'ana');
    const claim = (txId: string): Promise<{ status: number }> =>
      ana('POST', `/holds/${txId}/claims`, { expectedVersion: 1 });
    // One far above, out of the window, and the very one in sight.
    expect((await claim(server.holds[0]!)).status).toBe(201);
    expect((await claim(before.tx)).status).toBe(201);
    await page.waitForSelector(`[data-tx="${before.tx}"] >> text=Claimed by ana`);
    const after = await inSight();
    expect(after.tx).toBe(before.tx);
    expect(Math.abs(after.top - before.top)).toBeLessThan(2);
    expect(browser.complaints).toEqual([]);
  }, 60_000);
});

/** Copies of one hold, due one after another, behind the seeded ones. */
async function copyHold({ database, holds }: SeededServer): Promise<void> {
  const dueMs = Date.now() + 24 * 60 * MINUTE_MS;
  await sql`
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${sql.lit(COUNT)}),
      copied AS (SELECT i, printf('%064x', 16777216 + i) AS tx, ${sql.lit(dueMs)} + i * 1000 AS due FROM n)
    INSERT INTO hold (tx_id, kind, number, msp_id, actor, role, ward, function, arguments, cause, score, state, version,
        deadline_ms, at_ms, filed_ms, holder, proposer, model_version, model_hash, table_hash, record, block, position,
        block_hash, endorsers, ring)
      SELECT tx, kind, ${sql.lit(FIRST_NUMBER)} + i, msp_id, actor, role, ward, function, arguments, cause, score, 'open', 1,
        due, at_ms, filed_ms, NULL, NULL, model_version, model_hash, table_hash,
        json_set(record, '$.txId', tx, '$.deadlineMs', due), block, position, block_hash, endorsers, NULL
      FROM hold, copied WHERE tx_id = ${holds[1]!}`.execute(database);
}

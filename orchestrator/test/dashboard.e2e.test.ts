/**
 * The dashboard in a real browser over a real federation: every page in both themes, at 320 px and wide; axe finds
 * nothing; rows stay where they are under the pointer; nothing is asked of anybody but the orchestrator. With
 * UPDATE_PICTURES=1 it takes the pictures that the documents show.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addOperator } from '../src/sign-in/accounts.js';
import { buildDashboard } from './dashboard-build.js';
import { startDashboardWorld, type DashboardWorld } from './dashboard-world.js';
import { closeAll } from './world.js';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Times, links and figures with their unit that stand on more than one line. */
const BROKEN = `[...document.querySelectorAll('.list time, .list a, .list code:not(.long), .figure')]
  .filter((each) => new Set([...each.getClientRects()].map(({ top }) => Math.round(top))).size > 1)
  .map((each) => each.textContent)`;
const PAGES = ['rounds', 'nodes', 'privacy', 'models', 'updates', 'metrics', 'audit'];

if (CHROMIUM === undefined) {
  const hint = 'dashboard.e2e: needs Chromium (apt-get install chromium)';
  if (process.env['REQUIRE_ALL'] === '1') throw new Error(hint);
  console.warn(`skipped: ${hint}`);
}

describe.skipIf(CHROMIUM === undefined)('the dashboard', { timeout: 120_000 }, () => {
  let browser: Browser;
  let seen: DashboardWorld;
  let dist: string;
  const complaints: string[] = [];

  beforeAll(async () => {
    dist = await buildDashboard();
    seen = await startDashboardWorld({ dashboardDir: dist });
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] });
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    await closeAll();
  });

  async function openPage(
    hash: string,
    o: { width?: number; scheme?: 'light' | 'dark' } = {},
  ): Promise<Page> {
    const context = await browser.newContext({
      viewport: { width: o.width ?? 1280, height: 900 },
      colorScheme: o.scheme ?? 'light',
      reducedMotion: 'reduce',
    });
    const page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== seen.base) complaints.push(`asked ${request.url()}`);
    });
    await page.goto(`${seen.base}/#${hash}`);
    await page.waitForSelector('main .part');
    return page;
  }

  async function violations(page: Page): Promise<string[]> {
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

  const sealedRound = async (): Promise<string> => {
    const manifest = (await seen.world.store.lineage.manifestsAfter(-1, 10))[1]!;
    return `rounds/${manifest.key.slotIndex}/${manifest.key.attempt}`;
  };

  it('stays small: 60 KB to begin with, 100 KB with the plots', () => {
    const sizes = readdirSync(join(dist, 'assets')).map((name) => ({
      name,
      bytes: gzipSync(readFileSync(join(dist, 'assets', name))).length,
    }));
    const sum = (list: typeof sizes): number => list.reduce((total, { bytes }) => total + bytes, 0);
    expect(sum(sizes.filter(({ name }) => name.startsWith('index-')))).toBeLessThan(60 * 1024);
    expect(sum(sizes)).toBeLessThan(100 * 1024);
  });

  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 768],
    ['light', 320],
    ['dark', 320],
  ] as const)('is accessible and fits on every page: %s, %i px', async (scheme, width) => {
    for (const hash of [...PAGES, await sealedRound()]) {
      const page = await openPage(hash, { scheme, width });
      if (hash === 'metrics') await page.waitForSelector('.uplot canvas');
      expect(await violations(page), hash).toEqual([]);
      expect(
        await page.evaluate('document.documentElement.scrollWidth - innerWidth'),
        hash,
      ).toBeLessThanOrEqual(0);
      expect(await page.evaluate(BROKEN), hash).toEqual([]);
      if (process.env['UPDATE_PICTURES'] === '1') {
        const name = `${hash.split('/').length > 1 ? 'round' : hash}-${scheme}-${width}`;
        const kept = hash === 'rounds' && width > 1_000;
        const folder = process.env['PICTURES_DIR'];
        const path = kept
          ? fileURLToPath(new URL(`../dashboard/pictures/${scheme}.png`, import.meta.url))
          : folder === undefined
            ? null
            : `${folder}/${name}.png`;
        if (path !== null) await page.screenshot({ path, fullPage: true });
      }
      await page.context().close();
    }
    expect(complaints).toEqual([]);
  });

  it('says what is awaited, from whom, until when and what then', async () => {
    const page = await openPage('rounds');
    const waits = await page.textContent('[aria-label=Waits]');
    expect(waits).toContain('updates: 0 of the 2 that are needed are accepted');
    expect(waits).toContain('two people of two hospitals who agree on the update of H1');
    expect(waits).toContain('the round is aborted and the model stays as it is');
    expect(waits).toContain('approval of H4');
    await page.context().close();
  });

  it('takes nobody by surprise: text of others is text', async () => {
    const page = await openPage('audit');
    expect(await page.textContent('[aria-label="Audit log"]')).toContain('<img src=x onerror');
    expect(await page.title()).not.toBe('taken');
    await page.context().close();
  });

  it('can be walked by keyboard alone', async () => {
    const page = await openPage('rounds');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toContain('To the content');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[aria-label=Nodes]');
    expect(await page.evaluate('document.activeElement.id')).toBe('page');
    await page.context().close();
  });

  it('moves no row under the pointer, and says that there is more', async () => {
    const page = await openPage('audit');
    const rows = '[aria-label="Audit log"] tbody tr';
    await page.hover(`${rows} >> nth=0`);
    const before = await page.textContent(`${rows} >> nth=0`);
    await seen.world.store.audit.append('member-paused', seen.clock.now, { nodeId: 'H2' });
    await page.waitForSelector('.held');
    expect(await page.textContent(`${rows} >> nth=0`)).toBe(before);
    await page.click('.held');
    await page.waitForSelector(`${rows} >> nth=0 >> text=member-paused`);
    await page.context().close();
  });

  it('lets an operator approve a hospital, with the digits that it read out only', async () => {
    const password = await addOperator(seen.world.store, {
      name: 'ana',
      by: 'test',
      nowMs: seen.clock.now,
    });
    const page = await openPage('nodes', { width: 320 });
    expect(await page.locator('text=Approve H4').count()).toBe(0);
    await page.click('text=Sign in');
    await page.fill('[name=name]', 'ana');
    await page.fill('[name=password]', password);
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Enter');
    await page.click('text=Approve H4');
    await page.fill('[name=fingerprint]', '00000 00000 00000 00000 00000 00000');
    await page.click('dialog .primary');
    expect(await page.textContent('dialog [role=alert]')).toContain('do not approve it');
    expect(await violations(page)).toEqual([]);
    const [request] = await seen.world.store.enrolment.requests();
    await page.fill('[name=fingerprint]', request!.fingerprint);
    await page.click('dialog .primary');
    await page.waitForSelector('[aria-label="Enrolment requests"] >> text=approved');
    expect((await seen.world.store.roster.find('H4'))?.state).toBe('active');
    await page.context().close();
  });

  it('fits at 200 % zoom, which is half the width at twice the size', async () => {
    for (const hash of [...PAGES, await sealedRound()]) {
      const context = await browser.newContext({
        viewport: { width: 640, height: 450 },
        deviceScaleFactor: 2,
        reducedMotion: 'reduce',
      });
      const page = await context.newPage();
      await page.goto(`${seen.base}/#${hash}`);
      await page.waitForSelector('main .part');
      const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      expect(over, hash).toBeLessThanOrEqual(0);
      await context.close();
    }
  });

  it('shows words of others as words, in every field that somebody else fills in', async () => {
    const { store } = seen.world;
    const attack =
      '<img src=x onerror="document.title=\'taken\'"><script>document.title="taken"</script>';
    const nowMs = seen.clock.now;
    await store.roster.greet('H2', {
      software: attack,
      kernelHash: attack,
      atMs: nowMs,
      clockOffsetMs: 0,
    });
    await store.votes.put({
      ...{ transactionId: attack, action: attack, about: attack, mspId: attack },
      ...{ person: attack, reason: attack, atMs: nowMs },
    });
    await store.votes.put({
      ...{
        transactionId: 'x',
        action: 'approve-plan',
        about: seen.world.parts.federation.plan.hash,
      },
      ...{ mspId: attack, person: attack, reason: attack, atMs: nowMs },
    });
    await store.votes.put({
      ...{ transactionId: 'y', action: 'revoke-node', about: attack, mspId: attack },
      ...{ person: attack, reason: attack, atMs: nowMs },
    });
    const open = (await store.rounds.findOpen())!.round;
    await store.reviews.put({
      ...{ key: open.id, nodeId: 'H1', person: attack, mspId: attack, disposition: 'release' },
      ...{ reason: attack, statement: Buffer.from('s'), signature: Buffer.from('s') },
      ...{ certificate: attack, atMs: nowMs },
    });
    const { slotIndex, attempt } = open.id;
    const shown: readonly (readonly [hash: string, where: string])[] = [
      ['nodes', '[aria-label=Nodes]'],
      ['nodes', '[aria-label="Votes on the roster"]'],
      ['models', '[aria-label="Votes on detectors"]'],
      ['privacy', '[aria-label="Votes on the plan"]'],
      ['updates', '[aria-label="Updates that wait"]'],
      ['audit', '[aria-label="Audit log"]'],
      [`rounds/${slotIndex}/${attempt}`, '[aria-label="Words of people"]'],
    ];
    for (const [hash, where] of shown) {
      const page = await openPage(hash);
      expect(await page.textContent(where), hash).toContain('<img src=x');
      expect(await page.locator('img').count(), hash).toBe(0);
      expect(await page.title(), hash).not.toBe('taken');
      await page.context().close();
    }
  });

  it('tells the second of two who decide the same request that it is decided', async () => {
    const { store } = seen.world;
    const password = await addOperator(store, { name: 'two', by: 'test', nowMs: seen.clock.now });
    const requestId = 'r'.repeat(32);
    const { now } = seen.clock;
    await store.database
      .insertInto('enrolment_request')
      .values({
        ...{ request_id: requestId, node_id: 'H9', csr: Buffer.from('x'), fingerprint: '1' },
        ...{ state: 'pending', reason: '', certificate: '' },
        ...{ created_at_ms: now, expires_at_ms: now + 3_600_000 },
      })
      .execute();
    const pages = await Promise.all([openPage('nodes'), openPage('nodes')]);
    for (const page of pages) {
      await page.click('text=Sign in');
      await page.fill('[name=name]', 'two');
      await page.fill('[name=password]', password);
      await page.keyboard.press('Enter');
      await page.waitForSelector('text=Sign out');
      await page.click('tr:has-text("H9") >> text=Refuse…');
    }
    const [first, second] = pages;
    await first.fill('[name=reason]', 'nobody of this name');
    await first.click('dialog .primary');
    await first.waitForSelector('dialog', { state: 'detached' });
    await second.fill('[name=reason]', 'I say so too');
    await second.click('dialog .primary');
    expect(await second.textContent('dialog [role=alert]')).toContain('one that is refused');
    expect((await store.enrolment.request(requestId))?.reason).toBe('nobody of this name');
    for (const page of pages) await page.context().close();
  });

  it('asks again who somebody is, keeps what was filled in, and is walked by keyboard alone', async () => {
    const { store } = seen.world;
    const password = await addOperator(store, { name: 'kay', by: 'test', nowMs: seen.clock.now });
    const page = await openPage('updates');
    const press = (...keys: string[]): Promise<void> =>
      keys.reduce((done, key) => done.then(() => page.keyboard.press(key)), Promise.resolve());
    const focusOn = async (text: string): Promise<void> => {
      for (let tries = 0; tries < 80; tries++) {
        const focused = await page.evaluate('document.activeElement?.textContent ?? ""');
        if (String(focused).trim() === text) return;
        await press('Tab');
      }
      throw new Error(`no way to ${text} by keyboard`);
    };
    /** What is typed before the form has the focus goes nowhere. */
    const formFocused = (): Promise<void> =>
      expect
        .poll(() => page.evaluate('document.activeElement?.tagName'), { timeout: 30_000 })
        .toBe('INPUT');
    await focusOn('Sign in');
    await press('Enter');
    await formFocused();
    await page.keyboard.type('kay');
    await press('Tab');
    await page.keyboard.type(password);
    await press('Enter');
    await page.waitForSelector('text=Sign out');
    seen.clock.now += 5 * 60_000 + 1;
    await page.reload();
    await page.waitForSelector('text=Sign out');
    await page.waitForSelector('main .part');
    // The clock of the orchestrator has moved on by more than the round had left, so a person is asked for elsewhere.
    await page.goto(`${seen.base}/#models`);
    await page.goto(`${seen.base}/#privacy`);
    await page.waitForSelector('text=Approve this plan…');
    await focusOn('Approve this plan…');
    await press('Enter');
    await page.waitForSelector('text=Is it still you?');
    expect(await violations(page)).toEqual([]);
    await formFocused();
    await page.keyboard.type(password);
    await press('Enter');
    await page.waitForSelector('text=Is it still you?', { state: 'detached' });
    expect(await page.locator('dialog >> text=Reason, kept with your signature').count()).toBe(1);
    expect(await violations(page)).toEqual([]);
    await press('Escape');
    await focusOn('kay operator');
    await press('Enter');
    await page.waitForSelector('.sessions li');
    expect(await page.textContent('.sessions')).toContain('this one');
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  });

  it('shows what hospitals declare of their budgets, and of the others that they do not', async () => {
    await seen.clients[0]!.declareBudget({
      ...{ spentMicro: 1_234_567, ceilingMicro: 8_000_000, horizonDays: 30, deltaExponent: 5 },
      ...{ roundsLeft: 41, ledgerSeq: 7 },
    });
    const page = await openPage('privacy');
    const row = async (node: string): Promise<string | undefined> => {
      const text = await page.textContent(`[aria-label="Declared budgets"] tr:has-text("${node}")`);
      return text?.replaceAll('\u00a0', ' ');
    };
    const said = await row('H1');
    for (const words of ['ε 1.235', 'ε 6.765', 'ε 8 at δ 1e-5', '30 d', '41', 'UTC']) {
      expect(said).toContain(words);
    }
    expect(await row('H2')).toContain('not declared');
    await expect(
      seen.clients[1]!.declareBudget({
        ...{ spentMicro: -1, ceilingMicro: 1, horizonDays: 1, deltaExponent: 5 },
        ...{ roundsLeft: 0, ledgerSeq: 0 },
      }),
    ).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_/) as string });
    await page.context().close();
  });
});

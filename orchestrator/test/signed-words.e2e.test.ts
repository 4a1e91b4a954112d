/**
 * Two people of two hospitals decide on the dashboard: each signs in the browser with a key that is sent nowhere, and the
 * orchestrator believes the signature, not the page.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openAuthority, type IssuedIdentity } from '../src/enrolment/authority.js';
import { addOperator } from '../src/sign-in/accounts.js';
import { nodesIn } from '../src/round/round.js';
import { buildDashboard } from './dashboard-build.js';
import { startDashboardWorld, type DashboardWorld } from './dashboard-world.js';
import { closeAll } from './world.js';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
/** A poll that is told nothing gives up after a second. */
const SOON = { timeout: 30_000, interval: 100 };
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

if (CHROMIUM === undefined) {
  const hint = 'signed-words.e2e: needs Chromium (apt-get install chromium)';
  if (process.env['REQUIRE_ALL'] === '1') throw new Error(hint);
  console.warn(`skipped: ${hint}`);
}

describe.skipIf(CHROMIUM === undefined)('words that count', () => {
  let browser: Browser;
  let seen: DashboardWorld;
  let page: Page;
  const people = new Map<string, IssuedIdentity>();
  const sent: string[] = [];

  beforeAll(async () => {
    const dashboardDir = await buildDashboard();
    seen = await startDashboardWorld({ dashboardDir });
    for (const nodeId of ['H1', 'H2']) {
      const mspId = `${nodeId}MSP`;
      const ca = await openAuthority({
        folder: `${seen.world.folder}/${mspId}`,
        federationId: mspId,
        nowMs: seen.clock.now,
      });
      await seen.world.store.roster.ensure({
        nodeId,
        mspId,
        mspRoot: ca.certificatePem,
        state: 'active',
        admitted: true,
      });
      people.set(mspId, await ca.issueNode(`person-of-${mspId}`, seen.clock.now));
    }
    const stranger = await openAuthority({
      folder: `${seen.world.folder}/stranger`,
      federationId: 'H1MSP',
      nowMs: seen.clock.now,
    });
    people.set('a stranger', await stranger.issueNode('person-of-H1MSP', seen.clock.now));
    const password = await addOperator(seen.world.store, {
      ...{ name: 'ana', by: 'test', nowMs: seen.clock.now },
    });
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] });
    page = await browser.newPage();
    page.on('request', (request) => sent.push(request.postData() ?? ''));
    await page.goto(`${seen.base}/#updates`);
    await page.click('text=Sign in');
    await page.fill('[name=name]', 'ana');
    await page.fill('[name=password]', password);
    await page.keyboard.press('Enter');
    await page.waitForSelector('text=Sign out');
  }, 180_000);

  afterAll(async () => {
    await browser.close();
    await closeAll();
  });

  async function say(button: string, who: string, withKeyOf = who): Promise<string | null> {
    await page.click(`button:has-text("${button}")`);
    await page.fill('[name=reason]', ' Looked at it <b>twice</b>; “a new ward”. ');
    const file = (name: string, text: string): object => ({
      ...{ name, mimeType: 'application/x-pem-file', buffer: Buffer.from(text) },
    });
    const set = (name: string, text: string): Promise<void> =>
      page.setInputFiles(`[name=${name}]`, file(`${name}.pem`, text) as never);
    await set('certificate', people.get(who)!.certificate);
    await set('key', people.get(withKeyOf)!.privateKey);
    await page.click('dialog .primary');
    const outcome = await Promise.race([
      page.waitForSelector('dialog [role=alert]').then((alert) => alert.textContent()),
      page.waitForSelector('dialog', { state: 'detached' }).then(() => null),
    ]);
    if (outcome !== null) await page.click('dialog button:has-text("Cancel")');
    return outcome;
  }
  const quarantined = async (): Promise<readonly string[]> =>
    nodesIn((await seen.world.store.rounds.findOpen())!.round, 'quarantined');

  it('are not believed of a stranger, nor of somebody with another’s certificate', async () => {
    expect(await say('Release H1', 'a stranger')).toContain('certificate is not of');
    expect(await say('Release H1', 'H1MSP', 'H2MSP')).toContain('signature does not check');
    expect(await quarantined()).toContain('H1');
  }, 120_000);

  it('need a key, and say what is wrong with a file that is none', async () => {
    await page.click('button:has-text("Release H1")');
    await page.fill('[name=reason]', 'none');
    for (const name of ['certificate', 'key']) {
      const buffer = Buffer.from('not a key');
      await page.setInputFiles(`[name=${name}]`, { name, mimeType: 'text/plain', buffer });
    }
    await page.click('dialog .primary');
    const alert = await page.waitForSelector('dialog [role=alert]');
    expect(await alert.textContent()).toContain('openssl pkcs8');
    await page.evaluate(AXE);
    const violations = await page.evaluate(
      `axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag22aa'] }).then((r) => r.violations.map((v) => v.id))`,
    );
    expect(violations).toEqual([]);
    await page.click('dialog button:has-text("Cancel")');
  }, 120_000);

  it('release an update when two hospitals agree, and the page sends no key', async () => {
    expect(await say('Release H1', 'H1MSP')).toBeNull();
    expect(await quarantined()).toContain('H1');
    await page.waitForSelector('text=H1MSP: release');
    expect(await say('Release H1', 'H2MSP')).toBeNull();
    await expect.poll(quarantined, SOON).not.toContain('H1');
    expect(sent.join('\n')).toContain('BEGIN CERTIFICATE');
    expect(sent.join('\n')).not.toContain('PRIVATE KEY');
  }, 120_000);

  it('abort a round, whose page shows who said so', async () => {
    const { slotIndex, attempt } = (await seen.world.store.rounds.findOpen())!.round.id;
    await page.goto(`${seen.base}/#rounds/${slotIndex}/${attempt}`);
    expect(await say('Abort this round', 'H1MSP')).toBeNull();
    await page.waitForSelector('[aria-label="Words of people"] >> text=the round');
    expect(await say('Abort this round', 'H2MSP')).toBeNull();
    await expect
      .poll(async () => (await seen.world.store.rounds.newest({ limit: 1 }))[0]?.round.phase, SOON)
      .toBe('aborted');
    await page.waitForSelector('.lead >> text=aborted');
    expect(await page.locator('button:has-text("Abort this round")').count()).toBe(0);
  }, 120_000);

  it('say whose votes it takes to go back to an older detector', async () => {
    await page.goto(`${seen.base}/#models`);
    await page.waitForSelector('[aria-label="Detectors to go back to"]');
    expect(await page.textContent('main')).toContain('2 of 3 hospitals (H1MSP, H2MSP, H3MSP) vote');
  }, 120_000);
});

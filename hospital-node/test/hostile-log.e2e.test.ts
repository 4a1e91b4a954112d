/**
 * Script in a log line, in every field that takes free text and from every kind of log – native JSONL, CSV with a mapping, FHIR
 * AuditEvent –, all the way: reader, call, hold, list, detail, name behind the pseudonym, exports, evidence to read.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { auditEventOf, createLedgerNames, openAccessLog, openMappedLog } from '@bhschain/datasets';
import {
  decodeAccessEvent,
  encodeAccessEvent,
  intentFromEvent,
  type AccessEvent,
} from '@bhschain/models/features';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  buildConsole,
  hasBrowser,
  launchBrowser,
  signIn,
  violations,
  type ConsoleBrowser,
} from './console-browser.js';
import { startSeededServer, type Scene, type SeededServer } from './seeded-server.js';
import { signedIn } from './signed-in.js';
import { temporaryFolder } from './temporary-folder.js';

const TEXT_FIELDS = ['eventId', 'actor', 'ward', 'session', 'patient', 'device'] as const;
/** Short enough for every field; the field's name tells them apart. */
const hostile = (field: string): string =>
  `${field}"'><img src=x onerror="globalThis.pwned=1"><script>globalThis.pwned=1</script>`;
const ORDINARY: AccessEvent = {
  ...{ eventId: 'e', source: 'native', nodeId: 'H1', timeMs: 1_790_000_000_000, sequence: null },
  ...{ timeBasis: 'recorded', timeGranularity: 'exact', actor: 'raw', actorClass: 'person' },
  ...{ role: 'clerk', ward: 'w1', session: 's', action: 'export', resourceType: 'document' },
  ...{ section: 'notes', sensitivity: 'normal', purpose: 'treatment', breakGlass: false },
  ...{ breakGlassReason: 'none', patient: 'p', recordCount: 40, bytes: null, outcome: 'success' },
  ...{ channel: 'ui', device: null, network: 'internal', code: null },
};
const HOSTILE: AccessEvent = {
  ...ORDINARY,
  ...Object.fromEntries(TEXT_FIELDS.map((field) => [field, hostile(field)])),
};

async function first(events: AsyncGenerator<AccessEvent>): Promise<AccessEvent> {
  const next = await events.next();
  if (next.done === true) throw new Error('the reader gave no event');
  return next.value;
}
const written = (name: string, text: string): string => {
  const file = join(temporaryFolder(), name);
  writeFileSync(file, text);
  return file;
};

/** Each kind of log, read by its own reader. */
const READERS: Readonly<Record<string, () => Promise<AccessEvent>>> = {
  'native JSONL': () => {
    const file = written('log.jsonl', `${encodeAccessEvent(HOSTILE)}\n`);
    return first(openAccessLog(file, { format: 'native', nodeId: 'H1' }).events());
  },
  'CSV with a mapping': async () => {
    const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`;
    const columns = ['eventId', 'time', 'actor', 'ward', 'session', 'patient', 'device', 'action'];
    const values: Readonly<Record<string, string>> = {
      ...Object.fromEntries(TEXT_FIELDS.map((field) => [field, hostile(field)])),
      ...{ time: '2026-09-21T08:00:00Z', action: 'export' },
    };
    const line = columns.map((column) => cell(values[column]!)).join(',');
    const log = await openMappedLog(written('log.csv', `${columns.join(',')}\n${line}\n`), {
      nodeId: 'H1',
      mapping: {
        columns: Object.fromEntries(columns.map((column) => [column, column])),
        timeForm: 'iso',
      },
    });
    return first(log.events());
  },
  'FHIR AuditEvent': () => {
    const file = written('log.ndjson', `${JSON.stringify(auditEventOf(HOSTILE))}\n`);
    return first(openAccessLog(file, { format: 'fhir', nodeId: 'H1' }).events());
  },
};

function sceneOf(event: AccessEvent): Scene {
  const intent = intentFromEvent(event, createLedgerNames({ seed: 1, nodeId: 'H1' }));
  if (intent === null) throw new Error('the event asks nothing of the ledger');
  return {
    fn: intent.functionName.split(':').at(-1)!,
    // What a hospital's directory says of the actor goes into her certificate as the log has it.
    ...{ role: event.role, ward: event.ward ?? '', name: event.actor, dueH: 2 },
    args: intent.args.slice(2, -1),
  };
}

describe('a field that takes words from a list', () => {
  it('takes no script', () => {
    const raw = JSON.parse(encodeAccessEvent(ORDINARY)) as Record<string, unknown>;
    for (const field of Object.keys(raw)) {
      if ((TEXT_FIELDS as readonly string[]).includes(field) || field === 'nodeId') continue;
      expect(() => decodeAccessEvent({ ...raw, [field]: hostile(field) }), field).toThrow(
        expect.objectContaining({ code: 'ERR_ACCESS_EVENT', path: field }),
      );
    }
  });
});

describe.skipIf(!hasBrowser('hostile-log.e2e'))('script in a log line', () => {
  const kinds = Object.keys(READERS);
  let browser: ConsoleBrowser;
  let server: SeededServer;
  let events: readonly AccessEvent[];

  beforeAll(async () => {
    events = await Promise.all(kinds.map((kind) => READERS[kind]!()));
    const consoleDir = await buildConsole();
    server = await startSeededServer({ consoleDir, more: events.map(sceneOf) });
    browser = await launchBrowser();
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  it('comes through every reader as it is', () => {
    for (const [i, event] of events.entries()) {
      expect(event.actor, kinds[i]).toContain('<script>');
    }
    expect(events[0]).toEqual(HOSTILE);
  });

  it('is text on the list, on the hold, beside the name, in every part of the page', async () => {
    const page = await browser.open({ port: server.port });
    await signIn(page, 'oda');
    for (const [i, event] of events.entries()) {
      const txId = server.holds[5 + i]!;
      await page.evaluate(`location.hash = '#/hold/${txId}'`);
      await page.waitForSelector(`.row.selected[data-tx="${txId}"]`);
      await page.waitForSelector('.sheet-top h2');
      if (event.ward !== null) {
        expect(await page.textContent('.sheet-top')).toContain(event.ward);
      }
      await page.click('#do-identify');
      await page.fill('dialog[open] textarea', `Complaint ${hostile('reason')}`);
      await page.click('dialog[open] [type=submit]');
      await page.waitForSelector('text=Shown for ten minutes');
      expect(await page.textContent('article')).toContain(event.actor);
      expect(await page.locator('img, iframe, object, script:not([src])').count()).toBe(0);
      expect(await violations(page)).toEqual([]);
    }
    await page.evaluate("location.hash = '#/supervisor'");
    await page.waitForSelector('.own-words >> text=globalThis.pwned');
    expect(await page.locator('img, iframe, object').count()).toBe(0);
    expect(await page.evaluate('globalThis.pwned')).toBeUndefined();
    expect(browser.complaints).toEqual([]);
    await page.context().close();
  }, 120_000);

  it('is text in the exports and in the evidence, and runs when none of them is opened as a page', async () => {
    const oda = await signedIn(server, 'oda');
    for (const format of ['csv', 'ocsf', 'cef']) {
      const { headers, text } = await oda('GET', `/exports/${format}`);
      expect(headers.get('content-type')).not.toContain('html');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      // CEF has no place for a ward.
      if (format !== 'cef') expect(text).toContain('onerror');
    }
    for (const line of (await oda('GET', '/exports/ocsf')).text.trim().split('\n'))
      JSON.parse(line);
    const page = await (await browser.open({ port: server.port })).context().newPage();
    for (const i of events.keys()) {
      const path = `/holds/${server.holds[5 + i]!}/evidence`;
      const bundle = await oda('GET', `${path}.json`);
      expect(bundle.headers.get('content-type')).toContain('application/json');
      const html = (await oda('GET', `${path}.html`)).text;
      expect(html).not.toMatch(/<(script|img|iframe|object|svg)/i);
      // Saved and opened from a disk, no policy of ours protects it.
      await page.setContent(html);
      expect(await page.locator('script, img').count()).toBe(0);
      expect(await page.evaluate('globalThis.pwned')).toBeUndefined();
    }
    await page.context().close();
  }, 60_000);
});

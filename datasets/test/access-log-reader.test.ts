import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { encodeAccessEvent, type AccessEvent } from '@bhschain/models/features';
import { afterAll, describe, expect, it } from 'vitest';
import {
  auditEventOf,
  createConsortium,
  DatasetError,
  openAccessLog,
  type AccessLog,
  type AccessLogOptions,
} from '../src/index.js';

const scratch = mkdtempSync(join(tmpdir(), 'access-log-'));
afterAll(() => rmSync(scratch, { recursive: true }));

let files = 0;
function open(content: string | Uint8Array, options: Partial<AccessLogOptions> = {}): AccessLog {
  const file = join(scratch, `log-${files++}`);
  writeFileSync(file, content);
  return openAccessLog(file, { format: 'native', nodeId: 'H1', ...options });
}
async function all(log: AccessLog): Promise<AccessEvent[]> {
  const events: AccessEvent[] = [];
  for await (const event of log.events()) events.push(event);
  return events;
}
async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof DatasetError) return error.code;
    throw error;
  }
  return 'nothing refused';
}

const world = createConsortium({
  seed: 11,
  hospitals: 2,
  days: 1,
  staffPerHospital: 60,
  liveHours: 4,
});
const events = [...world.hospitals[0]!.events()].slice(0, 3_000);
const native = events.map((event) => `${encodeAccessEvent(event)}\n`).join('');
const fhir = events.map((event) => `${JSON.stringify(auditEventOf(event))}\n`).join('');

describe('access log', () => {
  it('reads native lines as they were written, plain and gzipped', async () => {
    expect(await all(open(native))).toEqual(events);
    expect(await all(open(gzipSync(native)))).toEqual(events);
  });

  it('gives equal events of one world from both formats, in every field that R4 has a place for', async () => {
    const log = open(fhir, { format: 'fhir' });
    const read = await all(log);
    expect(log.counts()).toMatchObject({ events: events.length, malformedCount: 0, duplicates: 0 });
    const known = new Set(['physician', 'nurse', 'pharmacist', 'researcher']);
    read.forEach((event, i) => {
      const written = events[i]!;
      const pick = (of: AccessEvent): unknown => [
        of.eventId,
        of.timeMs,
        of.nodeId,
        of.actor,
        of.actorClass,
        of.patient,
        of.device,
        of.outcome,
        of.channel,
        of.action === 'dispense' ? 'create' : of.action,
        of.breakGlass,
        of.breakGlassReason,
        of.breakGlass ? 'emergency' : of.purpose,
        known.has(of.role) ? of.role : 'unknown',
      ];
      // A break-glass span reaches over the following reads of the same actor, which the native line leaves to the reader.
      const inSpan = event.breakGlass && !written.breakGlass;
      if (!inSpan)
        expect(pick(event)).toEqual(
          pick({ ...written, role: known.has(written.role) ? written.role : 'unknown' }),
        );
      const sectionKept = !['none', 'unknown'].includes(written.section);
      if (sectionKept) expect(event.section).toBe(written.section);
    });
  });

  it('counts an id that comes twice once', async () => {
    const twice = open(native.split('\n', 3).join('\n') + '\n' + native.split('\n', 1)[0]!);
    expect((await all(twice)).length).toBe(3);
    expect(twice.counts().duplicates).toBe(1);
  });

  it('takes a byte order mark, CRLF, blank lines and unordered times', async () => {
    const [first, second] = native.split('\n');
    const log = open(`\uFEFF${second!}\r\n\r\n${first!}\r\n`);
    expect((await all(log)).length).toBe(2);
    expect(log.counts().outOfOrder).toBe(events[0]!.timeMs < events[1]!.timeMs ? 1 : 0);
  });

  it('counts bad lines by reason and refuses beyond the share', async () => {
    const bad = `${native}{"role":1}\nnot json\n`;
    const log = open(bad);
    expect((await all(log)).length).toBe(events.length);
    expect(log.counts().reasons).toEqual({ eventId: 1, JSON: 1 });
    expect(log.counts().malformed.map((m) => m.line)).toEqual([
      events.length + 1,
      events.length + 2,
    ]);
    expect(await codeOf(all(open('not json\n')))).toBe('ERR_EVENT_LOG_MALFORMED');
    expect(await codeOf(all(open(bad, { malformedShareMax: 0 })))).toBe('ERR_EVENT_LOG_MALFORMED');
  });

  it('refuses a Bundle, a cut gzip and a missing file by their codes', async () => {
    const bundle = JSON.stringify({ resourceType: 'Bundle', entry: [] });
    expect(await codeOf(all(open(bundle, { format: 'fhir' })))).toBe('ERR_EVENT_LOG_MALFORMED');
    const cut = gzipSync(native).subarray(0, 5_000);
    expect(await codeOf(all(open(cut)))).toBe('ERR_EVENT_LOG_GZIP');
    const none = openAccessLog(join(scratch, 'none'), { format: 'native', nodeId: 'H1' });
    expect(await codeOf(all(none))).toBe('ERR_EVENT_LOG_MISSING');
    expect(() => open('', { malformedShareMax: 2 })).toThrow(DatasetError);
  });
});

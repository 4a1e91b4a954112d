import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { csvFields } from '../src/event-log/csv-line.js';
import { codeTableOf, DatasetError, readEventLog, type EventLog } from '../src/index.js';

const scratch = mkdtempSync(join(tmpdir(), 'event-log-'));
afterAll(() => rmSync(scratch, { recursive: true }));

let files = 0;
function fileOf(content: string | Uint8Array): string {
  const file = join(scratch, `log-${files++}.csv`);
  writeFileSync(file, content);
  return file;
}
const read = (content: string | Uint8Array, share?: number): Promise<EventLog> =>
  readEventLog(fileOf(content), share === undefined ? {} : { malformedShareMax: share });
async function faultOf(work: Promise<unknown>): Promise<DatasetError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof DatasetError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const HEADER = 'case,seq,time,group,activity\n';
const LINES = Array.from({ length: 300 }, (_, i) => `c${i},${i},2014-10-22T11:15:41,A,Triage\n`);
const GOOD = HEADER + LINES.join('');

describe('event log', () => {
  it('reads rows, plain and gzipped alike', async () => {
    const plain = await read(
      `${HEADER}A,0,2014-10-22T11:15:41,A,ER Registration\nA,1,2014-10-22T11:27:00,NA,CRP\n`,
    );
    expect(plain.rows).toEqual([
      {
        case: 'A',
        sequence: 0,
        timeMs: Date.UTC(2014, 9, 22, 11, 15, 41),
        group: 'A',
        activity: 'ER Registration',
      },
      {
        case: 'A',
        sequence: 1,
        timeMs: Date.UTC(2014, 9, 22, 11, 27),
        group: null,
        activity: 'CRP',
      },
    ]);
    expect(plain.timeGranularity).toBe('case-shifted');
    expect(await read(gzipSync(GOOD))).toEqual(await read(GOOD));
  });

  it('knows a log with dates only', async () => {
    const log = await read('case,seq,date,group,activity\nA,0,2005-01-03,Ward,"consult, first"\n');
    expect(log.timeGranularity).toBe('day');
    expect(log.rows[0]?.activity).toBe('consult, first');
  });

  it('takes a byte order mark, CRLF and blank lines', async () => {
    const log = await read(`\uFEFF${HEADER}${LINES[0]!}\n`.replaceAll('\n', '\r\n'));
    expect(log.rows.length).toBe(1);
    expect(log.malformedCount).toBe(0);
  });

  it.each([
    ['a field too few', 'c,1,2014-10-22T11:15:41,A', 'expected 5 fields, got 4'],
    ['a time that is none', 'c,1,yesterday,A,Triage', 'expected a time'],
    ['a month that is none', 'c,1,2014-13-22T11:15:41,A,Triage', 'expected a time'],
    ['a seq that is none', 'c,x,2014-10-22T11:15:41,A,Triage', 'expected an integer seq'],
    ['broken quotes', 'c,1,2014-10-22T11:15:41,A,"Triage', 'broken quotes'],
    ['no case', ',1,2014-10-22T11:15:41,A,Triage', 'expected a case'],
    ['no activity', 'c,1,2014-10-22T11:15:41,A,', 'expected an activity'],
  ])('counts and skips a line with %s', async (_, line, reason) => {
    const log = await read(`${GOOD}${line}\n`);
    expect(log.rows.length).toBe(300);
    expect(log.malformedCount).toBe(1);
    expect(log.malformed[0]?.line).toBe(302);
    expect(log.malformed[0]?.reason).toContain(reason);
  });

  it('refuses a file beyond the stated share, and names the first bad line', async () => {
    const bad = `${HEADER}${LINES.slice(0, 9).join('')}nonsense\n`;
    const fault = await faultOf(read(bad));
    expect(fault.code).toBe('ERR_EVENT_LOG_MALFORMED');
    expect(fault.facts.firstLine).toBe(11);
    expect((await read(bad, 0.1)).malformedCount).toBe(1);
  });

  it('refuses a line without end instead of keeping it in memory', async () => {
    const fault = await faultOf(read(HEADER + 'x'.repeat(3 << 20)));
    expect(fault.code).toBe('ERR_EVENT_LOG_MALFORMED');
  });

  it('counts rows that run back in their case', async () => {
    const log = await read(`${HEADER}A,0,2014-10-22T11:15:41,A,x\nA,1,2014-10-21T11:15:41,A,x\n`);
    expect(log.outOfOrderCount).toBe(1);
  });

  it('refuses a gzip file cut short anywhere, and one with damaged bytes', async () => {
    const zipped = gzipSync(GOOD);
    for (const length of [
      20,
      Math.floor(zipped.length / 2),
      zipped.length - 9,
      zipped.length - 1,
    ]) {
      expect((await faultOf(read(zipped.subarray(0, length)))).code).toBe('ERR_EVENT_LOG_GZIP');
    }
    const damaged = Uint8Array.from(zipped);
    damaged[Math.floor(zipped.length / 2)]! ^= 0xff;
    expect((await faultOf(read(damaged))).code).toBe('ERR_EVENT_LOG_GZIP');
  });

  it.each([
    ['an empty file', ''],
    ['another header', 'a,b,c\n1,2,3\n'],
    ['no header', LINES[0]!],
  ])('refuses %s', async (_, content) => {
    expect((await faultOf(read(content))).code).toBe('ERR_EVENT_LOG_HEADER');
  });

  it('refuses a file that is not there, and a directory', async () => {
    expect((await faultOf(readEventLog(join(scratch, 'none')))).code).toBe('ERR_EVENT_LOG_MISSING');
    expect((await faultOf(readEventLog(scratch))).code).toBe('ERR_EVENT_LOG_MISSING');
  });

  it('gives only coded errors for any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        await faultOf(readEventLog(fileOf(bytes)));
      }),
      { numRuns: 60 },
    );
    expect(readFileSync(join(scratch, 'log-0.csv')).length).toBeGreaterThan(0);
  });
});

describe('CSV fields', () => {
  it('read back what RFC 4180 writes', () => {
    const field = fc.string({ maxLength: 8 }).map((text) => text.replaceAll(/[\r\n]/g, ' '));
    fc.assert(
      fc.property(fc.array(field, { minLength: 1, maxLength: 6 }), (fields) => {
        const line = fields
          .map((f) => (/[",]/.test(f) ? `"${f.replaceAll('"', '""')}"` : f))
          .join(',');
        expect(csvFields(line)).toEqual(fields);
      }),
    );
  });

  it.each(['"a', '"a"b,c', 'a"b', '"a",b"c'])('are refused for %s', (line) => {
    expect(csvFields(line)).toBeNull();
  });
});

describe('code table', () => {
  it('depends on the set of activities only, and its hash on the table', () => {
    const table = codeTableOf(['b', 'a', 'b']);
    expect(table).toEqual(codeTableOf(['a', 'b']));
    expect(table.activities.slice(3)).toEqual(['a', 'b']);
    expect(table.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(codeTableOf(['a', 'c']).hash).not.toBe(table.hash);
  });
});

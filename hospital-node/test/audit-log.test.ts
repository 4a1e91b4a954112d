/** The audit log: nothing is lost, nothing can be changed without being found. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auditFileOf, openAuditLog, readAuditLog } from '../src/audit/audit-log.js';
import { temporaryFolder } from './temporary-folder.js';

const AT = Date.UTC(2026, 10, 22, 12);

function logOf(count: number): string {
  const stateDir = temporaryFolder();
  const audit = openAuditLog({ stateDir, now: () => AT });
  for (let index = 0; index < count; index++) {
    audit.append({ kind: index % 2 === 0 ? 'paused' : 'resumed', by: 'ana', body: { index } });
  }
  return stateDir;
}

function edit(stateDir: string, change: (lines: string[]) => string[]): void {
  const file = auditFileOf(stateDir);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  writeFileSync(file, `${change(lines).join('\n')}\n`);
}

describe('the audit log', () => {
  it('chains what is appended, and an empty log is sound', () => {
    expect(readAuditLog(temporaryFolder())).toEqual({
      records: [],
      head: null,
      tornBytes: 0,
      fault: null,
    });
    const { records, head, fault } = readAuditLog(logOf(3));
    expect(fault).toBeNull();
    expect(records.map(({ seq, by, kind, at }) => ({ seq, by, kind, at }))).toEqual([
      { seq: 0, by: 'ana', kind: 'paused', at: '2026-11-22T12:00:00.000Z' },
      { seq: 1, by: 'ana', kind: 'resumed', at: '2026-11-22T12:00:00.000Z' },
      { seq: 2, by: 'ana', kind: 'paused', at: '2026-11-22T12:00:00.000Z' },
    ]);
    expect(records[0]!.prev).toBe('');
    expect(records[2]!.prev).toBe(records[1]!.hash);
    expect(head).toEqual({ seq: 2, hash: records[2]!.hash });
  });

  it.each([
    ['a changed word', (l: string[]) => [l[0]!, l[1]!.replace('ana', 'eve'), l[2]!], 2, 'content'],
    ['a missing line', (l: string[]) => [l[0]!, l[2]!], 2, 'expected record 1'],
    ['two lines exchanged', (l: string[]) => [l[1]!, l[0]!, l[2]!], 1, 'expected record 0'],
    ['a line of another kind', (l: string[]) => [l[0]!, '{"hello":1}', l[2]!], 2, 'not a record'],
    [
      'a fraction that no record has',
      (l: string[]) => [l[0]!.replace('"index":0', '"index":0.5')],
      1,
      'content',
    ],
  ])('finds %s with its position', (_, change, line, reason) => {
    const stateDir = logOf(3);
    const before = readFileSync(auditFileOf(stateDir), 'utf8').split('\n');
    edit(stateDir, change);
    const { fault } = readAuditLog(stateDir);
    expect(fault).toMatchObject({ line, reason: expect.stringContaining(reason) as string });
    expect(fault!.byteOffset).toBe(line === 1 ? 0 : before[0]!.length + 1);
  });

  it('finds any one changed byte, wherever it is', () => {
    const stateDir = logOf(4);
    const file = auditFileOf(stateDir);
    const sound = readFileSync(file);
    fc.assert(
      fc.property(fc.nat(sound.length - 2), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = Buffer.from(sound);
        bytes[at] = bytes[at]! ^ flip;
        writeFileSync(file, bytes);
        const { fault, records, tornBytes } = readAuditLog(stateDir);
        // A newline that is gone may also leave an unfinished end; never four sound records.
        expect(fault !== null || records.length < 4 || tornBytes > 0).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('sets an unfinished last line aside and goes on', () => {
    const stateDir = logOf(2);
    appendFileSync(auditFileOf(stateDir), '{"seq":2,"pre');
    expect(readAuditLog(stateDir)).toMatchObject({ fault: null, tornBytes: 13 });
    openAuditLog({ stateDir, now: () => AT }).append({ kind: 'left', by: 'ben' });
    const { records, fault, tornBytes } = readAuditLog(stateDir);
    expect({ fault, tornBytes, kinds: records.map(({ kind }) => kind) }).toEqual({
      fault: null,
      tornBytes: 0,
      kinds: ['paused', 'resumed', 'left'],
    });
  });

  it('adds nothing to a record that was changed', () => {
    const stateDir = logOf(2);
    edit(stateDir, (lines) => [lines[0]!, lines[1]!.replace('ana', 'eve')]);
    const audit = openAuditLog({ stateDir, now: () => AT });
    expect(() => audit.append({ kind: 'left', by: 'ben' })).toThrow(
      expect.objectContaining({ code: 'ERR_AUDIT_CHAIN' }) as Error,
    );
  });

  it('keeps one chain while several processes write', async () => {
    const stateDir = logOf(1);
    // So few that on a slow disk nobody waits for the others as long as a writer waits.
    const each = 8;
    const children = [1, 2, 3].map((child) =>
      fork(
        new URL('./audit-writer.ts', import.meta.url),
        [stateDir, `writer-${child}`, String(each)],
        { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
      ),
    );
    await Promise.all(children.map((child) => once(child, 'message')));
    for (const child of children) child.send('go');
    const codes = await Promise.all(
      children.map((child) => new Promise((resolve) => child.once('exit', resolve))),
    );
    expect(codes).toEqual([0, 0, 0]);
    const { records, fault } = readAuditLog(stateDir);
    expect(fault).toBeNull();
    expect(records).toHaveLength(1 + 3 * each);
    for (const writer of ['writer-1', 'writer-2', 'writer-3']) {
      const own = records.filter(({ by }) => by === writer).map(({ body }) => body['index']);
      expect(own).toEqual(Array.from({ length: each }, (_, index) => index));
    }
  });
});

import { describe, expect, it } from 'vitest';

import { hospitalLog } from './hospital-log.js';
import { searchIn } from './raw-identifiers.js';

const NAME = 'H1.nurse.0042';

describe('the search of blocks for raw identifiers', () => {
  it('finds a text as it is and in hexadecimal, and says how', () => {
    expect(searchIn([Buffer.from(`{"actor":"${NAME}"}`)])(NAME)).toBe('text');
    expect(searchIn([Buffer.from(Buffer.from(NAME).toString('hex'))])(NAME)).toBe('hexadecimal');
  });

  it.each([0, 1, 2, 3, 4, 5])('finds it in base64 behind %i other bytes', (before) => {
    const value = Buffer.from(`${'x'.repeat(before)}${NAME}, and more`).toString('base64');
    expect(searchIn([Buffer.from(value)])(NAME)).toBe('base64');
  });

  it.each([60, 61, 62, 63])('finds it across a line break of a certificate, at %i', (at) => {
    const digits = Buffer.from(`${'x'.repeat((at * 3) / 4)}${NAME}${'y'.repeat(40)}`);
    const lines = digits.toString('base64').match(/.{1,64}/g)!;
    expect(searchIn([Buffer.from(lines.join('\n'))])(NAME)).toBe('base64');
  });

  it('finds nothing where there is nothing', () => {
    expect(searchIn([])(NAME)).toBeNull();
    expect(searchIn([Buffer.from('H1.nurse.0043')])(NAME)).toBeNull();
  });
});

describe('the log that is played to ledgers', () => {
  it('is of several people and a service account, with names long enough to be found by chance never', () => {
    const { calls, rawIdentifiers } = hospitalLog();
    expect(new Set(calls.map(({ actor }) => actor)).size).toBeGreaterThan(3);
    expect(rawIdentifiers.filter((text) => text.includes('-P')).length).toBeGreaterThan(10);
    for (const raw of rawIdentifiers) expect(raw.length).toBeGreaterThanOrEqual(8);
  });
});

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  claimDirectory,
  readRecord,
  wipeDirectory,
  writeRecord,
} from '../../src/network/record.js';
import type { NetworkOptions } from '../../src/network/topology.js';

const refusal = expect.objectContaining({ code: 'ERR_NETWORK_DIRECTORY' }) as Error;

describe("a network's directory", () => {
  let root: string;
  let options: NetworkOptions;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'network-record-'));
    options = {
      dir: join(root, 'network'),
      hospitalCount: 5,
      ordering: 'bft',
      portBase: 7050,
      batch: { timeoutMs: 50, messagesMax: 200 },
    };
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('says what it was made with', () => {
    claimDirectory(options.dir);
    expect(readRecord(options.dir)).toBeNull();
    writeRecord(options);
    expect(readRecord(options.dir)).toMatchObject(options);
    claimDirectory(options.dir);
  });

  it("is never somebody else's", () => {
    writeFileSync(join(root, 'thesis.tex'), '');
    expect(() => claimDirectory(root)).toThrow(refusal);
    expect(() => wipeDirectory(root)).toThrow(refusal);
    expect(existsSync(join(root, 'thesis.tex'))).toBe(true);
  });

  it('is removed whole, and wiping what is not there is no error', () => {
    claimDirectory(options.dir);
    writeRecord(options);
    wipeDirectory(options.dir);
    expect(existsSync(options.dir)).toBe(false);
    wipeDirectory(options.dir);
  });

  it('refuses a record of another version, and broken ones, by name', () => {
    claimDirectory(options.dir);
    writeRecord(options);
    const file = join(options.dir, 'network.json');
    const record = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...record, version: 99 }));
    expect(() => readRecord(options.dir)).toThrow(/network\.json: expected version 1, got 99/);
    writeFileSync(file, '{');
    expect(() => readRecord(options.dir)).toThrow(refusal);
    writeFileSync(file, JSON.stringify({ ...record, hospitalCount: 77 }));
    expect(() => readRecord(options.dir)).toThrow(/got 77/);
  });
});

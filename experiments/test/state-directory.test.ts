import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  clearUnfinishedSetup,
  lockState,
  readDemoRecord,
  statePaths,
  type StatePaths,
} from '../src/demo/state-directory.js';

let folder: string;
let paths: StatePaths;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bhs-state-'));
  paths = statePaths(folder);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a state folder', () => {
  it('is held by one demo at a time', () => {
    const lock = lockState(paths, process.pid);
    expect(() => lockState(paths, process.pid)).toThrow(
      expect.objectContaining({ code: 'ERR_DEMO_STATE_LOCKED' }) as Error,
    );
    lock.release();
    lockState(paths, process.pid).release();
  });

  it('is taken over from a process that is gone', () => {
    // No process has this id: it is above the kernel's largest.
    writeFileSync(paths.lock, '4194305\n');
    lockState(paths, process.pid).release();
  });

  it('of another version is refused with both versions', () => {
    writeFileSync(paths.demo, JSON.stringify({ stateVersion: 99 }));
    expect(() => readDemoRecord(paths)).toThrow(/expected state version 4, got 99/);
  });

  it('with a broken record is refused', () => {
    writeFileSync(paths.demo, '{"stateVersion":');
    expect(() => readDemoRecord(paths)).toThrow(
      expect.objectContaining({ code: 'ERR_DEMO_STATE_VERSION' }) as Error,
    );
  });

  it('loses an interrupted set-up, and nothing that is not ours', () => {
    mkdirSync(paths.logs);
    writeFileSync(join(paths.logs, 'H1.jsonl'), '');
    clearUnfinishedSetup(paths);
    expect(readdirSync(folder)).toEqual([]);
    writeFileSync(join(folder, 'thesis.docx'), 'mine');
    mkdirSync(paths.logs);
    expect(() => clearUnfinishedSetup(paths)).toThrow(
      expect.objectContaining({ code: 'ERR_DEMO_STATE_FOREIGN' }) as Error,
    );
    expect(readdirSync(folder).sort()).toEqual(['logs', 'thesis.docx']);
  });
});

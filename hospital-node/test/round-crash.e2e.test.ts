/** kill -9 between every two durable steps of a round (F02 of the fault matrix), with real processes and a real disk. */
import { fork } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex, verifyLedger, type LedgerRecord } from '@bhschain/dp';
import { describe, expect, it, vi } from 'vitest';
import type { RoundStep } from '../src/round/round-agent.js';
import { factsOf } from './paper-federation.js';
import { temporaryFolder } from './temporary-folder.js';

vi.setConfig({ testTimeout: 120_000 });

async function run(
  folder: string,
  step: RoundStep | 'none',
  insists = '',
): Promise<string | number | null> {
  const child = fork(new URL('./crashing-node.ts', import.meta.url), [folder, step, insists], {
    execArgv: ['--import', 'tsx'],
    stdio: 'inherit',
  });
  return new Promise((resolve) =>
    child.once('exit', (code, signal) => {
      resolve(signal ?? code);
    }),
  );
}

function ledgerOf(folder: string): readonly LedgerRecord[] {
  return verifyLedger(readFileSync(join(folder, 'privacy-ledger.jsonl'), 'utf8')).records;
}

const kinds = (folder: string): string[] => ledgerOf(folder).map((record) => record.kind);

function releaseDigests(folder: string): string[] {
  return readdirSync(join(folder, 'releases')).map((name) =>
    sha256Hex(new Uint8Array(readFileSync(join(folder, 'releases', name)))),
  );
}

describe('a node killed with -9', () => {
  it('before the debit has spent nothing and takes the work again', async () => {
    const folder = temporaryFolder();
    expect(await run(folder, 'accepted-work')).toBe('SIGKILL');
    expect(kinds(folder)).not.toContain('debited');
    expect(await run(folder, 'none')).toBe(0);
    expect(kinds(folder).filter((kind) => kind === 'debited')).toHaveLength(1);
    expect(factsOf(join(folder, 'orchestrator.jsonl'))).toMatchObject([{ kind: 'submitted' }]);
  });

  it.each(['debited', 'trained'] as const)(
    'when %s, but before anything was kept, stays spent and never trains the interval again',
    async (step) => {
      const folder = temporaryFolder();
      expect(await run(folder, step)).toBe('SIGKILL');
      expect(kinds(folder).at(-1)).toBe('debited');
      expect(releaseDigests(folder)).toEqual([]);
      expect(await run(folder, 'none')).toBe(0);
      expect(kinds(folder)).toEqual(['opened', 'plan-approved', 'debited', 'abandoned']);
      expect(releaseDigests(folder)).toEqual([]);
      expect(factsOf(join(folder, 'orchestrator.jsonl'))).toMatchObject([{ kind: 'declined' }]);
    },
  );

  it.each(['persisted', 'released', 'sending', 'submitted', 'acknowledged'] as const)(
    'when %s sends the same bytes after a restart, and ε is spent once',
    async (step) => {
      const folder = temporaryFolder();
      expect(await run(folder, step)).toBe('SIGKILL');
      const [kept] = releaseDigests(folder);
      expect(kept).toBeDefined();
      // The orchestrator asks again, as it would if the reply had been lost.
      expect(await run(folder, 'none', 'insists')).toBe(0);
      const facts = factsOf(join(folder, 'orchestrator.jsonl'));
      expect(facts.length).toBeGreaterThan(0);
      for (const fact of facts) expect(fact).toMatchObject({ kind: 'submitted', update: kept });
      expect(releaseDigests(folder)).toEqual([kept]);
      const records = ledgerOf(folder);
      expect(records.filter((record) => record.kind === 'debited')).toHaveLength(1);
      expect(records.filter((record) => record.kind === 'released')).toMatchObject([
        { body: { digest: kept } },
      ]);
      const debit = records.find((record) => record.kind === 'debited')!;
      for (const fact of facts) expect(fact.ledgerSeq).toBeGreaterThanOrEqual(debit.seq);
      // And when the round is over, it is settled.
      expect(await run(folder, 'none')).toBe(0);
      expect(ledgerOf(folder).at(-1)).toMatchObject({ kind: 'settled', body: { included: true } });
    },
  );
});

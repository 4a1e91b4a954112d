import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listEgress, showLedger, verifyLedgerCommand } from '../src/commands/ledger-command.js';
import { previewUpdate } from '../src/commands/preview-command.js';
import { pauseCommand } from '../src/commands/status-command.js';
import type { NodeConfig } from '../src/config.js';
import { examine, fail, pass, skip, warn } from '../src/doctor/check.js';
import { localChecks } from '../src/doctor/local-checks.js';
import { isPaused, openNodeDatabase } from '../src/store/index.js';
import { roundBench, SLOT } from './round-bench.js';
import { temporaryFolder } from './temporary-folder.js';

const never = new AbortController().signal;

/** A state directory in which one round has run. */
async function stateAfterOneRound(): Promise<{ config: NodeConfig; folder: string }> {
  const folder = temporaryFolder();
  const bench = await roundBench(folder, { paper: { sealed: true } });
  await bench.agent.poll(never);
  await bench.agent.poll(never);
  await bench.close();
  const actorsFile = join(folder, 'actors.jsonl');
  const actor = {
    actor: 'nurse-0',
    pseudonym: 'p',
    ledgerActor: 'a'.repeat(32),
    role: 'nurse',
    ward: 'W1',
  };
  writeFileSync(actorsFile, `${JSON.stringify(actor)}\n`);
  const config: NodeConfig = {
    nodeId: 'H1',
    mspId: 'H1MSP',
    stateDir: folder,
    log: { file: join(folder, 'H1.jsonl'), format: 'native', liveFromMs: null, watermarkMs: 0 },
    windows: { binMs: 21_600_000, retentionDays: 35 },
    federation: {
      id: 'fed',
      address: '127.0.0.1:1',
      tls: { ca: '', cert: join(folder, 'none.pem'), key: join(folder, 'none.pem') },
      signerCa: '',
    },
    fabric: {
      endpoints: [],
      tlsRoot: '',
      channel: 'c',
      chaincode: 'b',
      cert: join(folder, 'none.pem'),
      key: join(folder, 'none.pem'),
    },
    privacy: {
      ceilings: {
        epsilonPerRound: 0.5,
        actorEpsilon: 8,
        actorHorizonDays: 30,
        windowsPerActorMax: 1,
      },
      approvedPlans: null,
    },
    http: { host: '127.0.0.1', port: 0 },
    actorsFile,
    peopleDir: folder,
    consoleDir: null,
    vocabulary: null,
    timeGranularity: 'exact',
    training: { threads: 1 },
    logLevel: 'silent',
  };
  return { config, folder };
}

describe('the operator’s commands', () => {
  it('show, verify and list what a round left', async () => {
    const { config } = await stateAfterOneRound();
    expect(showLedger(config).sentences.map((line) => line.split(/\s+/)[2])).toEqual([
      'opened',
      'plan-approved',
      'debited',
      'released',
      'sent',
      'acknowledged',
      'settled',
    ]);
    expect(verifyLedgerCommand(config)).toMatchObject({
      exitCode: 0,
      facts: { records: 7, faults: [] },
    });
    expect(listEgress(config).facts).toMatchObject({
      releases: [{ slotIndex: SLOT, verdict: 'accepted', included: true, byteCount: 11_824 }],
    });
  });

  it('preview the next update without drawing or debiting anything', async () => {
    const { config } = await stateAfterOneRound();
    const before = showLedger(config).facts;
    const { facts, exitCode } = previewUpdate(config);
    expect(exitCode).toBe(0);
    expect(facts).toMatchObject({
      releases: [{ name: 'update', shape: [2956], bytes: 11_824, destination: '127.0.0.1:1' }],
      spent: { rounds: 1 },
      after: { rounds: 2 },
    });
    const { spent, after } = facts as Record<'spent' | 'after', { actorEpsilonRdp: number }>;
    expect(after.actorEpsilonRdp).toBeGreaterThan(spent.actorEpsilonRdp);
    expect(showLedger(config).facts).toEqual(before);
  });

  it('notice a release that was changed, removed or added behind the ledger’s back', async () => {
    const { config, folder } = await stateAfterOneRound();
    writeFileSync(join(folder, 'releases', `${'0'.repeat(64)}.update`), 'x');
    const outcome = verifyLedgerCommand(config);
    expect(outcome.exitCode).toBe(2);
    expect(outcome.sentences.at(-1)).toContain('in no record');
  });

  it('fail with the position when the ledger was changed', async () => {
    const { config, folder } = await stateAfterOneRound();
    writeFileSync(join(folder, 'privacy-ledger.jsonl'), '{}\n');
    expect(verifyLedgerCommand(config)).toMatchObject({
      exitCode: 2,
      facts: { code: 'ERR_LEDGER_CORRUPT' },
    });
  });

  it('pause and resume a node that may be running', async () => {
    const { config, folder } = await stateAfterOneRound();
    const database = openNodeDatabase({ file: join(folder, 'node.sqlite') });
    await pauseCommand(config, true);
    expect(await isPaused(database)).toBe(true);
    await pauseCommand(config, false);
    expect(await isPaused(database)).toBe(false);
    await database.destroy();
  });
});

describe('the doctor', () => {
  it('says for each code what it found and what to do, and never passes over a fault', async () => {
    const { config } = await stateAfterOneRound();
    const findings = await examine(localChecks(config, 0));
    const codes = findings.map((finding) => finding.code);
    expect(new Set(codes).size, 'codes are unique').toBe(codes.length);
    const state = (code: string): string | undefined =>
      findings.find((each) => each.code === code)?.state;
    expect(state('RUN-007')).toBe('PASS');
    expect(state('DAT-002')).toBe('PASS');
    expect(state('MOD-003')).toBe('PASS');
    expect(state('PRV-001')).toBe('PASS');
    expect(state('PRV-003')).toBe('PASS');
    expect(state('STO-001')).toBe('PASS');
    expect(state('IDN-001'), 'the certificate is missing').toBe('FAIL');
    for (const finding of findings) {
      expect(finding.sentence).not.toBe('');
      expect(finding.fix === '', finding.code).toBe(finding.state === 'PASS');
    }
  });

  it('takes a check that throws for a failure', async () => {
    const findings = await examine([
      { code: 'A', look: () => pass('fine.') },
      { code: 'B', look: () => Promise.reject(new Error('broken')) },
      { code: 'C', look: () => skip('no.', 'do.') },
      { code: 'D', look: () => warn('hm.', 'do.') },
      { code: 'E', look: () => fail('no.', 'do.') },
    ]);
    expect(findings.map((finding) => finding.state)).toEqual([
      'PASS',
      'FAIL',
      'SKIP',
      'WARN',
      'FAIL',
    ]);
  });
});

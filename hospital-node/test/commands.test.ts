import { readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson, sha256Hex, verifyLedger, type JsonObject } from '@bhschain/dp';
import { describe, expect, it } from 'vitest';
import {
  exportLedger,
  listEgress,
  showEgress,
  showLedger,
  verifyLedgerCommand,
} from '../src/commands/ledger-command.js';
import { checkUpgrade } from '../src/commands/upgrade-command.js';
import { previewUpdate } from '../src/commands/preview-command.js';
import { pauseCommand } from '../src/commands/status-command.js';
import type { NodeConfig } from '../src/config.js';
import { examine, fail, pass, skip, verdictOf, warn, type Finding } from '../src/doctor/check.js';
import { auditFileOf, openAuditLog, readAuditLog } from '../src/audit/audit-log.js';
import { doctorCommand, examineNode } from '../src/commands/doctor-command.js';
import { allChecks, only, preChecks } from '../src/doctor/all-checks.js';
import { writeBundle } from '../src/doctor/bundle.js';
import { createContext } from '../src/doctor/context.js';
import { isPaused, openNodeDatabase } from '../src/store/index.js';
import { MIGRATIONS } from '../src/store/migrations.js';
import type { PaperFederationOptions } from './paper-federation.js';
import { parameterCount, roundBench, SLOT } from './round-bench.js';
import { smallPlan } from './small-plan.js';
import { temporaryFolder } from './temporary-folder.js';

const never = new AbortController().signal;

/** A state directory in which one round has run. */
async function stateAfterOneRound(
  paper: Partial<PaperFederationOptions> = {},
): Promise<{ config: NodeConfig; folder: string }> {
  const folder = temporaryFolder();
  const bench = await roundBench(folder, { paper: { sealed: true, ...paper } });
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
      chaincodeMetrics: null,
      serviceEpochMinutes: null,
    },
    privacy: {
      ceilings: {
        epsilonPerRound: 0.5,
        actorEpsilon: 8,
        actorHorizonDays: 30,
        windowsPerActorMax: 1,
      },
      approvedPlans: null,
      declareBudget: false,
    },
    secondLine: {
      daysPerDay: 5,
      calibrationDays: 14,
      relationsFile: null,
      staffFile: null,
      patientsFile: null,
    },
    http: { host: '127.0.0.1', port: 0 },
    signIn: { local: true, provider: null },
    actorsFile,
    peopleDir: folder,
    consoleDir: null,
    vocabulary: null,
    timeGranularity: 'exact',
    training: { threads: 1 },
    store: { url: null, passwordFile: null },
    backup: { stampFile: null },
    tracing: { setupModule: null },
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
      releases: [{ slotIndex: SLOT, verdict: 'accepted', included: true, byteCount: 16_096 }],
    });
  });

  it('show one release by slot or digest, with the promise of its plan', async () => {
    const { config, folder } = await stateAfterOneRound();
    const { releases } = listEgress(config).facts as {
      releases: readonly { digest: string; file: string }[];
    };
    const { digest, file } = releases[0]!;
    const shown = showEgress(config, String(SLOT));
    expect(shown).toMatchObject({
      exitCode: 0,
      facts: { digest, verdict: 'accepted', fault: null, statement: { unit: 'window' } },
    });
    expect(showEgress(config, digest.slice(0, 12))).toEqual(shown);
    for (const which of ['1', digest.slice(0, 7), '']) {
      expect(() => showEgress(config, which)).toThrow(/expected the slot/);
    }
    writeFileSync(join(folder, file), 'other bytes');
    expect(showEgress(config, String(SLOT)).exitCode).toBe(2);
  });

  it('export the ledger so that its chain can be checked elsewhere, and overwrite nothing', async () => {
    const { config, folder } = await stateAfterOneRound();
    const out = join(folder, 'export.json');
    const { facts } = exportLedger(config, out);
    const text = readFileSync(out, 'utf8');
    const exported = JSON.parse(text) as { records: readonly JsonObject[]; head: { hash: string } };
    expect(facts).toMatchObject({ records: 7, sha256: sha256Hex(text) });
    const lines = exported.records.map((record) => `${canonicalJson(record)}\n`).join('');
    expect(verifyLedger(lines).head?.hash).toBe(exported.head.hash);
    expect(exported).toMatchObject({ nodeId: 'H1', spent: { rounds: 1 } });
    expect(() => exportLedger(config, out)).toThrow('exists already');
    expect(readFileSync(out, 'utf8')).toBe(text);
  });

  it('say before an upgrade what stands in its way', async () => {
    const { config, folder } = await stateAfterOneRound();
    const verdicts = async (): Promise<readonly (string | undefined)[]> =>
      (await checkUpgrade(config)).sentences.map((sentence) => sentence.split(':')[0]);
    expect(await verdicts()).toEqual([
      'ready  configuration',
      'ready  database',
      'ready  privacy ledger',
      'ready  rounds',
    ]);
    const ledger = join(folder, 'privacy-ledger.jsonl');
    const whole = readFileSync(ledger, 'utf8');
    writeFileSync(ledger, `${whole.split('\n').slice(0, 4).join('\n')}\n`); // debited and released, not sent
    expect(await verdicts()).toContain('wait  rounds');
    expect((await checkUpgrade(config)).exitCode).toBe(1);
    writeFileSync(ledger, '{}\n');
    expect(await verdicts()).toContain('stop  privacy ledger');
    expect((await checkUpgrade(config)).exitCode).toBe(2);
  });

  it('notice before an upgrade that the database is older, or of a newer program', async () => {
    const { config, folder } = await stateAfterOneRound();
    const file = join(folder, 'node.sqlite');
    const [first] = MIGRATIONS;
    rmSync(file, { force: true });
    await (await openNodeDatabase({ file, migrations: [first!] })).destroy();
    expect((await checkUpgrade(config)).sentences[1]).toMatch(/^ready .* older/);
    rmSync(file);
    const newer = { name: 'from-the-future', sql: 'CREATE TABLE later (x INTEGER) STRICT;' };
    await (await openNodeDatabase({ file, migrations: [...MIGRATIONS, newer] })).destroy();
    const { exitCode, sentences } = await checkUpgrade(config);
    expect(exitCode).toBe(2);
    expect(sentences[1]).toContain('from-the-future');
  });

  it('preview the next update without drawing or debiting anything', async () => {
    const { config } = await stateAfterOneRound();
    const before = showLedger(config).facts;
    const { facts, exitCode } = previewUpdate(config);
    expect(exitCode).toBe(0);
    expect(facts).toMatchObject({
      releases: [{ name: 'update', shape: [4024], bytes: 16_096, destination: '127.0.0.1:1' }],
      spent: { rounds: 1 },
      after: { rounds: 2 },
    });
    const { spent, after } = facts as Record<'spent' | 'after', { actorEpsilonRdp: number }>;
    expect(after.actorEpsilonRdp).toBeGreaterThan(spent.actorEpsilonRdp);
    expect(showLedger(config).facts).toEqual(before);
  });

  it('preview the second release where the plan has one, by name, size, noise and purpose', async () => {
    const plan = smallPlan({ parameterCount, histogramExponent: 4 });
    const { config } = await stateAfterOneRound({ plan });
    const { facts, sentences } = previewUpdate(config);
    expect(facts).toMatchObject({
      releases: [
        { name: 'update', bytes: 16_096 },
        { name: 'score-histogram', shape: [64], bytes: 256, noiseDeviation: 16 },
      ],
    });
    expect(sentences.join('\n')).toMatch(/Second release, under the same debit: 'score-histogram'/);
    // The privacy statement speaks of it too, there and where a release that left is shown.
    expect(sentences.join('\n')).toMatch(/Beside the update leaves "score-histogram"/);
    expect(showEgress(config, String(SLOT)).sentences.join('\n')).toMatch(/"score-histogram"/);
    expect(listEgress(config).facts).toMatchObject({ releases: [{ byteCount: 16_096 + 256 }] });
    expect(verifyLedgerCommand(config)).toMatchObject({ exitCode: 0 });
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
    const database = await openNodeDatabase({ file: join(folder, 'node.sqlite') });
    const operator = { by: 'ana', nowMs: () => 0 };
    await pauseCommand(config, { ...operator, paused: true });
    expect(await isPaused(database)).toBe(true);
    await pauseCommand(config, { ...operator, paused: false });
    expect(await isPaused(database)).toBe(false);
    expect(readAuditLog(folder).records.map(({ by, kind }) => `${by} ${kind}`)).toEqual([
      'ana paused',
      'ana resumed',
    ]);
    await database.destroy();
  });
});

/** Every code of the design document, and those that we added. */
const CODES: Readonly<Record<string, number>> = {
  RUN: 7,
  SGN: 2,
  CFG: 4,
  NET: 10,
  TIM: 3,
  IDN: 6,
  FAB: 6,
  DAT: 8,
  MOD: 4,
  PRV: 7,
  STO: 9,
  OBS: 4,
};

async function examined(config: NodeConfig, pre = false): Promise<readonly Finding[]> {
  return examineNode(config, { pre, only: [], now: () => Date.now(), jitter: () => 0.5 });
}

describe('the doctor', () => {
  it('has every check of the design, each under one code', async () => {
    const { config } = await stateAfterOneRound();
    const context = createContext(config, { now: () => 0, jitter: () => 0 });
    const codes = allChecks(context).map(({ code }) => code);
    const expected = Object.entries(CODES).flatMap(([group, count]) =>
      Array.from({ length: count }, (_, index) => `${group}-${String(index + 1).padStart(3, '0')}`),
    );
    expect([...codes].sort()).toEqual([...expected].sort());
    expect(only(allChecks(context), ['TIM', 'IDN-002']).map(({ code }) => code)).toEqual([
      'TIM-001',
      'TIM-002',
      'TIM-003',
      'IDN-002',
    ]);
    expect(preChecks(config, context).length).toBeGreaterThan(15);
    await context.close();
  });

  it('says for each code what it found and what to do, and never passes over a fault', async () => {
    const { config } = await stateAfterOneRound();
    const findings = await examined(config);
    const state = (code: string): string | undefined =>
      findings.find((each) => each.code === code)?.state;
    for (const sound of [
      'RUN-007',
      'DAT-002',
      'DAT-005',
      'MOD-003',
      'PRV-001',
      'PRV-003',
      'STO-001',
    ]) {
      expect(state(sound), sound).toBe('PASS');
    }
    expect(state('PRV-004'), 'nobody here has signed the plan').toBe('WARN');
    expect(state('IDN-001'), 'the certificate is missing').toBe('FAIL');
    expect(state('NET-002'), 'nobody listens on port 1').toBe('FAIL');
    expect(state('TIM-001'), 'what was not reached is skipped, never passed').toBe('SKIP');
    expect(state('FAB-001')).toBe('FAIL');
    expect(state('FAB-006')).toBe('SKIP');
    for (const finding of findings) {
      expect(finding.sentence, finding.code).toMatch(/[.)]$/);
      expect(finding.fix === '', finding.code).toBe(finding.state === 'PASS');
    }
    expect(verdictOf(findings).exitCode).toBe(2);
  });

  it('notices a clock that was set back, a changed audit log, and a backup that is too old', async () => {
    const { config, folder } = await stateAfterOneRound();
    const stampFile = join(folder, 'backup-is-through');
    writeFileSync(stampFile, '');
    utimesSync(stampFile, 0, 0);
    const changed = { ...config, backup: { stampFile } };
    openAuditLog({ stateDir: folder, now: () => Date.now() + 3_600_000 }).append({
      kind: 'paused',
      by: 'ana',
    });
    const look = async (...codes: string[]): Promise<readonly Finding[]> =>
      examineNode(changed, { pre: false, only: codes, now: () => Date.now(), jitter: () => 0 });
    const [clock, backup, audit] = await look('TIM-003', 'STO-006', 'OBS-004');
    expect(clock).toMatchObject({
      state: 'FAIL',
      sentence: expect.stringContaining('3600 s') as string,
    });
    expect(backup).toMatchObject({ state: 'WARN' });
    expect(audit).toMatchObject({ state: 'PASS' });
    const file = auditFileOf(folder);
    writeFileSync(file, readFileSync(file, 'utf8').replace('ana', 'eve'));
    expect(await look('OBS-004')).toMatchObject([
      { state: 'FAIL', sentence: expect.stringContaining('line 1, byte 0') as string },
    ]);
  });

  it('reports without names, addresses and paths', async () => {
    const { config, folder } = await stateAfterOneRound();
    const file = join(folder, 'bundle.json');
    writeBundle(file, { findings: await examined(config), config, nowMs: 0 });
    const text = readFileSync(file, 'utf8');
    expect(JSON.parse(text)).toMatchObject({ kind: 'bhs-node-doctor', version: 1 });
    for (const secret of [folder, config.federation.address, config.mspId, 'nurse-0']) {
      expect(text).not.toContain(secret);
    }
  });

  it('tells a configuration that does not load under the code of its kind', async () => {
    const { folder } = await stateAfterOneRound();
    const file = join(folder, 'node.yaml');
    writeFileSync(file, 'nodeId: H1\nnoSuchKey: 1\n');
    const { exitCode, facts } = await doctorCommand({
      configFile: file,
      pre: false,
      only: [],
      bundle: null,
      now: () => 0,
      jitter: () => 0,
    });
    expect(exitCode).toBe(2);
    const { findings } = facts as { findings: readonly Finding[] };
    expect(findings.map(({ code, state }) => `${code} ${state}`)).toEqual([
      'CFG-001 FAIL',
      'CFG-002 SKIP',
      'CFG-004 SKIP',
    ]);
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

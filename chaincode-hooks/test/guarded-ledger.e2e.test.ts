import { DETECTOR_ZERO } from '@bhschain/models/detector';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { readBlocks } from '../src/embedded-peer/index.js';
import {
  decodeBlock,
  decodeGuardEvent,
  decodeQuarantineRecord,
  walkBlock,
  type DecodedTransaction,
  type QuarantineRecord,
} from '../src/events.js';
import {
  commit,
  evaluate,
  startGuardedLedger,
  type GuardedLedger,
  type Person,
} from './guarded-ledger-fixture.js';
import { START_MS } from './memory-ledger.js';

const { kernelHash } = DETECTOR_ZERO.detector;

const HOSPITALS = ['H1MSP', 'H2MSP', 'H3MSP'];
const DIGEST = 'd'.repeat(64);
const EXPORT = ['e'.repeat(64), '900000', 'research', 'sensitive'];

describe('the guarded ledger, end to end', () => {
  let ledger: GuardedLedger;
  let ops: Person;
  let nodes: readonly Person[];
  let clerk: Person;
  let analyst: Person;
  let officer: Person;
  const session = '00000000000000a1';

  beforeAll(async () => {
    ledger = await startGuardedLedger(3);
    ops = ledger.person('OpsMSP', 'orchestrator', { role: 'orchestrator' });
    nodes = HOSPITALS.map((mspId) => ledger.person(mspId, 'node', { role: 'hospital-node' }));
    clerk = ledger.person('H1MSP', 'p-1', { role: 'clerk', class: 'person' });
    analyst = ledger.person('H1MSP', 'analyst', { role: 'analyst' });
    officer = ledger.person('H1MSP', 'officer', { role: 'privacy-officer' });
  }, 60_000);
  afterAll(() => ledger.close());

  const transactions = (): readonly DecodedTransaction[] =>
    [...readBlocks(ledger.blocksDir)].flatMap(({ bytes }) => walkBlock(bytes));
  const transaction = (txId: string): DecodedTransaction =>
    transactions().find((one) => one.txId === txId)!;
  const record = async (txId: string): Promise<QuarantineRecord> =>
    decodeQuarantineRecord(
      await analyst.contract.evaluate('QuarantineContract:get', { arguments: [txId] }),
    );

  it('all endorsers run the same code', () => {
    expect(new Set(ledger.codeHashes).size).toBe(1);
  });

  it('a detector becomes active by the attestations of m hospitals', async () => {
    const config = { hospitals: HOSPITALS, attestations: 2, replay: true, vocabulary: null };
    const text = JSON.stringify(config);
    expect((await commit(ops, 'FederationContract:configure', [text])).code).toBe(0);
    const { detectorBytes, tableBytes } = DETECTOR_ZERO;
    const proposal = [
      '0',
      Buffer.from(detectorBytes).toString('base64'),
      Buffer.from(tableBytes).toString('base64'),
      JSON.stringify({
        manifestDigest: '',
        round: '',
        planHash: '',
        unit: 'none',
        epsilonMicro: 0,
        deltaExponent: 0,
      }),
    ];
    const proposed = await commit(ops, 'DetectorContract:propose', proposal);
    expect(proposed.code).toBe(0);
    const { modelHash, tableHash } = proposed.reply as { modelHash: string; tableHash: string };
    const hashes = ['0', modelHash, tableHash, kernelHash, ledger.codeHashes[0]!];
    await commit(nodes[0]!, 'DetectorContract:attest', hashes);
    await expect(commit(ops, 'DetectorContract:activate', ['0'])).rejects.toThrow(
      'ERR_DETECTOR_ATTESTATIONS',
    );
    await commit(nodes[1]!, 'DetectorContract:attest', hashes);
    expect((await commit(ops, 'DetectorContract:activate', ['0'])).code).toBe(0);
    expect(await evaluate(ops, 'DetectorContract:status', [''])).toMatchObject({
      version: 0,
      state: 'active',
      attestations: [{ mspId: 'H1MSP' }, { mspId: 'H2MSP' }],
      active: { version: 0, mode: 'enforce', previous: null },
    });
  });

  it('an ordinary call is scored, runs, and leaves a ticket and one event', async () => {
    // On a Monday morning: what a clerk reads at night is held.
    const opened = await commit(clerk, 'RecordAccessContract:openSession', [
      session,
      'ward 1',
      'operations',
      `at=${START_MS}`,
    ]);
    const read = await commit(clerk, 'RecordAccessContract:requestAccess', [
      session,
      'H1-00000000000000b1',
      'operations',
      'demographics',
      '1',
      `at=${START_MS + 90_000}`,
    ]);
    expect([opened.code, read.code]).toEqual([0, 0]);
    expect(read.reply).toMatchObject({ disposition: 'allowed', result: { ticket: read.txId } });
    const seen = transaction(read.txId);
    expect(seen.function).toBe('RecordAccessContract:requestAccess');
    expect(seen.creator.actor).toBe(clerk.actor);
    expect(seen.endorsers.length).toBeGreaterThanOrEqual(2);
    const event = decodeGuardEvent(seen.event!.payload);
    expect(event).toMatchObject({ kind: 'access', scored: true, modelVersion: 0 });
    expect(JSON.stringify({ event, reply: read.reply })).not.toContain('score"');
  });

  it('a diverted call is released by two people, runs once, and not twice', async () => {
    const held = await commit(clerk, 'RecordAccessContract:export', [session, ...EXPORT, '']);
    expect(held.code).toBe(0);
    expect(held.reply).toEqual({ disposition: 'quarantined', quarantineId: held.txId });
    const writes = transaction(held.txId).writes.map(({ key }) => key[0]);
    expect(writes.sort()).toEqual(['aud', 'ctx', 'q', 'qi']);
    const quarantine = await record(held.txId);
    expect(quarantine.score).toBeGreaterThanOrEqual(870_000);
    expect(quarantine.reasons.length).toBeGreaterThan(0);

    await commit(analyst, 'QuarantineContract:claim', [held.txId, '1']);
    const verdict = ['release', 'benign-expected', DIGEST];
    await commit(analyst, 'QuarantineContract:propose', [held.txId, '2', ...verdict]);
    await expect(commit(analyst, 'QuarantineContract:approve', [held.txId, '3'])).rejects.toThrow(
      'ERR_FOUR_EYES',
    );
    const approved = await commit(officer, 'QuarantineContract:approve', [held.txId, '3']);
    expect(decodeGuardEvent(transaction(approved.txId).event!.payload)).toMatchObject({
      kind: 'review',
      review: { quarantine: held.txId, to: 'released', grant: { actor: clerk.actor } },
    });

    const second = '00000000000000a2';
    const context = `grant=${held.txId}`;
    const again = [second, ...EXPORT, context];
    const used = await commit(clerk, 'RecordAccessContract:export', again);
    expect(used.reply).toMatchObject({ disposition: 'allowed', result: { ticket: used.txId } });
    const refused = await commit(clerk, 'RecordAccessContract:export', again);
    expect(refused.reply).toMatchObject({ disposition: 'quarantined' });
    expect((await record(refused.txId)).cause).toBe('grant-invalid');
  });

  it('of two calls made at once in one session, one is valid', async () => {
    const calls = [1, 2].map((n) =>
      clerk.contract.newProposal('RecordAccessContract:requestAccess', {
        arguments: [session, `H1-00000000000000c${n}`, 'operations', 'demographics', '1', ''],
      }),
    );
    // Both endorsed before either is sent, however slow the machine.
    const endorsed = await Promise.all(calls.map((call) => call.endorse()));
    const sent = await Promise.all(endorsed.map((call) => call.submit()));
    const statuses = await Promise.all(sent.map((call) => call.getStatus()));
    const codes = statuses.map(({ code }) => code as number);
    expect(codes.sort()).toEqual([0, 11]);
    // The invalid one stays in the block, with its code: it is signal.
    expect(transactions().filter(({ code }) => code === 11)).toHaveLength(1);
  });

  it('every block names the one before it', () => {
    const blocks = [...readBlocks(ledger.blocksDir)].map(({ bytes }) => decodeBlock(bytes));
    expect(blocks.length).toBeGreaterThan(5);
    for (const [i, block] of blocks.entries()) {
      expect(block.number).toBe(i);
      expect(block.recomputedDataHash).toBe(block.dataHash);
      if (i > 0) expect(block.previousHash).toBe(blocks[i - 1]!.hash);
    }
  });

  it('records an unknown function', async () => {
    const unknown = await commit(clerk, 'RecordAccessContract:wipe', ['everything']);
    expect(unknown.code).toBe(0);
    expect((await record(unknown.txId)).cause).toBe('unknown-function');
  });

  it('tells its timings on the metrics port', async () => {
    const text = await (await fetch(ledger.metricsUrls[0]!)).text();
    expect(text).toMatch(/^guard_seconds\{quantile="0.99"\} [0-9.e-]+$/m);
    expect(text).toMatch(/^guard_score_seconds\{quantile="0.5"\} [0-9.e-]+$/m);
    expect(text).toContain('guard_calls_total{class="enforce",disposition="quarantined"}');
  });
});

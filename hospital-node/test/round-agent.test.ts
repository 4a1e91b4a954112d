import { createPrivacyPlan, createSecureRandom, encodePlan, type PrivacyPlan } from '@bhschain/dp';
import { decodeReleases, FederationError } from '@bhschain/orchestrator/protocol';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HospitalNodeError } from '../src/errors.js';
import { noiseFault } from '../src/training/noise-fault.js';
import { PERIOD_MS } from './native-log.js';
import { factsOf, type PaperFederationOptions } from './paper-federation.js';
import { INTERVAL, parameterCount, roundBench, SLOT, type RoundBench } from './round-bench.js';
import { seededWords } from './seeded-words.js';
import { smallPlan } from './small-plan.js';
import { temporaryFolder } from './temporary-folder.js';

const never = new AbortController().signal;

async function refused(
  paper: Partial<PaperFederationOptions>,
  agent: Parameters<typeof roundBench>[1] = {},
): Promise<{ code: string | null; reason: string; bench: RoundBench }> {
  const bench = await roundBench(temporaryFolder(), { paper, ...agent });
  await bench.agent.poll(never);
  const facts = factsOf(bench.paperFile);
  expect(facts).toHaveLength(1);
  expect(facts[0]!.kind).toBe('declined');
  expect(bench.ledger.releases(), 'nothing was debited').toEqual([]);
  await bench.close();
  return { code: bench.agent.status().lastRound?.code ?? null, reason: facts[0]!.reason, bench };
}

describe('the round agent', () => {
  it('trains, sends and settles a round', async () => {
    const bench = await roundBench(temporaryFolder(), { paper: { sealed: true } });
    await bench.agent.poll(never);
    const [submitted] = factsOf(bench.paperFile);
    const [release] = bench.ledger.releases();
    expect(submitted).toMatchObject({ kind: 'submitted', update: release!.digest });
    expect(release).toMatchObject({ stage: 'acknowledged', verdict: 'accepted' });
    expect(bench.agent.status()).toMatchObject({
      lastRound: { slotIndex: SLOT, outcome: 'accepted', code: null },
      lastTraining: { windows: 6, contributing: 6, nonFinite: 0 },
    });
    await bench.agent.poll(never);
    expect(bench.ledger.releases()[0]).toMatchObject({ stage: 'settled', included: true });
    await bench.close();
  });

  it('repeats the same bytes until the orchestrator has them', async () => {
    const failures = [
      new FederationError('ERR_UNREACHABLE', 'cut'),
      new FederationError('ERR_BUSY', 'later', { retryAfterMs: 5 }),
      new FederationError('ERR_UNREACHABLE', 'cut'),
    ];
    const bench = await roundBench(temporaryFolder(), { paper: { failures } });
    await bench.agent.poll(never);
    expect(factsOf(bench.paperFile)).toHaveLength(1);
    expect(bench.ledger.releases()).toMatchObject([{ stage: 'acknowledged' }]);
    await bench.close();
  });

  it('does not begin on a privacy ledger that is older than the updates beside it', async () => {
    const folder = temporaryFolder();
    const first = await roundBench(folder, { paper: {} });
    await first.agent.poll(never);
    const spent = first.ledger.releases().map(({ key }) => key);
    expect(spent).toHaveLength(1);
    await first.close();
    rmSync(join(folder, 'privacy-ledger.jsonl'));
    await expect(roundBench(folder, { paper: {} })).rejects.toMatchObject({
      code: 'ERR_LEDGER_ROLLED_BACK',
      message: expect.stringContaining(spent[0]!) as string,
    });
  });

  it('gives up at the deadline, keeps the bytes and sends them when asked again', async () => {
    const folder = temporaryFolder();
    const failures = Array.from(
      { length: 40 },
      () => new FederationError('ERR_UNREACHABLE', 'cut'),
    );
    const first = await roundBench(folder, { paper: { failures, unit: { deadlineInMs: 1_500 } } });
    await first.agent.poll(never);
    expect(first.agent.status().lastRound).toMatchObject({ outcome: 'unreached' });
    const [release] = first.ledger.releases();
    await first.close();
    const again = await roundBench(folder);
    await again.agent.poll(never);
    expect(factsOf(again.paperFile)).toMatchObject([
      { kind: 'submitted', update: release!.digest },
    ]);
    await again.close();
  });

  it('settles a round that closed without it, and does not try again', async () => {
    const failures = [new FederationError('ERR_ROUND_CLOSED', 'too late')];
    const bench = await roundBench(temporaryFolder(), { paper: { failures } });
    await bench.agent.poll(never);
    expect(bench.agent.status().lastRound).toMatchObject({ outcome: 'closed' });
    expect(bench.ledger.releases()).toMatchObject([{ stage: 'settled', included: false }]);
    await bench.close();
  });

  it('sends nothing if the file on disk is not what the ledger recorded', async () => {
    const folder = temporaryFolder();
    const failures = Array.from(
      { length: 40 },
      () => new FederationError('ERR_UNREACHABLE', 'cut'),
    );
    const first = await roundBench(folder, { paper: { failures, unit: { deadlineInMs: 1_500 } } });
    await first.agent.poll(never);
    const [release] = first.ledger.releases();
    const { writeFileSync } = await import('node:fs');
    writeFileSync(first.releases.fileOf(release!.key), Buffer.alloc(parameterCount * 4));
    await first.close();
    const again = await roundBench(folder);
    await again.agent.poll(never);
    expect(again.agent.status().lastRound).toMatchObject({ code: 'ERR_RELEASE_CHANGED' });
    expect(factsOf(again.paperFile)).toMatchObject([{ kind: 'declined' }]);
    await again.close();
  });

  it('takes no slow answer for a wrong clock', async () => {
    const paper = { clockOffsetMs: -6_000, clockErrorMs: 5_900 };
    const bench = await roundBench(temporaryFolder(), { paper });
    await bench.agent.poll(never);
    expect(factsOf(bench.paperFile)).toMatchObject([{ kind: 'submitted' }]);
    expect(bench.agent.status()).toMatchObject({ clockOffsetMs: -6_000, clockSkewMs: 100 });
    await bench.close();
  });

  it('declines with the code of a training that failed; the interval stays spent', async () => {
    const bench = await roundBench(temporaryFolder(), {
      agent: {
        trainer: {
          prepare: () => Promise.resolve(),
          train: () => Promise.reject(new HospitalNodeError('ERR_TRAINING_FAILED', 'worker died')),
        },
      },
    });
    await bench.agent.poll(never);
    expect(factsOf(bench.paperFile)).toMatchObject([{ kind: 'declined', reason: 'local-policy' }]);
    expect(bench.ledger.releases()).toMatchObject([
      { stage: 'abandoned', reason: 'ERR_TRAINING_FAILED' },
    ]);
    await bench.close();
  });
});

describe('a round that also releases the histogram of scores', () => {
  const plan = smallPlan({ parameterCount, histogramExponent: 4 });

  it('hands in both as one object for one debit, and repeats its bytes', async () => {
    const failures = [new FederationError('ERR_UNREACHABLE', 'cut')];
    const folder = temporaryFolder();
    const bench = await roundBench(folder, {
      paper: { plan, failures, sealed: true },
      random: seededWords('histogram'),
    });
    await bench.agent.poll(never);
    const [submitted] = factsOf(bench.paperFile);
    const [release] = bench.ledger.releases();
    expect(bench.ledger.releases()).toHaveLength(1);
    expect(submitted).toMatchObject({
      update: release!.digest,
      releases: [`update ${parameterCount}`, 'score-histogram 64'],
    });
    const { update, scoreHistogram } = decodeReleases(bench.releases.read(release!.key)!, {
      parameterCount,
      histogramBins: 64,
    });
    expect(update.some((entry) => entry !== 0)).toBe(true);
    // Six windows under noise of 16 a count.
    const squares = scoreHistogram!.reduce((sum, count) => sum + count * count, 0);
    expect(squares / 64).toBeGreaterThan((16 * 16) / 3);
    expect(squares / 64).toBeLessThan(16 * 16 * 3);
    expect(release!.event).toEqual(plan.event);
    await bench.agent.poll(never);
    expect(bench.ledger.releases()[0]).toMatchObject({ stage: 'settled', included: true });
    await bench.close();
  });

  it('runs as ever with an orchestrator of before, whose document does not speak of releases', async () => {
    const bench = await roundBench(temporaryFolder(), { paper: { releases: null } });
    await bench.agent.poll(never);
    expect(factsOf(bench.paperFile)).toMatchObject([
      { kind: 'submitted', releases: [`update ${parameterCount}`] },
    ]);
    await bench.close();
  });

  const changed = (change: Partial<PrivacyPlan['releases'][number]>): PrivacyPlan =>
    createPrivacyPlan({ ...plan.spec, releases: [{ ...plan.releases[0]!, ...change }] });
  it.each<[string, string, Partial<PaperFederationOptions>]>([
    ['is in the plan and not in the federation document', 'local-policy', { releases: ['update'] }],
    ['is in the plan of a document that says nothing', 'local-policy', { releases: null }],
    [
      'is in the federation document and not in the plan',
      'local-policy',
      { plan: smallPlan({ parameterCount }), releases: ['update', 'score-histogram'] },
    ],
    ['has other bins', 'version', { plan: changed({ length: 32 }) }],
    ['leaves twice', 'version', { plan: changed({ count: 2 }) }],
    ['is priced for another sensitivity', 'version', { plan: changed({ sensitivityUnits: 2 }) }],
  ])('is declined without a debit if the histogram %s', async (_, reason, paper) => {
    const outcome = await refused({ plan, ...paper });
    expect(outcome).toMatchObject({ code: 'ERR_PLAN_RELEASES', reason });
  });
});

describe('a round over several slots', () => {
  const SLOT_OF_LOG = PERIOD_MS / 2;
  const middle = INTERVAL.fromMs + SLOT_OF_LOG;
  const demo = smallPlan({ parameterCount });
  /** Two windows an actor and period, two slots a period: slot 100 ends with it. */
  const plan = createPrivacyPlan({
    ...demo.spec,
    windowing: { ...demo.windowing, binMs: SLOT_OF_LOG, windowsPerActorMax: 2 },
  });
  const merging = {
    plan,
    mergeSlotsMax: 4,
    replay: { originSlot: SLOT, originLogTimeMs: INTERVAL.toMs, logSlotMs: SLOT_OF_LOG },
  };
  const benchOf = (
    folder: string,
    paper: Partial<PaperFederationOptions> = {},
  ): Promise<RoundBench> =>
    roundBench(folder, { binMs: SLOT_OF_LOG, paper: { ...merging, ...paper } });

  it('trains on the windows of all of them, for one debit', async () => {
    const bench = await benchOf(temporaryFolder());
    await bench.agent.poll(never);
    expect(bench.agent.status()).toMatchObject({
      lastRound: { outcome: 'accepted', code: null },
      lastTraining: { windows: 12 },
    });
    expect(bench.ledger.releases()).toMatchObject([{ interval: INTERVAL, windowsPerActor: 2 }]);
    await bench.close();
  });

  it('leaves out what it has spent in an earlier one, and repeats the same bytes when asked again', async () => {
    const folder = temporaryFolder();
    const first = await benchOf(folder, {
      slotIndex: SLOT - 1,
      interval: { fromMs: INTERVAL.fromMs, toMs: middle },
    });
    await first.agent.poll(never);
    await first.close();
    const second = await benchOf(folder);
    await second.agent.poll(never);
    expect(second.agent.status().lastTraining).toMatchObject({ windows: 6 });
    expect(second.ledger.releases().map(({ interval }) => interval)).toEqual([
      { fromMs: INTERVAL.fromMs, toMs: middle },
      { fromMs: middle, toMs: INTERVAL.toMs },
    ]);
    await second.close();
    const again = await benchOf(folder, { insists: true });
    await again.agent.poll(never);
    const [, sent, repeated] = factsOf(again.paperFile);
    expect(repeated).toMatchObject({ kind: 'submitted', update: sent!.update });
    expect(again.ledger.releases()).toHaveLength(2);
    await again.close();
  });

  it.each<[string, string, Partial<PaperFederationOptions>]>([
    ['where nobody agreed to merge', 'ERR_ROUND_OFF_CALENDAR', { mergeSlotsMax: 1 }],
    ['that ends elsewhere than its slot', 'ERR_ROUND_OFF_CALENDAR', { slotIndex: SLOT + 1 }],
    [
      'of two periods, between which profiles move',
      'ERR_PLAN_WINDOWING',
      {
        slotIndex: SLOT - 1,
        interval: { fromMs: INTERVAL.fromMs - SLOT_OF_LOG, toMs: middle },
      },
    ],
    [
      'of more windows than the plan has priced',
      'ERR_PLAN_WINDOWING',
      { interval: { fromMs: INTERVAL.fromMs - SLOT_OF_LOG, toMs: INTERVAL.toMs } },
    ],
  ])('declines one %s', async (_, code, paper) => {
    const bench = await benchOf(temporaryFolder(), paper);
    await bench.agent.poll(never);
    expect(bench.agent.status().lastRound).toMatchObject({ outcome: 'declined', code });
    expect(bench.ledger.releases()).toEqual([]);
    await bench.close();
  });
});

describe('the round agent refuses', () => {
  const other = smallPlan({ parameterCount, nominalWindows: 400 });

  it.each<[string, string, string, Partial<PaperFederationOptions>]>([
    [
      'a plan under another hash',
      'ERR_PLAN_HASH',
      'local-policy',
      { unit: { plan: encodePlan(other) } },
    ],
    [
      'bytes that are no plan',
      'ERR_PLAN_INVALID',
      'version',
      { unit: { plan: Buffer.from('{}') } },
    ],
    [
      'more bins than an actor may have windows',
      'ERR_PLAN_WINDOWING',
      'local-policy',
      { unit: { interval: { fromMs: INTERVAL.fromMs, toMs: INTERVAL.toMs + PERIOD_MS } } },
    ],
    [
      'a plan that cuts other bins',
      'ERR_PLAN_WINDOWING',
      'local-policy',
      {
        plan: createPrivacyPlan({
          ...other.spec,
          windowing: { ...other.windowing, binMs: PERIOD_MS / 2 },
        }),
      },
    ],
    [
      'a plan with a release that this node cannot make',
      'ERR_PLAN_RELEASES',
      'version',
      {
        plan: createPrivacyPlan({
          ...other.spec,
          releases: [
            { name: 'histogram', length: 64, sensitivityUnits: 1, noiseExponent: 12, count: 1 },
          ],
        }),
      },
    ],
    ['another layout', 'ERR_LAYOUT_OTHER', 'version', { unit: { layoutHash: 'a'.repeat(64) } }],
    [
      'an interval that the calendar gives to another slot',
      'ERR_ROUND_OFF_CALENDAR',
      'local-policy',
      {
        unit: {
          interval: { fromMs: INTERVAL.fromMs - PERIOD_MS, toMs: INTERVAL.toMs - PERIOD_MS },
        },
      },
    ],
    [
      'an older log where no replay is declared',
      'ERR_ROUND_OFF_CALENDAR',
      'local-policy',
      { replay: null },
    ],
    [
      'a slot that ends in the future',
      'ERR_ROUND_OFF_CALENDAR',
      'local-policy',
      {
        replay: null,
        slotLengthMs: PERIOD_MS,
        slotIndex: 1_000_000,
        interval: { fromMs: 999_999 * PERIOD_MS, toMs: 1_000_000 * PERIOD_MS },
      },
    ],
    [
      'another federation',
      'ERR_FEDERATION_OTHER',
      'local-policy',
      { unit: { roundId: { federationId: 'other', slotIndex: SLOT, attempt: 1 } } },
    ],
    ['a skewed clock', 'ERR_CLOCK_SKEW', 'clock', { clockOffsetMs: 6_000 }],
  ])('%s', async (_, code, reason, paper) => {
    const outcome = await refused(paper);
    expect({ code: outcome.code, reason: outcome.reason }).toEqual({ code, reason });
  });

  it('a round that is over before it could answer, without spending for it', async () => {
    const { code, reason } = await refused({ unit: { deadlineInMs: 0 } });
    expect({ code, reason }).toEqual({ code: 'ERR_ROUND_LATE', reason: 'not-ready' });
  });

  it('a plan that this hospital did not approve', async () => {
    const { code } = await refused({}, { agent: { approvedPlans: ['f'.repeat(64)] } });
    expect(code).toBe('ERR_PLAN_NOT_APPROVED');
  });

  it('everything while paused, and while the log is not followed', async () => {
    expect(await refused({}, { agent: { isPaused: () => true } })).toMatchObject({
      code: 'ERR_PAUSED',
      reason: 'paused',
    });
    const fault = new HospitalNodeError('ERR_LOG_MALFORMED', 'too many');
    expect(await refused({}, { agent: { notReady: () => fault } })).toMatchObject({
      code: 'ERR_LOG_MALFORMED',
      reason: 'not-ready',
    });
  });

  it('everything where the noise failed its look at the start, without spending for it', async () => {
    const fault = noiseFault(createSecureRandom((bytes) => bytes.fill(7)));
    expect(await refused({}, { agent: { notReady: () => fault } })).toMatchObject({
      code: 'ERR_DP_RANDOM',
      reason: 'not-ready',
    });
  });

  it('a slot at or before one that is spent', async () => {
    const folder = temporaryFolder();
    const first = await roundBench(folder);
    await first.agent.poll(never);
    await first.close();
    const again = await roundBench(folder, {
      paper: {
        slotIndex: SLOT - 1,
        interval: { fromMs: INTERVAL.fromMs - PERIOD_MS, toMs: INTERVAL.toMs - PERIOD_MS },
      },
    });
    await again.agent.poll(never);
    expect(again.agent.status().lastRound).toMatchObject({ code: 'ERR_ROUND_STALE' });
    expect(again.ledger.releases()).toHaveLength(1);
    await again.close();
  });

  it('all rounds when the orchestrator has seen a longer or another ledger', async () => {
    for (const highestLedgerHead of [
      { seq: 12, hash: 'a'.repeat(64) },
      { seq: 0, hash: 'a'.repeat(64) },
    ]) {
      const bench = await roundBench(temporaryFolder(), { paper: { highestLedgerHead } });
      await expect(bench.agent.poll(never)).rejects.toMatchObject({
        code: 'ERR_LEDGER_ROLLED_BACK',
      });
      expect(factsOf(bench.paperFile)).toEqual([]);
      expect(bench.ledger.releases()).toEqual([]);
      await bench.close();
    }
  });
});

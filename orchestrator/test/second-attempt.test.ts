/** What the runner does beside the plain course: a second attempt, merged slots, quiet hours, a clock that is wrong. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Federation } from '../src/federation.js';
import type { RoundPolicy } from '../src/round/policy.js';
import { setPaused } from '../src/pause.js';
import { RoundRunner } from '../src/round-runner.js';
import { roundSummary, type RoundSummary } from '../src/status.js';
import type { FederationStore } from '../src/store/store.js';
import {
  bareSigner,
  handTurnedClock,
  openDisk,
  SLOT_MS,
  START_MS,
  temporaryFolder,
  testFederation,
} from './consortium.js';

const clock = handTurnedClock();
let folder: ReturnType<typeof temporaryFolder>;
let store: FederationStore;
let runner: RoundRunner;
let federation: Federation;

async function begin(policy: Partial<RoundPolicy>): Promise<void> {
  clock.now = START_MS;
  const disk = await openDisk(folder.path, clock.now);
  ({ store } = disk);
  federation = testFederation({ policy });
  runner = new RoundRunner({ federation, ...disk, signer: bareSigner(), nowMs: clock.nowMs });
  await runner.initialise();
}

/** Turns the clock in steps, with nodes that say they are ready whenever they are asked. */
async function goOnUntil(atMs: number, ready: readonly string[]): Promise<void> {
  for (; clock.now < atMs; clock.now += 500) {
    await runner.settle();
    await runner.openDueSlot();
    const open = await store.rounds.findOpen();
    if (open?.round.phase !== 'gathering') continue;
    for (const nodeId of ready) {
      await runner.apply(open.round.id, { kind: 'node-ready', nodeId, atMs: clock.now });
    }
  }
}

/** Members whose clocks are so far ahead of ours. */
async function contradict(offsetsMs: readonly number[]): Promise<void> {
  for (const [index, clockOffsetMs] of offsetsMs.entries()) {
    await store.roster.noteClock(`H${index + 1}`, { atMs: clock.now, clockOffsetMs });
  }
}

const rounds = async (): Promise<RoundSummary[]> =>
  (await store.rounds.newest({ limit: 20 })).map((each) => roundSummary(each.round)).reverse();

beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  await store.close();
  folder.remove();
});

describe('a round that missed its quorum', () => {
  const short = { openDelayMs: 0, gatherMaxMs: 1_000, collectMaxMs: 10_000, sealMaxMs: 5_000 };

  it('is tried once more in its slot, with the same plan, base and interval', async () => {
    await begin({ ...short, attemptsPerSlot: 2 });
    await goOnUntil(START_MS + 2 * SLOT_MS - 500, ['H1', 'H2', 'H3']);
    const [first, second, ...more] = await rounds();
    expect(first).toMatchObject({ attempt: 1, outcome: 'quorum-not-reached' });
    expect(second).toMatchObject({ attempt: 2, outcome: 'quorum-not-reached' });
    expect(second!.slotIndex).toBe(first!.slotIndex);
    expect(second!.interval).toEqual(first!.interval);
    expect(more).toEqual([]);
  });

  it.each([
    ['paused', () => setPaused(store, { paused: true, by: 'ana', nowMs: clock.now })],
    ['clock', () => contradict([-6_000, -7_000, 100])],
    ['backlog', () => store.publications.update(0, { state: 'built' })],
  ] as const)(
    'is not tried again when meanwhile its slot would be skipped: %s',
    async (outcome, happens) => {
      await begin({ ...short, attemptsPerSlot: 2, publicationBacklogMax: 1 });
      await store.publications.update(0, { state: 'active' });
      await goOnUntil(START_MS + SLOT_MS + 2_000, ['H1', 'H2', 'H3']);
      expect((await store.rounds.findOpen())?.round.phase).toBe('collecting');
      await happens();
      await goOnUntil(START_MS + 2 * SLOT_MS - 500, ['H1', 'H2', 'H3']);
      expect(await rounds()).toMatchObject([
        { attempt: 1, outcome: 'quorum-not-reached' },
        { attempt: 2, outcome },
      ]);
    },
  );

  it('is not tried again when its phases no longer fit, nor where the policy says once', async () => {
    await begin({ ...short, collectMaxMs: 40_000, attemptsPerSlot: 2 });
    await goOnUntil(START_MS + 2 * SLOT_MS - 500, ['H1', 'H2', 'H3']);
    expect((await rounds()).map((each) => each.attempt)).toEqual([1]);
    await store.close();
    folder.remove();
    folder = temporaryFolder();
    await begin(short);
    await goOnUntil(START_MS + 2 * SLOT_MS - 500, ['H1', 'H2', 'H3']);
    expect((await rounds()).map((each) => each.attempt)).toEqual([1]);
  });
});

describe('catching up', () => {
  it.each([
    ['skip', 1],
    ['latest', 1],
    ['merge', 4],
  ] as const)('%s: six slots away, then one round over %i slots', async (catchUp, slots) => {
    await begin({ catchUp, mergeSlotsMax: 4 });
    clock.now = START_MS + 7 * SLOT_MS + 500;
    await goOnUntil(clock.now + 2_000, []);
    const all = await rounds();
    expect(all.slice(0, -1).map((each) => each.outcome)).toEqual(Array(6).fill('missed'));
    const { interval, outcome } = all.at(-1)!;
    expect(outcome).toBeNull();
    expect(interval).toEqual({
      fromMs: START_MS + (7 - slots) * SLOT_MS,
      toMs: START_MS + 7 * SLOT_MS,
    });
  });
});

describe('slots that are skipped for a reason', () => {
  it('quiet hours', async () => {
    const boundary = new Date(START_MS + SLOT_MS);
    const minute = boundary.getUTCHours() * 60 + boundary.getUTCMinutes();
    const day = (['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const)[boundary.getUTCDay()]!;
    await begin({ quietHours: [{ days: [day], fromMinute: minute, toMinute: minute + 1 }] });
    await goOnUntil(START_MS + 2 * SLOT_MS + 1_000, []);
    expect((await rounds()).map((each) => each.outcome)).toEqual(['quiet-hours', null]);
  });

  it('a clock that most members contradict', async () => {
    await begin({});
    clock.now = START_MS + SLOT_MS;
    await contradict([-6_000, -7_000, 100]);
    await goOnUntil(START_MS + SLOT_MS + 500, []);
    expect(await rounds()).toMatchObject([{ outcome: 'clock' }]);
  });

  it.each([10_000, -10_000, 3_600_000, -3_600_000])(
    'our own clock jumps by %i ms in the middle of a round: no slot runs twice, slots only grow',
    async (jumpMs) => {
      await begin({});
      await goOnUntil(START_MS + SLOT_MS + 2_500, ['H1', 'H2', 'H3']);
      expect((await store.rounds.findOpen())?.round.phase).toBe('collecting');
      clock.now += jumpMs;
      await goOnUntil(clock.now + 3 * SLOT_MS, ['H1', 'H2', 'H3']);
      // And back again, as when somebody mends it.
      clock.now -= jumpMs;
      await goOnUntil(clock.now + 3 * SLOT_MS, ['H1', 'H2', 'H3']);
      const slots = (await rounds()).map((each) => each.slotIndex);
      expect(slots.length).toBeGreaterThan(0);
      expect(slots).toEqual([...new Set(slots)].sort((a, b) => a - b));
    },
  );

  it('one wrong clock of three is that hospital’s own', async () => {
    await begin({});
    clock.now = START_MS + SLOT_MS;
    await contradict([3_600_000, 10, 100]);
    await goOnUntil(START_MS + SLOT_MS + 500, []);
    expect(await rounds()).toMatchObject([{ outcome: null }]);
  });
});

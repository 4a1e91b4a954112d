import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  DETECTOR_ZERO,
  DetectorError,
  PUBLIC_CANARIES,
  decodeDetector,
} from '@bhschain/models/detector';
import { sha256Hex } from '@bhschain/dp';
import { createDetectorBuilder } from '../src/publication/detector-builder.js';
import { followAct } from '../src/publication/channel-votes.js';
import { Publisher } from '../src/publication/publisher.js';
import type { DetectorBuilder } from '../src/publication/detector-builder.js';
import type { ObjectStore } from '../src/store/objects.js';
import type { FederationStore } from '../src/store/store.js';
import { encodeManifest, type Manifest } from '../src/protocol/manifest.js';
import { encodeParameters } from '../src/protocol/parameters.js';
import { scheduleRound } from '../src/round/step.js';
import type { Round } from '../src/round/round.js';
import { baseModelOf } from '../src/lineage.js';
import {
  FEDERATION_ID,
  handTurnedClock,
  MemoryChannel,
  openDisk,
  SLOT_MS,
  START_MS,
  temporaryFolder,
  testFederation,
  UNFIT,
} from './consortium.js';

const federation = testFederation();
const HOUR = 3_600_000;

let folder: ReturnType<typeof temporaryFolder>;
let store: FederationStore;
let objects: ObjectStore;
let channel: MemoryChannel;
const clock = handTurnedClock();
let verdict: ReturnType<DetectorBuilder['judge']>;

beforeEach(async () => {
  folder = temporaryFolder();
  clock.now = START_MS;
  ({ store, objects } = await openDisk(folder.path, clock.now));
  await store.lineage.recordGenesis(await objects.put(federation.genesisModel));
  channel = new MemoryChannel();
  channel.attesters = ['H1MSP', 'H2MSP'];
  verdict = { passed: true, reason: '', auc: 1, alertRatePpm: 32_000 };
});
afterEach(async () => {
  await store.close();
  folder.remove();
});

const plainly: DetectorBuilder['build'] = (_previous, facts) =>
  Buffer.from(JSON.stringify([facts.version, facts.round]));

function publisher(build = plainly): Publisher {
  return new Publisher({
    federation,
    store,
    objects,
    channel,
    builder: {
      build,
      judge: () => verdict,
    },
    genesis: { detector: Buffer.from('zero'), table: Buffer.from('table') },
    configuration: '{"hospitals":[]}',
    attestations: 2,
    attestMaxMs: 6 * HOUR,
    nowMs: clock.nowMs,
  });
}

/** Puts a sealed round on record, as the runner does. */
async function seal(slotIndex: number): Promise<string> {
  const models = await store.lineage.models();
  const parent = baseModelOf(models).digest;
  const resultModel = await objects.put(
    encodeParameters(new Int32Array(federation.plan.parameterCount).fill(slotIndex % 1_000)),
  );
  const { round } = scheduleRound(
    {
      id: { federationId: FEDERATION_ID, slotIndex, attempt: 1 },
      policy: federation.policy,
      planHash: federation.plan.hash,
      layoutHash: federation.layoutHash,
      baseModel: parent,
      previousManifest: '',
      optimiserState: '',
      interval: { fromMs: 0, toMs: 1 },
      roster: ['H1'],
    },
    { atMs: clock.now, skip: null },
  );
  const manifest = sha256Hex(`manifest ${slotIndex}`);
  const sealed: Round = { ...round, phase: 'sealed', resultModel, manifest };
  await store.rounds.commit({
    expectedVersion: null,
    round: sealed,
    event: { kind: 'slot-due', atMs: clock.now },
    effects: [],
    manifest: {
      key: { slotIndex, attempt: 1 },
      digest: manifest,
      previous: '',
      resultModel,
      bytes: encodeManifest(manifestFacts(slotIndex, resultModel)),
      signature: new Uint8Array(1),
      signer: '',
    },
  });
  return resultModel;
}

/** A manifest of the right form; what it says of updates does not matter here. */
function manifestFacts(slotIndex: number, resultModel: string): Manifest {
  const { plan, layoutHash } = federation;
  return {
    schema: 1,
    federationId: FEDERATION_ID,
    roundId: { federationId: FEDERATION_ID, slotIndex, attempt: 1 },
    policyHash: sha256Hex('policy'),
    planHash: plan.hash,
    layoutHash,
    previousManifest: '',
    baseModel: resultModel,
    resultModel,
    parameterCount: plan.parameterCount,
    interval: { fromMs: 0, toMs: 1 },
    cohort: [],
    quorum: 1,
    openedAtMs: 0,
    quorumReachedAtMs: 0,
    closedAtMs: 0,
    contributions: [],
    aggregation: { rule: 'fedavg', scaleLog2: 20, rate: [1, 1], weightTotal: 1, software: 'test' },
    privacy: plan.privacy,
  };
}

const states = async (): Promise<string[]> =>
  (await store.publications.list()).map((each) => each.state);

describe('publication', () => {
  it('configures the channel, then takes detector 0 and every sealed model to it in order', async () => {
    await seal(START_MS / SLOT_MS);
    await seal(START_MS / SLOT_MS + 1);
    const p = publisher();
    expect(await p.prepare()).toBe(true);
    expect(await p.advance()).toBeNull();
    expect(await states()).toEqual(['superseded', 'superseded', 'active']);
    expect(channel.active).toBe(2);
    expect(channel.calls.filter((call) => !call.startsWith('status'))).toEqual([
      'configure',
      'propose 0',
      'activate 0',
      'propose 1',
      'activate 1',
      'propose 2',
      'activate 2',
    ]);
  });

  it('waits while the channel is away, says so, and goes on', async () => {
    channel.away = true;
    const p = publisher();
    await p.prepare();
    const comesBackMs = await p.advance();
    expect(comesBackMs).toBeGreaterThan(clock.now);
    expect(p.lastError).toBe('no gateway');
    expect(await states()).toEqual(['built']);
    channel.away = false;
    clock.now = comesBackMs!;
    await p.advance();
    expect(await states()).toEqual(['active']);
    expect(p.lastError).toBeNull();
  });

  it('waits for m attestations and refuses the proposal when they do not come', async () => {
    channel.attesters = ['H1MSP'];
    const p = publisher();
    await p.prepare();
    expect(await p.advance()).toBeGreaterThan(clock.now);
    expect(await states()).toEqual(['proposed']);
    clock.now += 6 * HOUR;
    await p.advance();
    expect(await states()).toEqual(['refused']);
    expect((await store.publications.list())[0]?.reason).toBe('attested by H1MSP');
    expect(channel.versions.get(0)?.state).toBe('refused');
  });

  it('discards a model that fails on the canaries, and no round starts from it', async () => {
    const p = publisher();
    const model = await seal(START_MS / SLOT_MS);
    verdict = { passed: false, reason: 'canary-auc', auc: 0.5, alertRatePpm: 0 };
    await p.prepare();
    await p.advance();
    expect(await states()).toEqual(['active', 'discarded']);
    const models = await store.lineage.models();
    expect(models.find((each) => each.digest === model)).toMatchObject({ state: 'discarded' });
    expect(baseModelOf(models).sequence).toBe(0);
    // The next version follows the last that was proposed.
    verdict = { passed: true, reason: '', auc: 1, alertRatePpm: 32_000 };
    await seal(START_MS / SLOT_MS + 1);
    await p.prepare();
    await p.advance();
    expect(await states()).toEqual(['superseded', 'discarded', 'active']);
    expect(channel.active).toBe(1);
  });

  it('discards a model that makes no detector at all', async () => {
    const p = publisher(() => {
      throw new DetectorError('ERR_DETECTOR_VALUE', 'detector: expected something else');
    });
    await seal(START_MS / SLOT_MS);
    await p.prepare();
    expect(await states()).toEqual(['built', 'discarded']);
    expect((await store.publications.list())[1]?.reason).toBe('ERR_DETECTOR_VALUE');
  });

  it('proposes once when the answer to a proposal got lost', async () => {
    const p = publisher();
    await p.prepare();
    await channel.propose({
      version: 0,
      detector: Buffer.from('zero'),
      table: Buffer.from('table'),
    });
    await p.advance();
    expect(channel.versions.size).toBe(1);
    expect(await states()).toEqual(['active']);
  });

  it('gives the number of a version that the channel did not take to the next one, and tells of both', async () => {
    const slot = START_MS / SLOT_MS;
    let quality = UNFIT;
    const p = publisher((_previous, facts) => Buffer.from(`${quality} ${facts.version}`));
    const refused = await seal(slot);
    await p.prepare();
    // Built while the other one waits, and of it: it goes nowhere, and takes no number either.
    quality = 'fit';
    await seal(slot + 1);
    await p.prepare();
    expect(await p.advance()).toBeNull();
    expect(await states()).toEqual(['active', 'refused', 'discarded']);

    await seal(slot + 2);
    await p.prepare();
    expect(await p.advance()).toBeNull();
    expect(await states()).toEqual(['superseded', 'refused', 'discarded', 'active']);
    expect(channel.active).toBe(1);
    const [, first, , third] = await store.publications.list();
    expect(first).toMatchObject({ version: 1, model: refused, reason: 'ERR_DETECTOR_INVALID' });
    expect(third).toMatchObject({ version: 1, state: 'active' });
    const told = (await store.audit.list({ after: -1, limit: 20 })).filter(
      (each) => each.kind === 'detector-refused',
    );
    expect(told.map((each) => JSON.parse(each.body) as object)).toMatchObject([
      { version: 1, model: refused, reason: 'ERR_DETECTOR_INVALID' },
    ]);
  });

  it('leaves alone a number that the channel has, refused after it was proposed or under other bytes', async () => {
    const p = publisher();
    await p.prepare();
    await p.advance();
    channel.attesters = [];
    await seal(START_MS / SLOT_MS);
    await p.prepare();
    await p.advance();
    clock.now += 6 * HOUR;
    await p.advance();
    channel.attesters = ['H1MSP', 'H2MSP'];
    channel.versions.set(2, { detector: 'other', table: '', state: 'refused', attestedBy: [] });
    for (const ahead of [1, 2]) {
      await seal(START_MS / SLOT_MS + ahead);
      await p.prepare();
      await p.advance();
    }
    expect(await store.publications.list()).toMatchObject([
      { version: 0, state: 'superseded' },
      { version: 1, state: 'refused', reason: 'attested by nobody' },
      { version: 2, state: 'refused', reason: 'ERR_DETECTOR_DIGEST' },
      { version: 3, state: 'active' },
    ]);
  });

  describe('of a branch that went out of use', () => {
    const slot = START_MS / SLOT_MS;
    let p: Publisher;

    /** Detector 0 and two that came after it, each of the one before, have been active. */
    beforeEach(async () => {
      p = publisher();
      for (const ahead of [0, 1]) await sealAndPublish(slot + ahead);
    });

    async function sealAndPublish(slotIndex: number): Promise<string> {
      const model = await seal(slotIndex);
      await p.prepare();
      await p.advance();
      return model;
    }
    const base = async (): Promise<number> => baseModelOf(await store.lineage.models()).sequence;
    const act = (action: 'roll-back' | 'withdraw', about: string): Promise<void> =>
      followAct(store, { action, about, transactionId: `${action} ${about}` }, clock.now);

    it('after a roll-back the next round starts from the model that is active again', async () => {
      expect(await base()).toBe(2);
      await act('roll-back', '1');
      expect(await base()).toBe(1);
      // The model that comes of it is published under the next number, and is the next base.
      await sealAndPublish(slot + 2);
      expect(await base()).toBe(3);
      expect((await store.lineage.models())[3]!.parent).toBe(
        (await store.lineage.models())[1]!.digest,
      );
      expect(channel.active).toBe(3);
    });

    it('a roll-back over several versions avoids each of them, and a later one brings its own line back', async () => {
      await sealAndPublish(slot + 2);
      await act('roll-back', '0');
      expect(await base()).toBe(0);
      await act('roll-back', '2');
      expect(await base()).toBe(2);
      expect((await store.lineage.models()).map((each) => each.state)).toEqual([
        'genesis',
        'sealed',
        'sealed',
        'rolled-back',
      ]);
    });

    it('what is told twice is done once', async () => {
      await act('roll-back', '1');
      const before = await store.lineage.models();
      await act('roll-back', '1');
      expect(await store.lineage.models()).toEqual(before);
      expect(await base()).toBe(1);
    });

    it('after a withdrawal neither the model nor what comes of it is a base, for good', async () => {
      await act('roll-back', '0');
      await act('withdraw', '1');
      expect(await base()).toBe(0);
      await act('roll-back', '2');
      expect((await store.publications.list({ states: ['active'] }))[0]?.version).toBe(2);
      expect(await base()).toBe(0);
    });

    it('what waits for the channel is not proposed, and what was proposed is taken back', async () => {
      channel.attesters = [];
      await sealAndPublish(slot + 2);
      await seal(slot + 3);
      await p.prepare();
      expect(await states()).toEqual([
        ...['superseded', 'superseded', 'active', 'proposed', 'built'],
      ]);
      await act('roll-back', '1');
      clock.now += 1_000;
      channel.attesters = ['H1MSP', 'H2MSP'];
      channel.versions.get(3)!.attestedBy = ['H1MSP', 'H2MSP'];
      expect(await p.advance()).toBeNull();
      expect(await states()).toEqual([
        ...['superseded', 'active', 'superseded', 'refused', 'discarded'],
      ]);
      expect(channel.versions.get(3)!.state).toBe('refused');
      expect(channel.versions.has(4)).toBe(false);
      // The number that was proposed is gone, the other one is not.
      await sealAndPublish(slot + 4);
      expect(channel.active).toBe(4);
    });

    it('a proposal that nobody attests takes the models that come of it along', async () => {
      channel.attesters = ['H1MSP'];
      await sealAndPublish(slot + 2);
      await seal(slot + 3);
      await p.prepare();
      expect(await base()).toBe(4);
      clock.now += 6 * HOUR;
      await p.advance();
      expect((await states()).slice(2)).toEqual(['active', 'refused', 'discarded']);
      expect(await base()).toBe(2);
    });

    it('a model that waits to be built is discarded with its branch', async () => {
      await seal(slot + 2);
      await act('roll-back', '1');
      await p.prepare();
      expect(await states()).toEqual(['superseded', 'active', 'superseded', 'discarded']);
      expect(await base()).toBe(1);
    });
  });

  it('gives up a version that the channel will never take', async () => {
    channel.versions.set(0, { detector: 'other', table: '', state: 'active', attestedBy: [] });
    const p = publisher();
    await p.prepare();
    await p.advance();
    expect(await states()).toEqual(['refused']);
    expect((await store.publications.list())[0]?.reason).toBe('ERR_DETECTOR_DIGEST');
    expect(await store.audit.verify()).toBe(1);
  });
});

describe('the builder on detector 0', () => {
  const genesis = DETECTOR_ZERO.detectorBytes;
  const builder = createDetectorBuilder({
    genesis,
    table: DETECTOR_ZERO.tableBytes,
    canaries: PUBLIC_CANARIES,
  });
  const facts = {
    version: 1,
    round: '2026-11-22T06:00:00Z',
    planHash: sha256Hex('plan'),
    manifestDigest: sha256Hex('manifest'),
    parameters: DETECTOR_ZERO.detector.parameters,
  };

  it('makes the same bytes of the same facts, with the public parts of its predecessor', () => {
    const bytes = builder.build(genesis, facts);
    expect(builder.build(genesis, facts)).toEqual(bytes);
    const { version, round, normaliser, parameters } = decodeDetector(bytes);
    expect({ version, round }).toEqual({ version: 1, round: facts.round });
    expect(normaliser).toEqual(DETECTOR_ZERO.detector.normaliser);
    expect(parameters).toEqual(DETECTOR_ZERO.detector.parameters);
    // What the version was built on does not matter, since only public parts are taken from it.
    const next = { ...facts, version: 2 };
    expect(builder.build(bytes, next)).toEqual(builder.build(genesis, next));
  });

  it('passes an unchanged model and blocks a destroyed one', () => {
    expect(builder.judge(builder.build(genesis, facts), genesis)).toMatchObject({ passed: true });
    const destroyed = facts.parameters.map((value, index) => -value + (index % 7) * 2 ** 20);
    const bytes = builder.build(genesis, { ...facts, parameters: destroyed });
    expect(builder.judge(bytes, genesis)).toMatchObject({ passed: false });
  });
});

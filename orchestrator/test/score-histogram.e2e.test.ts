/**
 * The released histogram of scores: two rounds over real gRPC with mutual TLS, from what nodes hand in to the table that goes
 * to the channel, and what is refused on the way.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '@bhschain/dp';
import {
  DETECTOR_ZERO,
  encodeTable,
  federatedTable,
  HISTOGRAM_BINS,
} from '@bhschain/models/detector';
import {
  encodeManifest,
  encodeReleases,
  replayRound,
  type FederationClient,
  type Manifest,
  type ReplayedRound,
  type UpdateEnvelope,
  type WorkUnit,
} from '../src/protocol.js';
import { verifyRound } from '../src/round-proof.js';
import { honestUpdate, PARAMETER_COUNT } from './consortium.js';
import {
  closeAll,
  envelopeFor,
  keepReady,
  startWorld,
  takeWork,
  until,
  type World,
} from './world.js';

afterEach(closeAll);

const HISTOGRAM = { bins: HISTOGRAM_BINS, noiseExponent: 4, nominalWindows: 6_000 };
const NODES = ['H1', 'H2', 'H3'];

/** 6,000 windows, of which `tail` times as many lie at small p as the public table expects; a bit of noise. */
function countsOf(seed: number, tail: number): Int32Array {
  return Int32Array.from({ length: HISTOGRAM_BINS }, (_, bin) => {
    const noise = ((bin * 7_919 + seed * 104_729) % 33) - 16;
    return Math.round((bin < 4 ? tail : 1) * 94) + noise;
  });
}

const handIn = (seed: number, scoreHistogram: Int32Array | null): Uint8Array =>
  encodeReleases({ update: honestUpdate(seed), scoreHistogram });

const submit = (
  client: FederationClient,
  unit: WorkUnit,
  nodeId: string,
  update: Uint8Array,
  change: Partial<UpdateEnvelope> = {},
): Promise<unknown> =>
  client.submitUpdate({
    envelope: { ...envelopeFor(unit, nodeId, update, PARAMETER_COUNT), ...change },
    update,
  });

async function roundOf(
  world: World,
  clients: readonly FederationClient[],
  tails: readonly number[],
): Promise<WorkUnit['roundId']> {
  world.nextSlot();
  const units = await Promise.all(clients.map((client) => takeWork(client)));
  await Promise.all(
    clients.map((client, i) => {
      const seed = i + units[i]!.roundId.slotIndex;
      return submit(client, units[i]!, NODES[i]!, handIn(seed, countsOf(i, tails[i]!)));
    }),
  );
  return units[0]!.roundId;
}

/** As a member sees it: manifest and evidence fetched, everything recomputed. */
async function replayed(
  world: World,
  client: FederationClient,
  roundId: WorkUnit['roundId'],
): Promise<{ manifest: Manifest; proof: ReplayedRound }> {
  const { manifest, evidence } = await client.getManifest(roundId);
  const proof = await replayRound({
    manifest,
    evidence,
    trustedAuthorities: [world.authority.certificatePem],
    objectOf: (digest) => client.getObject(digest),
  });
  return { manifest, proof };
}

describe('a federation that releases the histogram of scores', { timeout: 60_000 }, () => {
  it('moves the table of two rounds to their sums, and a member recomputes both to the bit', async () => {
    const world = await startWorld({ roundsMax: 2 }, { histogram: HISTOGRAM });
    const clients = await Promise.all(NODES.map((id) => world.client(id)));
    const hello = await clients[0]!.hello({ software: 't', kernelHash: '', ledgerHead: null });
    expect(JSON.parse(Buffer.from(hello.federationDocument).toString('utf8'))).toMatchObject({
      releases: ['update', 'score-histogram'],
    });

    const alphas: number[] = [];
    for (const [version, tails] of [
      [1, [3, 3.2, 3.4]],
      [2, [0.6, 0.7, 0.7]],
    ] as const) {
      const roundId = await roundOf(world, clients, tails);
      await until(
        async () => (await world.orchestrator.status()).publication.activeVersion === version,
      );
      const { manifest, proof } = await replayed(world, clients[1]!, roundId);
      expect(proof.acceptedCount).toBe(3);
      const sum = Array.from({ length: HISTOGRAM_BINS }, (_, bin) =>
        tails.reduce((total, tail, i) => total + countsOf(i, tail)[bin]!, 0),
      );
      expect(manifest.scoreHistogram).toEqual(sum);
      expect(proof.scoreHistogram).toEqual({
        counts: sum,
        contributors: 3,
        noiseExponent: 4,
        binMs: 21_600_000,
      });
      const table = federatedTable(DETECTOR_ZERO.table, proof.scoreHistogram!);
      expect(world.channel.versions.get(version)?.table).toBe(sha256Hex(encodeTable(table)));
      alphas.push(table.alphaPpm);

      const stored = await world.store.lineage.manifest(roundId);
      const checks = await verifyRound(
        {
          ...world.parts,
          federationId: world.parts.federation.federationId,
          trustedSigners: [world.trusted],
          trustedAuthorities: [world.authority.certificatePem],
        },
        stored!,
      );
      expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    }
    // Many windows in the tail: judged at a smaller p than the public 3.2 %; few: at a larger one.
    expect(alphas[0]).toBeLessThan(DETECTOR_ZERO.table.alphaPpm);
    expect(alphas[1]).toBeGreaterThan(DETECTOR_ZERO.table.alphaPpm);
    expect(world.channel.versions.get(0)?.table).toBe(sha256Hex(DETECTOR_ZERO.tableBytes));
  });

  it('a manifest that says another sum, none, or more bins than the plan does not replay', async () => {
    const world = await startWorld({ roundsMax: 1 }, { histogram: HISTOGRAM });
    const clients = await Promise.all(NODES.map((id) => world.client(id)));
    const roundId = await roundOf(world, clients, [1, 1, 1]);
    await until(async () => (await world.orchestrator.status()).publication.activeVersion === 1);
    const { manifest } = await replayed(world, clients[0]!, roundId);
    const counts = manifest.scoreHistogram!;
    const without = Object.fromEntries(
      Object.entries(manifest).filter(([key]) => key !== 'scoreHistogram'),
    ) as unknown as Manifest;
    const forged: readonly [string, Manifest][] = [
      ['ERR_REPLAY', { ...manifest, scoreHistogram: counts.map((c, i) => (i === 5 ? c + 1 : c)) }],
      ['ERR_REPLAY', { ...manifest, scoreHistogram: [...counts, 0] }],
      ['ERR_VECTOR_LENGTH', without],
    ];
    for (const [code, lie] of forged) {
      await expect(
        replayRound({ manifest: lie, objectOf: (digest) => clients[0]!.getObject(digest) }),
      ).rejects.toMatchObject({ code });
    }
    expect(() => encodeManifest({ ...manifest, scoreHistogram: [Number.NaN] })).toThrow();
  });

  it('goes on without a node that is too old for it', async () => {
    const world = await startWorld({ roundsMax: 1, quorum: 2 }, { histogram: HISTOGRAM });
    const clients = await Promise.all(NODES.map((id) => world.client(id)));
    world.nextSlot();
    const units = await Promise.all(clients.map((client) => takeWork(client)));
    // What a node of the version before this one answers to a plan with further releases.
    await clients[2]!.declineRound(units[2]!.roundId, 'version');
    for (const i of [0, 1]) {
      await submit(clients[i]!, units[i]!, NODES[i]!, handIn(i, countsOf(i, 1)));
    }
    await until(async () => (await world.orchestrator.status()).publication.activeVersion === 1);
    const { manifest, proof } = await replayed(world, clients[0]!, units[0]!.roundId);
    expect(proof.scoreHistogram).toMatchObject({ contributors: 2 });
    expect(manifest.contributions[2]).toMatchObject({ verdict: 'declined', reason: 'version' });
  });

  it.each<[string, string, Uint8Array, Partial<UpdateEnvelope>]>([
    ['without it', 'release-set', handIn(1, null), {}],
    ['with one of other length', 'length', handIn(1, new Int32Array(HISTOGRAM_BINS - 1)), {}],
    [
      'with a count below all noise',
      'histogram-range',
      handIn(1, countsOf(1, 1).fill(-193, 0, 1)),
      {},
    ],
    [
      'with an impossible count',
      'histogram-range',
      handIn(1, countsOf(1, 1).fill(2 ** 31 - 1)),
      {},
    ],
  ])('rejects an update %s', async (_, reason, update, change) => {
    const world = await startWorld({}, { nodes: 2, histogram: HISTOGRAM });
    const client = await world.client('H1');
    world.nextSlot();
    const unit = await Promise.race([takeWork(client), keepReady(await world.client('H2'))]);
    await expect(submit(client, unit, 'H1', update, change)).rejects.toMatchObject({
      code: 'ERR_UPDATE_REJECTED',
      facts: { reason },
    });
  });

  it('refuses an envelope whose releases are not one object, each once, the update first', async () => {
    const world = await startWorld({}, { nodes: 2, histogram: HISTOGRAM });
    const client = await world.client('H1');
    world.nextSlot();
    const unit = await Promise.race([takeWork(client), keepReady(await world.client('H2'))]);
    const update = handIn(1, countsOf(1, 1));
    const [first, second] = envelopeFor(unit, 'H1', update, PARAMETER_COUNT).releases;
    for (const releases of [
      [],
      [second],
      [second, first],
      [first, second, second],
      [first, { ...second, digest: sha256Hex('other') }],
      [first, { ...second, encoding: 'int32le-2^-20' }],
      [first, { ...second, length: 64.5 }],
      [first, { ...second, name: 'logs' }],
    ]) {
      await expect(
        submit(client, unit, 'H1', update, { releases: releases as UpdateEnvelope['releases'] }),
      ).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_(ENVELOPE|CANONICAL_JSON|DP_)/) as string,
      });
    }
  });

  it('takes both in chunks where they do not fit into a message', async () => {
    const parameterCount = 300_000;
    const world = await startWorld({}, { nodes: 2, histogram: HISTOGRAM, parameterCount });
    const client = await world.client('H1');
    world.nextSlot();
    const unit = await Promise.race([takeWork(client), keepReady(await world.client('H2'))]);
    const update = encodeReleases({
      update: honestUpdate(1, parameterCount),
      scoreHistogram: countsOf(1, 1),
    });
    const envelope = envelopeFor(unit, 'H1', update, parameterCount);
    expect(await client.submitUpdate({ envelope, update })).toMatchObject({
      receipt: { verdict: expect.stringMatching(/accepted|quarantined/) as string },
    });
  });
});

describe('a federation that has not switched it on', { timeout: 60_000 }, () => {
  it('rejects an update that carries one', async () => {
    const world = await startWorld({}, { nodes: 2 });
    const client = await world.client('H1');
    world.nextSlot();
    const unit = await Promise.race([takeWork(client), keepReady(await world.client('H2'))]);
    await expect(submit(client, unit, 'H1', handIn(1, countsOf(1, 1)))).rejects.toMatchObject({
      code: 'ERR_UPDATE_REJECTED',
      facts: { reason: 'release-set' },
    });
  });
});

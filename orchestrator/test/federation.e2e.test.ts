/**
 * The running process without its process: real gRPC over mutual TLS, real store, three nodes that speak the published
 * client.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '@bhschain/dp';
import { withdrawNode } from '../src/enrolment/revocation.js';
import { encodeParameters, replayRound, type UpdateEnvelope } from '../src/protocol.js';
import { decodeManifest } from '../src/protocol/manifest.js';
import { followAct } from '../src/publication/channel-votes.js';
import { verifyRound } from '../src/round-proof.js';
import { FEDERATION_ID, honestUpdate, temporaryFolder, testAuthority } from './consortium.js';
import {
  closeAll,
  envelopeFor,
  keepReady,
  nowMs,
  opened,
  startWorld,
  takeWork,
  until,
} from './world.js';

afterEach(closeAll);

describe('a federation over mutual TLS', { timeout: 60_000 }, () => {
  it('seals a round, publishes its detector and proves the bits to a member', async () => {
    const world = await startWorld({ roundsMax: 1 });
    const clients = await Promise.all(['H1', 'H2', 'H3'].map((id) => world.client(id)));
    const hello = await clients[0]!.hello({ software: 't', kernelHash: '', ledgerHead: null });
    expect(hello.level).toBe(1);
    expect(Math.abs(hello.clockOffsetMs)).toBeLessThanOrEqual(hello.clockErrorMs);

    world.nextSlot();
    const units = await Promise.all(clients.map((client) => takeWork(client)));
    const receipts = await Promise.all(
      clients.map((client, index) => {
        const update = encodeParameters(honestUpdate(index));
        const envelope = envelopeFor(units[index]!, `H${index + 1}`, update);
        return client.submitUpdate({ envelope, update });
      }),
    );
    expect(receipts.map((each) => each.receipt.verdict)).toEqual([
      'accepted',
      'accepted',
      'accepted',
    ]);

    await until(async () => (await world.orchestrator.status()).publication.activeVersion === 1);
    expect(world.channel.active).toBe(1);

    const [reference] = await clients[1]!.listManifests(0);
    const { manifest, evidence } = await clients[1]!.getManifest(reference!.roundId);
    const proof = await replayRound({
      manifest,
      evidence,
      trustedAuthorities: [world.authority.certificatePem],
      objectOf: (digest) => clients[1]!.getObject(digest),
    });
    expect(proof.acceptedCount).toBe(3);
    expect(proof.resultModel).toBe(reference!.resultModel);

    // The same bytes again, long after the round has closed: the same receipt.
    const again = encodeParameters(honestUpdate(0));
    const receipt = await clients[0]!.submitUpdate({
      envelope: envelopeFor(units[0]!, 'H1', again),
      update: again,
    });
    expect(receipt.bytes).toEqual(receipts[0]!.bytes);
    expect(receipt.signature).toEqual(receipts[0]!.signature);

    const work = await clients[0]!.getWork({ state: 'ready' });
    expect(work).toMatchObject({ kind: 'idle', reason: 'rounds-done' });
  });

  it('goes on from the detector that hospitals went back to, and every round still replays', async () => {
    const world = await startWorld({ optimiser: { rule: 'fedavgm', momentum: [1, 2] } });
    const clients = await Promise.all(['H1', 'H2', 'H3'].map((id) => world.client(id)));
    const round = async (number: number): Promise<void> => {
      world.nextSlot();
      const units = await Promise.all(clients.map((client) => takeWork(client)));
      await Promise.all(
        clients.map((client, index) => {
          const update = encodeParameters(honestUpdate(10 * number + index));
          return client.submitUpdate({
            envelope: envelopeFor(units[index]!, `H${index + 1}`, update),
            update,
          });
        }),
      );
      await until(
        async () => (await world.orchestrator.status()).publication.activeVersion === number,
      );
    };
    await round(1);
    await round(2);
    await followAct(world.store, { action: 'roll-back', about: '1', transactionId: 't' }, nowMs());
    await round(3);

    const sealed = await world.store.lineage.manifestsAfter(0, 10);
    const manifests = sealed.map((each) => decodeManifest(each.bytes));
    expect(manifests.map((each) => each.baseModel)).toEqual([
      (await world.store.lineage.models())[0]!.digest,
      sealed[0]!.resultModel,
      sealed[0]!.resultModel,
    ]);
    // The chain of manifests leaves none out, and momentum goes on from where the base was left.
    expect(manifests[2]!.previousManifest).toBe(sealed[1]!.digest);
    const proof = {
      ...world.parts,
      federationId: FEDERATION_ID,
      trustedSigners: [world.trusted],
      trustedAuthorities: [world.authority.certificatePem],
    };
    for (const each of sealed) {
      expect((await verifyRound(proof, each)).filter((check) => !check.ok)).toEqual([]);
    }
  }, 120_000);

  it('refuses what is not in order, each with its own code', async () => {
    const world = await startWorld({}, { nodes: 2 });
    const client = await world.client('H1');
    world.nextSlot();
    const unit = await Promise.race([takeWork(client), keepReady(await world.client('H2'))]);
    const update = encodeParameters(honestUpdate(1));
    const right = envelopeFor(unit, 'H1', update);
    const submit = (change: Partial<UpdateEnvelope>): Promise<unknown> =>
      client.submitUpdate({ envelope: { ...right, ...change }, update });
    const other = sha256Hex('other');

    await expect(submit({ nodeId: 'H2' })).rejects.toMatchObject({ code: 'ERR_NODE_MISMATCH' });
    await expect(submit({ planHash: other })).rejects.toMatchObject({ code: 'ERR_PLAN_MISMATCH' });
    await expect(submit({ layoutHash: other })).rejects.toMatchObject({
      code: 'ERR_LAYOUT_MISMATCH',
    });
    await expect(submit({ baseModel: other })).rejects.toMatchObject({
      code: 'ERR_BASE_MODEL_MISMATCH',
    });
    // Long before this federation began; the slot just before may have been tried and skipped.
    await expect(
      submit({ roundId: { ...unit.roundId, slotIndex: unit.roundId.slotIndex - 1_000_000 } }),
    ).rejects.toMatchObject({ code: 'ERR_ROUND_UNKNOWN' });
    await expect(
      submit({ releases: [{ ...right.releases[0]!, digest: other }] }),
    ).rejects.toMatchObject({ code: 'ERR_CHUNK_DIGEST', retryable: true });
    await expect(client.declineRound(unit.roundId, 'whim' as never)).rejects.toMatchObject({
      code: 'ERR_REQUEST',
    });
    await expect(client.getObject(sha256Hex(update))).rejects.toMatchObject({
      code: 'ERR_OBJECT_UNKNOWN',
    });

    await submit({});
    const second = encodeParameters(honestUpdate(2));
    await expect(
      client.submitUpdate({ envelope: envelopeFor(unit, 'H1', second), update: second }),
    ).rejects.toMatchObject({ code: 'ERR_UPDATE_CONFLICT' });
  });

  it('rejects an update that is too large, and keeps the receipt', async () => {
    const world = await startWorld({}, { nodes: 2 });
    const client = await world.client('H1');
    world.nextSlot();
    const unit = await Promise.race([takeWork(client), keepReady(await world.client('H2'))]);
    const update = encodeParameters(new Int32Array(64).fill(20 * 2 ** 20));
    const envelope = envelopeFor(unit, 'H1', update);
    await expect(client.submitUpdate({ envelope, update })).rejects.toMatchObject({
      code: 'ERR_UPDATE_REJECTED',
      facts: { reason: 'norm-bound' },
    });
    const { receipt } = await client.getReceipt(unit.roundId);
    expect(receipt).toMatchObject({ verdict: 'rejected', reason: 'norm-bound' });
  });

  it('does not know a node that is not of the roster, nor a certificate of another authority', async () => {
    const world = await startWorld();
    const stranger = await world.client('H1', { certificateOf: 'H9' });
    await expect(stranger.getWork({ state: 'ready' })).rejects.toMatchObject({
      code: 'ERR_IDENTITY_UNKNOWN',
    });
    const folder = temporaryFolder();
    opened.push(folder.remove);
    const foreign = await world.client('H1', {
      authority: await testAuthority(folder.path, nowMs()),
    });
    await expect(foreign.getWork({ state: 'ready' })).rejects.toMatchObject({
      code: 'ERR_TLS_REFUSED',
    });
  });

  it('takes an update that does not fit into a message in chunks', async () => {
    const parameterCount = 300_000;
    const world = await startWorld({}, { nodes: 2, parameterCount });
    const client = await world.client('H1');
    world.nextSlot();
    const unit = await Promise.race([takeWork(client), keepReady(await world.client('H2'))]);
    const update = encodeParameters(honestUpdate(1, parameterCount));
    expect(update.length).toBeGreaterThan(1_048_576);
    const { receipt } = await client.submitUpdate({
      envelope: envelopeFor(unit, 'H1', update),
      update,
    });
    expect(receipt.verdict).toBe('accepted');
    const base = await client.getObject(unit.baseModel);
    expect(base.length).toBe(parameterCount * 4);
  });

  it('refuses a clock that is far off and a privacy ledger that went back', async () => {
    const world = await startWorld();
    const facts = { software: 't', kernelHash: '' };
    const skewed = await world.client('H1', { nowMs: () => nowMs() + 3_600_000 });
    await expect(skewed.hello({ ...facts, ledgerHead: null })).rejects.toMatchObject({
      code: 'ERR_CLOCK_SKEW',
      retryable: false,
    });
    const client = await world.client('H1');
    const head = (seq: number): { seq: number; hash: string } => ({
      seq,
      hash: sha256Hex(String(seq)),
    });
    await client.hello({ ...facts, ledgerHead: head(5) });
    for (const ledgerHead of [head(4), null, { ...head(5), hash: sha256Hex('fork') }]) {
      await expect(client.hello({ ...facts, ledgerHead })).rejects.toMatchObject({
        code: 'ERR_LEDGER_ROLLED_BACK',
      });
    }
    expect(await client.hello({ ...facts, ledgerHead: head(6) })).toMatchObject({
      highestLedgerHead: { seq: 5 },
    });
  });

  it('stops a revoked node in the middle of its connection', async () => {
    const world = await startWorld();
    const client = await world.client('H3');
    await client.getWork({ state: 'ready' });
    await withdrawNode({
      store: world.store,
      nodeId: 'H3',
      state: 'revoked',
      serials: [],
      reason: 'key lost',
      by: 'ana',
      nowMs: nowMs(),
    });
    await expect(client.getWork({ state: 'ready' })).rejects.toMatchObject({
      code: 'ERR_CERTIFICATE_REVOKED',
    });
  });

  it('serves health, metrics and status', async () => {
    const world = await startWorld();
    const base = `http://127.0.0.1:${world.orchestrator.httpPort}`;
    expect(await (await fetch(`${base}/readyz`)).json()).toEqual({
      ok: true,
      checks: { database: true },
    });
    const [h1, h2] = [await world.client('H1'), await world.client('H2')];
    for (const client of [h1, h1, h2]) {
      await client.hello({ software: 'test', kernelHash: '', ledgerHead: { seq: 0, hash: '' } });
    }
    const metrics = await (await fetch(`${base}/metrics`)).text();
    expect(metrics).toContain('federation_publication_backlog');
    expect(metrics).toContain('federation_protocol_level_nodes{level="1"} 2');
    const status = (await (await fetch(`${base}/api/v1/status`)).json()) as { nodes: unknown[] };
    expect(status.nodes).toHaveLength(3);
  });
});

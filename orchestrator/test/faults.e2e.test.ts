/** Faults of links, clocks, certificates and members, over real connections. `fault-matrix.ts` says which row is where. */
import { afterEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '@bhschain/dp';
import { encodeParameters, type FederationClient, type WorkUnit } from '../src/protocol.js';
import { honestUpdate, temporaryFolder, testAuthority } from './consortium.js';
import { openFaultyLink, type FaultyLink } from './faulty-link.js';
import {
  closeAll,
  envelopeFor,
  nowMs,
  opened,
  startWorld,
  takeWork,
  until,
  type World,
} from './world.js';

afterEach(closeAll);

async function linkOf(world: World): Promise<FaultyLink> {
  const link = await openFaultyLink(world.orchestrator.port);
  opened.push(() => link.close());
  return link;
}

const through = (world: World, link: FaultyLink, nodeId: string): Promise<FederationClient> =>
  world.client(nodeId, { address: `127.0.0.1:${link.port}` });

/** Tries again as long as the error says so, as a node does; the test's own limit ends it. */
async function insist<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (cause) {
      const { retryable } = cause as { retryable?: boolean };
      if (retryable !== true) throw cause;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

const send = (
  client: FederationClient,
  unit: WorkUnit,
  nodeId: string,
  update: Uint8Array,
): ReturnType<FederationClient['submitUpdate']> =>
  client.submitUpdate({ envelope: envelopeFor(unit, nodeId, update), update });

describe('messages', () => {
  it('that come twice, in another order or too late change nothing: equal receipts, one update counted', async () => {
    const world = await startWorld({ roundsMax: 1 });
    const clients = await Promise.all(['H1', 'H2', 'H3'].map((id) => world.client(id)));
    world.nextSlot();
    const units = await Promise.all(clients.map((client) => takeWork(client)));
    const [h1] = clients as [FederationClient];
    const [unit] = units as [WorkUnit];
    // The later phase first, both twice.
    for (const phase of ['uploading', 'training', 'uploading', 'training'] as const) {
      await h1.reportPhase(unit.roundId, phase);
    }
    const update = encodeParameters(honestUpdate(1));
    const receipts = await Promise.all([1, 2].map(() => send(h1, unit, 'H1', update)));
    expect(new Set(receipts.map((each) => Buffer.from(each.bytes).toString())).size).toBe(1);
    // A refusal that was overtaken by the update.
    await expect(h1.declineRound(unit.roundId, 'budget')).rejects.toMatchObject({
      retryable: false,
    });
    await send(clients[1]!, units[1]!, 'H2', encodeParameters(honestUpdate(2)));
    await until(async () => (await world.store.rounds.count('sealed')) === 1);
    const { manifest } = await h1.getManifest(unit.roundId);
    const verdicts = manifest.contributions.map((each) => each.verdict);
    expect(verdicts).toEqual(['accepted', 'accepted', 'missing']);
    // Late: H3 was in the cohort, the round is over, and its interval stays spent at home.
    await expect(
      send(clients[2]!, units[2]!, 'H3', encodeParameters(honestUpdate(3))),
    ).rejects.toMatchObject({ code: 'ERR_ROUND_CLOSED', retryable: false });
    expect((await send(h1, unit, 'H1', update)).bytes).toEqual(receipts[0]!.bytes);
  }, 120_000);

  it('that are cut in the middle are resumed: only what is missing travels again', async () => {
    const world = await startWorld({}, { nodes: 2, parameterCount: 300_000 });
    const link = await linkOf(world);
    const h1 = await through(world, link, 'H1');
    const h2 = await world.client('H2');
    world.nextSlot();
    const [unit] = await Promise.all([takeWork(h1), takeWork(h2)]);
    const update = encodeParameters(honestUpdate(1, 300_000));
    link.cutAfterBytes = 700_000;
    await expect(send(h1, unit, 'H1', update)).rejects.toMatchObject({
      code: 'ERR_UNREACHABLE',
      retryable: true,
    });
    link.passedBytes = 0;
    const { receipt } = await insist(() => send(h1, unit, 'H1', update));
    expect(receipt.verdict).toBe('accepted');
    // Two chunks of 256 KiB had arrived for good.
    expect(link.passedBytes).toBeLessThan(update.length - 400_000);
  }, 120_000);

  it('that are corrupted never arrive as something else', async () => {
    const world = await startWorld({}, { nodes: 2 });
    const link = await linkOf(world);
    const h1 = await through(world, link, 'H1');
    const h2 = await world.client('H2');
    world.nextSlot();
    const [unit] = await Promise.all([takeWork(h1), takeWork(h2)]);
    const update = encodeParameters(honestUpdate(1));
    link.corrupt = true;
    await expect(send(h1, unit, 'H1', update)).rejects.toMatchObject({
      code: expect.stringMatching(/ERR_UNREACHABLE|ERR_TLS_REFUSED|ERR_INTERNAL/) as string,
    });
    expect(await world.store.rounds.submission(unit.roundId, 'H1')).toBeNull();
    link.corrupt = false;
    expect((await insist(() => send(h1, unit, 'H1', update))).receipt.verdict).toBe('accepted');
  }, 120_000);

  it('over a slow link arrive in time, or the round closes without them and says so', async () => {
    const world = await startWorld({ roundsMax: 1 }, { parameterCount: 20_000 });
    const [slow, dead] = [await linkOf(world), await linkOf(world)];
    const clients = await Promise.all([
      through(world, slow, 'H1'),
      world.client('H2'),
      through(world, dead, 'H3'),
    ]);
    world.nextSlot();
    const units = await Promise.all(clients.map((client) => takeWork(client)));
    const update = (seed: number): Uint8Array => encodeParameters(honestUpdate(seed, 20_000));
    slow.bytesPerSecond = 64_000;
    dead.bytesPerSecond = 1_000;
    const late = send(clients[2], units[2]!, 'H3', update(3)).then(
      () => 'accepted',
      (cause: unknown) => (cause as { code: string }).code,
    );
    const first = await send(clients[0], units[0]!, 'H1', update(1));
    expect(first.receipt.verdict).toBe('accepted');
    await send(clients[1], units[1]!, 'H2', update(2));
    await until(async () => (await world.store.rounds.count('sealed')) === 1);
    const { manifest } = await clients[1].getManifest(units[1]!.roundId);
    expect(manifest.contributions.map((each) => each.verdict)).toEqual([
      'accepted',
      'accepted',
      'missing',
    ]);
    expect(await late).toMatch(/ERR_UNREACHABLE|ERR_ROUND_CLOSED/);
  }, 120_000);
});

describe('clocks', () => {
  it('ten seconds off are measured and told to the node; an hour off is refused, both ways', async () => {
    const world = await startWorld();
    const facts = { software: 't', kernelHash: '', ledgerHead: null };
    for (const skewMs of [-10_000, 10_000]) {
      const client = await world.client('H1', { nowMs: () => nowMs() + skewMs });
      const hello = await client.hello(facts);
      expect(Math.abs(hello.clockOffsetMs + skewMs)).toBeLessThanOrEqual(hello.clockErrorMs);
    }
    for (const skewMs of [-3_600_000, 3_600_000]) {
      const client = await world.client('H2', { nowMs: () => nowMs() + skewMs });
      const calledAtMs = nowMs();
      const refused = await client.hello(facts).then(
        () => new Error('let in'),
        (cause: unknown) => cause as Error,
      );
      expect(refused).toMatchObject({ code: 'ERR_CLOCK_SKEW' });
      const saidMs = Number(/differs by (-?\d+) s/.exec(refused.message)?.[1]) * 1_000;
      // The server cannot tell the way of the call from a clock that is late; it says whole seconds.
      expect(saidMs).toBeLessThanOrEqual(skewMs + 500);
      expect(saidMs).toBeGreaterThanOrEqual(skewMs - (nowMs() - calledAtMs) - 500);
    }
  });
});

describe('certificates', () => {
  it('that have expired or are of another authority are refused with a sentence and a code that stops the node', async () => {
    const world = await startWorld();
    const expired = await world.client('H1', { issuedAtMs: nowMs() - 31 * 86_400_000 });
    await expect(expired.getWork({ state: 'ready' })).rejects.toMatchObject({
      code: 'ERR_TLS_REFUSED',
      message: expect.stringContaining('CN=H1, O=test-federation) expired on') as string,
      retryable: false,
    });
    const foreign = temporaryFolder();
    opened.push(foreign.remove);
    const stranger = await world.client('H1', {
      authority: await testAuthority(foreign.path, nowMs()),
    });
    await expect(stranger.getWork({ state: 'ready' })).rejects.toMatchObject({
      code: 'ERR_TLS_REFUSED',
      message: expect.stringContaining('does not accept our certificate') as string,
    });
    await (await world.client('H1')).getWork({ state: 'ready' });
  });
});

describe('a member that vanishes', () => {
  it('for two rounds is named as missing, and counts again when it returns', async () => {
    const world = await startWorld({ roundsMax: 4 });
    const clients = await Promise.all(['H1', 'H2', 'H3'].map((id) => world.client(id)));
    const verdicts: string[] = [];
    for (let round = 0; round < 4; round++) {
      world.nextSlot();
      const here = round === 0 || round === 3 ? [0, 1, 2] : [0, 1];
      const units = await Promise.all(here.map((index) => takeWork(clients[index]!)));
      await Promise.all(
        here.map((index, at) =>
          send(
            clients[index]!,
            units[at]!,
            `H${index + 1}`,
            encodeParameters(honestUpdate(10 * round + index)),
          ),
        ),
      );
      await until(async () => (await world.store.rounds.count('sealed')) === round + 1);
      const { manifest } = await clients[0]!.getManifest(units[0]!.roundId);
      verdicts.push(manifest.contributions[2]!.verdict);
      expect(manifest.contributions[2]!.update).toBe(
        here.length === 3 ? sha256Hex(encodeParameters(honestUpdate(10 * round + 2))) : '',
      );
    }
    expect(verdicts).toEqual(['accepted', 'missing', 'missing', 'accepted']);
  }, 180_000);
});

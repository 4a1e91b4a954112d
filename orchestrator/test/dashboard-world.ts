/**
 * A federation for the dashboard to look at, made by the real parts: two sealed rounds (one with a rejected update), one
 * skipped, one that collects and has two updates in quarantine, and a hospital that asks to join. Its clock stands still
 * unless a test turns it.
 */
import { openAuthority } from '../src/enrolment/authority.js';
import { EnrolmentDesk } from '../src/enrolment/desk.js';
import { connectEnrolment, createEnrolmentKey, decodeInvitation } from '../src/protocol.js';
import { encodeParameters, type FederationClient } from '../src/protocol.js';
import type { Phase } from '../src/round/round.js';
import { FEDERATION_ID, honestUpdate, SLOT_MS, type Clock } from './consortium.js';
import { envelopeFor, opened, startWorld, takeWork, until, type World } from './world.js';

export interface DashboardWorld {
  readonly world: World;
  readonly base: string;
  readonly clock: Clock;
  readonly clients: readonly FederationClient[];
  /** Opens the next slot's round and waits until it gathers. */
  nextRound(): Promise<void>;
  phaseIs(phase: Phase): Promise<void>;
}

const ATTACK = '<img src=x onerror="document.title=\'taken\'">';

export async function startDashboardWorld(
  o: Readonly<{ dashboardDir?: string }> = {},
): Promise<DashboardWorld> {
  const startMs = Math.floor(Date.now() / SLOT_MS) * SLOT_MS;
  const clock: Clock = { now: startMs, nowMs: () => clock.now };
  const world = await startWorld(
    {
      slotLengthMs: SLOT_MS,
      openDelayMs: 1_000,
      gatherMaxMs: 5_000,
      collectMaxMs: 20_000,
      graceMs: 5_000,
      sealMaxMs: 10_000,
    },
    { nowMs: clock.nowMs, enrolment: true, ...o },
  );
  const clients = await Promise.all(
    ['H1', 'H2', 'H3'].map((nodeId) => world.client(nodeId, { nowMs: clock.nowMs })),
  );
  for (const client of clients) {
    await client.hello({ software: 'bhs-node 0.1.0', kernelHash: '', ledgerHead: null });
  }
  const newest = async (): Promise<Phase | undefined> =>
    (await world.store.rounds.newest({ limit: 1 }))[0]?.round.phase;
  const phaseIs = (phase: Phase): Promise<void> => until(async () => (await newest()) === phase);
  const nextRound = async (): Promise<void> => {
    clock.now = (Math.floor(clock.now / SLOT_MS) + 1) * SLOT_MS;
    await phaseIs('scheduled');
    clock.now += 1_000;
    await phaseIs('gathering');
  };
  const work = () => Promise.all(clients.map((client) => takeWork(client)));
  const submit = async (
    index: number,
    unit: Awaited<ReturnType<typeof work>>[number],
    update: Uint8Array,
  ): Promise<void> => {
    const envelope = envelopeFor(unit, `H${index + 1}`, update);
    await clients[index]!.submitUpdate({ envelope, update }).catch((cause: unknown) => {
      if ((cause as { code?: string }).code !== 'ERR_UPDATE_REJECTED') throw cause;
    });
  };

  await nextRound();
  const first = await work();
  clock.now += 2_000;
  for (const index of [0, 1, 2]) {
    clock.now += 1_500;
    await submit(index, first[index]!, encodeParameters(honestUpdate(index)));
  }
  await phaseIs('sealed');
  await until(async () => (await world.orchestrator.status()).publication.activeVersion === 1);

  await nextRound();
  const second = await work();
  clock.now += 3_000;
  await submit(2, second[2]!, encodeParameters(new Int32Array(64).fill(20 * 2 ** 20)));
  for (const index of [0, 1]) {
    clock.now += 2_000;
    await submit(index, second[index]!, encodeParameters(honestUpdate(index + 10)));
  }
  await phaseIs('sealed');

  await nextRound();
  clock.now += 5_000;
  await phaseIs('skipped');

  await invite(world, clock);
  await world.store.audit.append('certificate-renewed', clock.now, { nodeId: ATTACK });

  await nextRound();
  const last = await work();
  clock.now += 2_000;
  const copied = encodeParameters(honestUpdate(20));
  await submit(0, last[0]!, copied);
  clock.now += 1_000;
  await submit(2, last[2]!, copied);
  clock.now += 1_000;
  return {
    world,
    base: `http://127.0.0.1:${world.orchestrator.httpPort}`,
    clock,
    clients,
    nextRound,
    phaseIs,
  };
}

async function invite(world: World, clock: Clock): Promise<void> {
  const authority = await openAuthority({
    folder: `${world.folder}/h4`,
    federationId: 'H4MSP',
    nowMs: clock.now,
  });
  const person = await authority.issueNode('admin', clock.now);
  const desk = new EnrolmentDesk({
    federationId: FEDERATION_ID,
    authority: world.authority,
    store: world.store,
    nowMs: clock.nowMs,
  });
  const line = await desk.invite({
    nodeId: 'H4',
    address: `127.0.0.1:${world.orchestrator.enrolmentPort!}`,
    lifeMs: 3_600_000,
    by: 'ana',
    msp: { mspId: 'H4MSP', mspRoot: authority.certificatePem },
  });
  const client = await connectEnrolment(decodeInvitation(line));
  opened.push(() => client.close());
  await client.request(await createEnrolmentKey({ federationId: FEDERATION_ID, nodeId: 'H4' }), {
    mspId: 'H4MSP',
    certificate: person.certificate,
    privateKey: person.privateKey,
  });
}

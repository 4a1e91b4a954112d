/**
 * What a member that means ill, or a stranger, may try: each attempt is refused with its code, stands in the audit log,
 * and the round of the others goes on.
 */
import { connect as connectHttp2 } from 'node:http2';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials, status, type ClientReadableStream } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '@bhschain/dp';
import {
  CHUNK_BYTES,
  encodeParameters,
  type FederationClient,
  type UpdateEnvelope,
  type WorkUnit,
} from '../src/protocol.js';
import { DEFAULT_LIMITS, type AdmissionLimits } from '../src/admission.js';
import type { IssuedIdentity } from '../src/enrolment/authority.js';
import { FederationServiceService } from '../src/protocol/generated/federation.js';
import { SERVER_NAME } from '../src/protocol/identifiers.js';
import { RoundRunner } from '../src/round-runner.js';
import { UpdateDesk } from '../src/update-desk.js';
import { callerWith, honestUpdate } from './consortium.js';
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

async function threeAtWork(
  world: World,
): Promise<{ clients: readonly FederationClient[]; units: readonly WorkUnit[] }> {
  const clients = await Promise.all(['H1', 'H2', 'H3'].map((id) => world.client(id)));
  world.nextSlot();
  const units = await Promise.all(clients.map((client) => takeWork(client)));
  return { clients, units };
}

function submit(
  client: FederationClient,
  unit: WorkUnit,
  nodeId: string,
  update: Uint8Array,
  change: Partial<UpdateEnvelope> = {},
): Promise<{ receipt: { verdict: string; reason: string } }> {
  return client.submitUpdate({
    envelope: { ...envelopeFor(unit, nodeId, update), ...change },
    update,
  });
}

async function refusals(world: World): Promise<string[]> {
  const records = await world.store.audit.list({ after: -1, limit: 1_000 });
  return records
    .filter((each) => each.kind === 'refused')
    .map((each) => (JSON.parse(each.body) as { code: string }).code);
}

describe('a hostile member', () => {
  it('is refused with a code, put on record, and changes nothing for the others', async () => {
    const world = await startWorld({ roundsMax: 2 });
    const { clients, units } = await threeAtWork(world);
    const [evil, h2, h3] = clients as [FederationClient, FederationClient, FederationClient];
    const [unit] = units as [WorkUnit];
    const honest = encodeParameters(honestUpdate(1));

    // Somebody else's name, another task, another round, a signature that is not its own.
    const attempts: [Partial<UpdateEnvelope>, string][] = [
      [{ nodeId: 'H2' }, 'ERR_NODE_MISMATCH'],
      [{ layoutHash: sha256Hex('x') }, 'ERR_LAYOUT_MISMATCH'],
      [{ planHash: sha256Hex('x') }, 'ERR_PLAN_MISMATCH'],
      [{ baseModel: sha256Hex('x') }, 'ERR_BASE_MODEL_MISMATCH'],
      [
        { roundId: { ...unit.roundId, slotIndex: unit.roundId.slotIndex - 7 } },
        'ERR_ROUND_UNKNOWN',
      ],
      [{ roundId: { ...unit.roundId, federationId: 'other' } }, 'ERR_FEDERATION_MISMATCH'],
      [{ releases: [] }, 'ERR_ENVELOPE'],
    ];
    for (const [change, code] of attempts) {
      await expect(submit(evil, unit, 'H1', honest, change)).rejects.toMatchObject({
        code,
        retryable: false,
      });
    }
    // Half a number too many, and the bits of NaN in every float32: as integers they are enormous.
    await expect(
      submit(evil, unit, 'H1', Buffer.concat([honest, Buffer.alloc(4)])),
    ).rejects.toMatchObject({ code: 'ERR_UPDATE_REJECTED', facts: { reason: 'length' } });
    // That was its one update of this round: a second, sound one is a conflict, and kept as evidence.
    await expect(submit(evil, unit, 'H1', honest)).rejects.toMatchObject({
      code: 'ERR_UPDATE_CONFLICT',
    });
    const nan = new Uint8Array(new Float32Array(64).fill(Number.NaN).buffer);
    await expect(submit(h3, units[2]!, 'H3', nan)).rejects.toMatchObject({
      code: 'ERR_UPDATE_REJECTED',
      facts: { reason: 'range' },
    });

    // The round of the others: one honest update is below the quorum of two, so it aborts in time and by name.
    await submit(h2, units[1]!, 'H2', encodeParameters(honestUpdate(2)));
    await until(async () => (await world.store.rounds.count('aborted')) === 1);
    expect(await refusals(world)).toEqual(
      expect.arrayContaining(
        attempts.map(([, code]) => code).filter((c) => c !== 'ERR_UPDATE_CONFLICT'),
      ),
    );
    const kinds = (await world.store.audit.list({ after: -1, limit: 1_000 })).map(
      (each) => each.kind,
    );
    expect(kinds).toEqual(expect.arrayContaining(['update-screened', 'update-conflict']));
    await world.store.audit.verify();

    // The next slot runs as if nothing had been; what was sent for the round before does not count in it.
    world.nextSlot();
    const next = await Promise.all(clients.map((client) => takeWork(client)));
    await expect(submit(evil, unit, 'H1', honest)).rejects.toMatchObject({
      code: 'ERR_UPDATE_CONFLICT',
    });
    await submit(h2, next[1]!, 'H2', encodeParameters(honestUpdate(4)));
    await submit(h3, next[2]!, 'H3', encodeParameters(honestUpdate(5)));
    await until(async () => (await world.store.rounds.count('sealed')) === 1);
  }, 120_000);

  it('cannot fill the store with oversized, unannounced or foreign chunks', async () => {
    const world = await startWorld({}, { parameterCount: 300_000 });
    const { clients, units } = await threeAtWork(world);
    const [evil] = clients as [FederationClient];
    const update = encodeParameters(honestUpdate(1, 300_000));
    const digest = sha256Hex(update);
    const chunks = [0, 1, 2, 3, 4].map((index) =>
      update.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES),
    );
    const desk = new UpdateDesk({ ...world.parts, runner: new RoundRunner(world.parts) });
    const { certificate } = await world.authority.issueNode('H1', nowMs());
    const caller = callerWith('H1', certificate);
    await expect(
      desk.beginObject(caller, {
        digest,
        objectBytes: 1 << 30,
        chunkDigests: chunks.map((each) => sha256Hex(each)),
      }),
    ).rejects.toMatchObject({ code: 'ERR_OBJECT_LIMIT' });
    await expect(desk.putChunk(digest, 0, chunks[0]!)).rejects.toMatchObject({
      code: 'ERR_OBJECT_UNKNOWN',
    });
    await desk.beginObject(caller, {
      digest,
      objectBytes: update.length,
      chunkDigests: chunks.map((each) => sha256Hex(each)),
    });
    await expect(desk.putChunk(digest, 9, chunks[0]!)).rejects.toMatchObject({
      code: 'ERR_OBJECT_LIMIT',
    });
    await expect(desk.putChunk(digest, 0, chunks[1]!)).rejects.toMatchObject({
      code: 'ERR_CHUNK_DIGEST',
    });
    // The honest upload of the same bytes still goes through.
    expect((await submit(evil, units[0]!, 'H1', update)).receipt.verdict).toBe('accepted');
  }, 120_000);
});

describe('a reader that never reads', () => {
  /** More than the real client takes by itself, which is sixteen chunks and a window. */
  const PARAMETER_COUNT = 1_500_000;

  /** Opens an object by the real client and takes no message of it; resolves when the server has begun to send. */
  async function openUnread(
    world: World,
    identity: IssuedIdentity,
    digest: string,
  ): Promise<Readonly<{ call: ClientReadableStream<unknown>; ended: Promise<unknown> }>> {
    const { getObject } = FederationServiceService;
    const client = new Client(
      `127.0.0.1:${world.orchestrator.port}`,
      credentials.createSsl(
        ...[identity.ca, identity.privateKey, identity.certificate].map((pem) => Buffer.from(pem)),
      ),
      // A connection of its own, as somebody would who wants to hold many.
      { 'grpc.ssl_target_name_override': SERVER_NAME, 'grpc.use_local_subchannel_pool': 1 },
    );
    opened.push(() => client.close());
    const request = { digest, firstChunk: 0 };
    const call = client.makeServerStreamRequest(
      ...[getObject.path, getObject.requestSerialize, getObject.responseDeserialize],
      request,
    );
    opened.push(() => call.cancel());
    const ended = new Promise((resolve) => call.once('error', resolve));
    const begun = new Promise((resolve) => call.once('metadata', resolve));
    // Lets the client begin; without anybody who takes its messages it soon asks for no more.
    call.read();
    await Promise.race([begun, ended.then((cause) => Promise.reject(cause as Error))]);
    return { call, ended };
  }

  const begin = async (limits: Partial<AdmissionLimits>) => {
    const world = await startWorld(
      {},
      { parameterCount: PARAMETER_COUNT, limits: { ...DEFAULT_LIMITS, ...limits } },
    );
    const identity = await world.authority.issueNode('H1', nowMs());
    const digest = (await world.store.lineage.models())[0]!.digest;
    return { world, digest, open: () => openUnread(world, identity, digest) };
  };

  it('has few streams at once, and they are in nobody’s way', async () => {
    const { world, digest, open } = await begin({});
    const unread = [];
    for (let stream = 0; stream < DEFAULT_LIMITS.downloadsPerNode; stream++) {
      unread.push(await open());
    }
    const h1 = await world.client('H1');
    await expect(h1.getObject(digest)).rejects.toMatchObject({ code: 'ERR_BUSY' });
    expect((await (await world.client('H2')).getObject(digest)).length).toBe(4 * PARAMETER_COUNT);
    // Its other calls go on, and so do downloads when it gives one up.
    await h1.getWork({ state: 'ready' });
    unread[0]!.call.cancel();
    await until(() =>
      h1.getObject(digest).then(
        () => true,
        () => false,
      ),
    );
  }, 120_000);

  it('is shown out with all that it holds when it takes nothing in time', async () => {
    const { world, digest, open } = await begin({ chunkTakenMs: 200 });
    const unread = await Promise.all([open(), open()]);
    for (const { ended } of unread) {
      expect(await ended).toMatchObject({ code: status.UNAVAILABLE });
    }
    // Whoever reads gets everything, the same node as well.
    const h1 = await world.client('H1');
    expect((await h1.getObject(digest)).length).toBe(4 * PARAMETER_COUNT);
  }, 120_000);
});

describe('a crowd at the door', () => {
  it('silent connections and half-open streams are bounded, and a member gets in beside them', async () => {
    const world = await startWorld(
      {},
      { connectionLimits: { connectionsMax: 160, silenceMs: 1_500 } },
    );
    const residentBefore = process.memoryUsage.rss();
    const crowd: Socket[] = [];
    for (let index = 0; index < 400; index++) {
      const socket = createConnection({ host: '127.0.0.1', port: world.orchestrator.port });
      socket.on('error', () => socket.destroy());
      crowd.push(socket);
    }
    opened.push(() => {
      for (const socket of crowd) socket.destroy();
    });
    // Beyond the limit they are closed at once, the silent ones a little later.
    await until(() => crowd.filter((each) => !each.destroyed && !each.closed).length === 0);

    // Half-open streams of a member: headers of calls that never send their message.
    const identity = await world.authority.issueNode('H1', nowMs());
    let streams = 0;
    for (let connection = 0; connection < 8; connection++) {
      const session = connectHttp2(`https://127.0.0.1:${world.orchestrator.port}`, {
        ca: identity.ca,
        cert: identity.certificate,
        key: identity.privateKey,
        servername: SERVER_NAME,
      });
      session.on('error', () => session.destroy());
      opened.push(() => session.destroy());
      for (let stream = 0; stream < 250; stream++) {
        const request = session.request({
          ':method': 'POST',
          ':path': '/bhschain.federation.v1.FederationService/SubmitUpdate',
          'content-type': 'application/grpc',
          te: 'trailers',
        });
        request.on('error', () => request.destroy());
        streams += 1;
      }
    }
    expect(streams).toBe(2_000);
    await sleep(500);
    const { clients, units } = await threeAtWork(world);
    for (const index of [1, 2]) {
      const nodeId = `H${index + 1}`;
      await submit(clients[index]!, units[index]!, nodeId, encodeParameters(honestUpdate(index)));
    }
    await until(async () => (await world.store.rounds.count('sealed')) === 1);
    // Both ends live in this process, so this bounds them together.
    expect(process.memoryUsage.rss() - residentBefore).toBeLessThan(200 * 2 ** 20);
  }, 120_000);
});

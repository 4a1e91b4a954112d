/** The disk fills up, the database goes away in the middle of a round: nothing is acknowledged that is not kept. */
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { RoundRunner } from '../src/round-runner.js';
import { verifyRound } from '../src/round-proof.js';
import { encodeEnvelope } from '../src/protocol/envelope.js';
import { encodeParameters } from '../src/protocol/parameters.js';
import { signDocument } from '../src/protocol/signing.js';
import { createPrivateKey } from 'node:crypto';
import { NodeDesk } from '../src/node-desk.js';
import type { Round } from '../src/round/round.js';
import { createPostgresPool, postgresDialect } from '../src/store/postgresql-adapter.js';
import { openStore } from '../src/store/store.js';
import { createTableObjects } from '../src/store/table-objects.js';
import { UpdateDesk } from '../src/update-desk.js';
import { publicError } from '../src/federation-service.js';
import {
  callerWith,
  FEDERATION_ID,
  handTurnedClock,
  honestUpdate,
  openDisk,
  SLOT_MS,
  START_MS,
  temporaryFolder,
  testAuthority,
  testFederation,
  testSigner,
} from './consortium.js';
import { postgresqlPrograms, startPostgres } from '../../test/postgresql.js';
import { envelopeFor } from './world.js';

const close: (() => unknown)[] = [];
afterEach(async () => {
  for (const each of close.splice(0).reverse()) await each();
});

/** Parts of an orchestrator on any store, with members whose calls are made by hand. */
async function orchestratorOn(
  disk: Awaited<ReturnType<typeof openDisk>>,
  folder: string,
  clock: ReturnType<typeof handTurnedClock>,
) {
  const { signer, trusted } = await testSigner(folder, clock.now);
  const authority = await testAuthority(folder, clock.now);
  const federation = testFederation({ parameterCount: 4_000 });
  const parts = { federation, ...disk, signer, nowMs: clock.nowMs };
  const runner = new RoundRunner(parts);
  await runner.initialise();
  const desk = new NodeDesk({ ...parts, runner, jitter: () => 0.5 });
  const updates = new UpdateDesk({ ...parts, runner });
  const submit = async (nodeId: string, round: Round): Promise<string> => {
    const identity = await authority.issueNode(nodeId, clock.now);
    const update = encodeParameters(honestUpdate(Number(nodeId.slice(1)), 4_000));
    const envelope = encodeEnvelope(
      envelopeFor({ ...round, roundId: round.id } as never, nodeId, update),
    );
    const signature = signDocument(
      'bhs-update-v1',
      envelope,
      createPrivateKey(identity.privateKey),
    );
    const caller = callerWith(nodeId, identity.certificate);
    return updates.submitUpdate(caller, { envelope, signature, update }).then(
      () => 'accepted',
      (cause: unknown) => publicError(cause).code,
    );
  };
  const untilCollecting = async (): Promise<Round> => {
    clock.now = START_MS + SLOT_MS;
    await runner.openDueSlot();
    clock.now += 1_100;
    await runner.settle();
    for (const nodeId of ['H1', 'H2', 'H3']) {
      const { certificate } = await authority.issueNode(nodeId, clock.now);
      await desk.getWork(callerWith(nodeId, certificate), 'ready');
    }
    const open = await disk.store.rounds.findOpen();
    if (open?.round.phase !== 'collecting') throw new Error('not collecting');
    return open.round;
  };
  const proof = {
    ...disk,
    federationId: FEDERATION_ID,
    trustedSigners: [trusted],
    trustedAuthorities: [authority.certificatePem],
  };
  return { runner, submit, untilCollecting, proof, parts };
}

/** Root may mount a small file system; whoever is not runs the other tests. */
function mountTiny(path: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'bhs-test', path], { stdio: 'ignore' });
    return true;
  } catch {
    const line = 'a tmpfs cannot be mounted here (not root?); the disk-full test needs it';
    if (process.env['REQUIRE_ALL'] === '1') throw new Error(line);
    process.stderr.write(`skipped: ${line}\n`);
    return false;
  }
}

describe('a full disk', () => {
  it('acknowledges nothing, and goes on where it was when there is room again', async (context) => {
    const folder = temporaryFolder();
    close.push(folder.remove);
    const identities = temporaryFolder();
    close.push(identities.remove);
    if (!mountTiny(folder.path)) context.skip();
    close.push(() => execFileSync('umount', ['-l', folder.path]));
    const clock = handTurnedClock(START_MS + 100);
    const disk = await openDisk(folder.path, clock.now);
    close.push(() => disk.store.close());
    const o = await orchestratorOn(disk, identities.path, clock);
    const round = await o.untilCollecting();
    expect(await o.submit('H1', round)).toBe('accepted');

    const ballast = `${folder.path}/ballast`;
    let size = 4 << 20;
    // As much as goes in: what is left is less than one update.
    while (size > 1_024) {
      try {
        writeFileSync(ballast, Buffer.alloc(size), { flag: 'a' });
      } catch {
        size >>= 1;
      }
    }
    expect(await o.submit('H2', round)).toBe('ERR_STORAGE');
    expect(await disk.store.rounds.submission(round.id, 'H2')).toBeNull();
    rmSync(ballast);
    expect(await o.submit('H2', round)).toBe('accepted');
    expect(await o.submit('H3', round)).toBe('accepted');
    await o.runner.settle();
    const [sealed] = await disk.store.lineage.manifestsAfter(0, 1);
    expect((await verifyRound(o.proof, sealed!)).filter((each) => !each.ok)).toEqual([]);
  }, 60_000);
});

describe('an update whose stored bytes are others', () => {
  const begin = async () => {
    const folder = temporaryFolder();
    close.push(folder.remove);
    const clock = handTurnedClock(START_MS + 100);
    const disk = await openDisk(folder.path, clock.now);
    close.push(() => disk.store.close());
    const o = await orchestratorOn(disk, folder.path, clock);
    const round = await o.untilCollecting();
    for (const nodeId of ['H1', 'H2', 'H3']) {
      expect(await o.submit(nodeId, round)).toBe('accepted');
    }
    /** As a disk does that forgets: a sound update, and not the one that was screened. */
    const damage = async (): Promise<void> => {
      const update = (await disk.store.rounds.submission(round.id, 'H2'))!.update;
      const file = join(folder.path, 'objects', update.slice(0, 2), update);
      expect(existsSync(file)).toBe(true);
      writeFileSync(file, encodeParameters(honestUpdate(9, 4_000)));
    };
    return { ...o, store: disk.store, id: round.id, clock, damage };
  };

  it('is not averaged: the round aborts and says so, and nothing waits for it', async () => {
    const { store, runner, id, damage } = await begin();
    await damage();
    await runner.settle();
    expect((await store.rounds.find(id))?.round).toMatchObject({
      ...{ phase: 'aborted', outcome: 'aggregate-failed', resultModel: '' },
    });
    expect(await store.rounds.nextEffectAtMs()).toBeNull();
    expect(await store.rounds.count('sealed')).toBe(0);
  });

  it('stops the seal as well, when they changed between averaging and a restart', async () => {
    const { store, id, clock, damage, parts } = await begin();
    const sign = (): never => {
      throw new Error('the key is away');
    };
    await new RoundRunner({ ...parts, signer: { ...parts.signer, sign } }).settle();
    expect((await store.rounds.find(id))?.round.phase).toBe('sealing');
    await damage();
    clock.now += 2_000;
    await new RoundRunner(parts).settle();
    expect((await store.rounds.find(id))?.round).toMatchObject({ outcome: 'aggregate-failed' });
    expect(await store.lineage.newestManifest()).toBeNull();
  });
});

describe.runIf(postgresqlPrograms !== null)('PostgreSQL', () => {
  it('stopped and started in the middle of a round costs retries and nothing else', async () => {
    const server = await startPostgres();
    close.push(() => server.remove());
    const folder = temporaryFolder();
    close.push(folder.remove);
    const clock = handTurnedClock(START_MS + 100);
    const pool = createPostgresPool({
      url: await server.createDatabase(),
      failed: () => undefined,
    });
    const store = await openStore({
      dialect: postgresDialect(pool),
      engine: 'postgresql',
      nowMs: clock.now,
    });
    close.push(() => store.close());
    const disk = { store, objects: createTableObjects(store.database) };
    const o = await orchestratorOn(disk, folder.path, clock);
    const round = await o.untilCollecting();
    expect(await o.submit('H1', round)).toBe('accepted');
    await server.stop();
    expect(await o.submit('H2', round)).toMatch(/ERR_STORAGE|ERR_INTERNAL/);
    await expect(o.runner.settle()).rejects.toThrow();
    await server.start();
    expect(await o.submit('H1', round)).toBe('accepted');
    expect(await o.submit('H2', round)).toBe('accepted');
    expect(await o.submit('H3', round)).toBe('accepted');
    await o.runner.settle();
    expect(await store.rounds.count('sealed')).toBe(1);
    const [sealed] = await store.lineage.manifestsAfter(0, 1);
    expect((await verifyRound(o.proof, sealed!)).filter((each) => !each.ok)).toEqual([]);
  }, 90_000);
});

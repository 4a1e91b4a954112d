/**
 * The process dies before and after every durable operation of two rounds, one run for each. What is left on disk is
 * opened again and must come to the same sealed models, the same chain and one proposal a version.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256Hex } from '@bhschain/dp';
import { createPrivateKey } from 'node:crypto';
import type { IssuedIdentity } from '../src/enrolment/authority.js';
import { FederationError } from '../src/errors.js';
import type { Signer } from '../src/federation.js';
import { NodeDesk } from '../src/node-desk.js';
import { UpdateDesk } from '../src/update-desk.js';
import { encodeEnvelope } from '../src/protocol/envelope.js';
import { encodeParameters } from '../src/protocol/parameters.js';
import { signDocument } from '../src/protocol/signing.js';
import { Publisher } from '../src/publication/publisher.js';
import { verifyRound } from '../src/round-proof.js';
import { RoundRunner } from '../src/round-runner.js';
import type { Round } from '../src/round/round.js';
import type { ObjectStore } from '../src/store/objects.js';
import type { FederationStore } from '../src/store/store.js';
import {
  callerWith,
  FEDERATION_ID,
  handTurnedClock,
  honestUpdate,
  MemoryChannel,
  openDisk,
  SLOT_MS,
  START_MS,
  temporaryFolder,
  testAuthority,
  testFederation,
  testSigner,
} from './consortium.js';

const NODES = ['H1', 'H2', 'H3'];
const STEP_MS = 2_000;
const END_MS = START_MS + 3 * SLOT_MS;
const DURABLE = new Set([
  'commit',
  'put',
  'setFact',
  'recordGenesis',
  'ensure',
  'raiseLedgerHead',
  'update',
  'activate',
  'completeEffect',
  'discardModel',
  'append',
  'configure',
  'propose',
  'activate',
]);

class Crash extends Error {
  override readonly name = 'Crash';
}

/** Counts durable operations over all its parts and dies at one of them. */
class CrashPoint {
  count = 0;
  /** Nothing works between the crash and the next start. */
  dead = false;
  readonly at: number;
  readonly when: 'before' | 'after';

  constructor(at: number, when: 'before' | 'after') {
    this.at = at;
    this.when = when;
  }

  #die(operation: string): never {
    this.dead = true;
    throw new Crash(operation);
  }

  wrap<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (object, key) => {
        const value: unknown = Reflect.get(object, key);
        // The store is an object of stores.
        if (typeof value === 'object' && value !== null) return this.wrap(value);
        if (typeof value !== 'function') return value;
        const method = value.bind(object) as (...args: unknown[]) => unknown;
        return async (...args: unknown[]) => {
          if (this.dead) throw new Crash('dead');
          if (typeof key !== 'string' || !DURABLE.has(key)) return method(...args);
          this.count += 1;
          const dies = this.count === this.at;
          if (dies && this.when === 'before') this.#die(key);
          const result = await method(...args);
          if (dies) this.#die(key);
          return result;
        };
      },
    });
  }
}

interface Outcome {
  models: string[];
  phases: string[];
  active: number | null;
  proposals: string[];
  operations: number;
  restarts: number;
}

let folder: ReturnType<typeof temporaryFolder>;
let signer: Signer;
let trusted: string;
let authorityPem: string;
const identities = new Map<string, IssuedIdentity>();

beforeAll(async () => {
  folder = temporaryFolder();
  ({ signer, trusted } = await testSigner(folder.path, START_MS));
  const authority = await testAuthority(folder.path, START_MS);
  authorityPem = authority.certificatePem;
  for (const nodeId of NODES) identities.set(nodeId, await authority.issueNode(nodeId, START_MS));
});
afterAll(() => folder.remove());

/** With a server optimiser that remembers, so that its state is part of what a crash must not lose. */
const federation = testFederation({
  policy: { roundsMax: 2, optimiser: { rule: 'fedavgm', momentum: [9, 10] } },
});

async function run(point: CrashPoint): Promise<Outcome> {
  const disk = temporaryFolder();
  const clock = handTurnedClock(START_MS + 100);
  const ledger = new MemoryChannel();
  ledger.attesters = ['H1MSP', 'H2MSP'];
  const channel = point.wrap(ledger);
  let restarts = 0;

  const boot = async (): Promise<{
    store: FederationStore;
    raw: FederationStore;
    objects: ObjectStore;
    runner: RoundRunner;
    publisher: Publisher;
    desk: NodeDesk;
    updates: UpdateDesk;
  }> => {
    point.dead = false;
    const opened = await openDisk(disk.path, clock.now);
    const store = point.wrap(opened.store);
    const objects = point.wrap(opened.objects);
    const parts = { federation, store, objects, signer, nowMs: clock.nowMs };
    const runner = new RoundRunner(parts);
    const publisher = new Publisher({
      ...parts,
      channel,
      builder: {
        build: (previous, facts) =>
          Buffer.from(`${sha256Hex(previous)} ${facts.version} ${facts.manifestDigest}`),
        judge: () => ({ passed: true, reason: '', auc: 1, alertRatePpm: 1 }),
      },
      genesis: { detector: Buffer.from('zero'), table: Buffer.from('table') },
      configuration: '{}',
      attestations: 2,
      attestMaxMs: 60_000,
    });
    const desk = new NodeDesk({ ...parts, runner, jitter: () => 0.5 });
    const updates = new UpdateDesk({ ...parts, runner });
    try {
      await runner.initialise();
    } catch (cause) {
      await opened.store.close();
      throw cause;
    }
    return { store, raw: opened.store, objects, runner, publisher, desk, updates };
  };

  const bootUntilUp = async (): ReturnType<typeof boot> => {
    for (;;) {
      try {
        return await boot();
      } catch (cause) {
        if (!(cause instanceof Crash)) throw cause;
        restarts += 1;
      }
    }
  };

  let world = await bootUntilUp();
  while (clock.now < END_MS) {
    try {
      await world.runner.settle();
      await world.publisher.prepare();
      await world.runner.openDueSlot();
      await world.publisher.advance();
      for (const nodeId of NODES) await visit(world.desk, world.updates, nodeId);
      const idle =
        (await world.raw.rounds.findOpen()) === null &&
        (await world.raw.publications.list({ states: ['queued', 'built', 'proposed'] })).length ===
          0;
      clock.now = idle ? ((await world.runner.nextDueMs()) ?? END_MS) : clock.now + STEP_MS;
    } catch (cause) {
      if (!(cause instanceof Crash)) throw cause;
      restarts += 1;
      await world.raw.close();
      world = await bootUntilUp();
    }
  }

  const sealed = await world.raw.lineage.manifestsAfter(0, 10);
  const proof = {
    store: world.raw,
    objects: world.objects,
    federationId: FEDERATION_ID,
    trustedSigners: [trusted],
    trustedAuthorities: [authorityPem],
  };
  for (const each of sealed) {
    const checks = await verifyRound(proof, each);
    expect(checks.filter((check) => !check.ok)).toEqual([]);
  }
  expect(sealed.map((each) => each.previous)).toEqual(['', sealed[0]?.digest]);
  await world.raw.audit.verify();
  const rounds = await world.raw.rounds.newest({ limit: 10 });
  await world.raw.close();
  disk.remove();
  return {
    models: sealed.map((each) => each.resultModel),
    phases: rounds.map((each: { round: Round }) => each.round.phase),
    active: ledger.active,
    proposals: [...ledger.versions.keys()].map(String),
    operations: point.count,
    restarts,
  };
}

/** One poll of one node, as the published client would do it; a refusal is left for the next poll. */
async function visit(desk: NodeDesk, updates: UpdateDesk, nodeId: string): Promise<void> {
  const identity = identities.get(nodeId)!;
  const caller = callerWith(nodeId, identity.certificate);
  try {
    const { assignment } = await desk.getWork(caller, 'ready');
    if (assignment.kind !== 'train') return;
    const { round } = assignment;
    const seed = Number(nodeId.slice(1)) + 10 * (round.id.slotIndex % 97);
    const update = encodeParameters(honestUpdate(seed));
    const envelope = encodeEnvelope({
      schema: 1,
      roundId: round.id,
      nodeId,
      planHash: round.planHash,
      layoutHash: round.layoutHash,
      baseModel: round.baseModel,
      releases: [
        {
          name: 'update',
          encoding: 'int32le-2^-20',
          length: update.length / 4,
          digest: sha256Hex(update),
        },
      ],
      ledgerHead: { seq: round.id.slotIndex, hash: sha256Hex(`${nodeId} ${round.id.slotIndex}`) },
      dataCommitment: '',
      software: 'test',
      kernelHash: sha256Hex('kernel'),
    });
    const key = createPrivateKey(identity.privateKey);
    const signature = signDocument('bhs-update-v1', envelope, key);
    await updates.submitUpdate(caller, { envelope, signature, update });
  } catch (cause) {
    if (!(cause instanceof FederationError)) throw cause;
  }
}

describe('a crash at every durable operation', () => {
  it('ends as the undisturbed run does', async () => {
    const undisturbed = await run(new CrashPoint(0, 'before'));
    expect(undisturbed.models).toHaveLength(2);
    expect(undisturbed.active).toBe(2);
    expect(undisturbed.operations).toBeGreaterThan(40);

    let crashes = 0;
    for (let at = 1; at <= undisturbed.operations; at++) {
      // Alternating keeps the suite short; each operation is hit, and its neighbours the other way round.
      const when = at % 2 === 0 ? 'before' : 'after';
      const { models, phases, active, proposals, restarts } = await run(new CrashPoint(at, when));
      crashes += restarts;
      expect({ at, when, models, phases, active, proposals }).toEqual({
        at,
        when,
        models: undisturbed.models,
        phases: undisturbed.phases,
        active: undisturbed.active,
        proposals: undisturbed.proposals,
      });
    }
    expect(crashes).toBe(undisturbed.operations);
  }, 900_000); // thousands of durable operations: minutes where each takes a tenth of a second
});

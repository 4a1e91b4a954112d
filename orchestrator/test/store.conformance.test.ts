/** One suite for the embedded SQLite and for PostgreSQL. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sha256Hex } from '@bhschain/dp';
import { join } from 'node:path';
import { CHUNK_BYTES } from '../src/protocol/limits.js';
import { scheduleRound, step } from '../src/round/step.js';
import type { Round } from '../src/round/round.js';
import { createFolderObjects } from '../src/store/folder-objects.js';
import { createAdvisoryLeadership } from '../src/store/leadership.js';
import { SCHEMA_VERSION } from '../src/store/migrations.js';
import type { ObjectStore } from '../src/store/objects.js';
import { createPostgresPool, postgresDialect } from '../src/store/postgresql-adapter.js';
import { sqliteDialect } from '../src/store/sqlite-adapter.js';
import {
  openStore,
  type ChannelVote,
  type DeclaredBudget,
  type FederationStore,
  type MetricSample,
  type OperatorSession,
  type StoredManifest,
  type Submission,
} from '../src/store/store.js';
import { createTableObjects } from '../src/store/table-objects.js';
import { FEDERATION_ID, SLOT_MS, START_MS, temporaryFolder, TEST_POLICY } from './consortium.js';
import { postgresqlPrograms, startPostgres, type PostgresServer } from '../../test/postgresql.js';

interface Place {
  open(): Promise<FederationStore>;
  /** A second writer: another connection on PostgreSQL; on SQLite one process has one. */
  rival(store: FederationStore): Promise<FederationStore>;
  objects(store: FederationStore): Promise<ObjectStore>;
}

let server: PostgresServer | null = null;
const folders: (() => void)[] = [];
const opened: FederationStore[] = [];
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});
afterAll(async () => {
  for (const remove of folders) remove();
  await server?.remove();
});

async function sqlitePlace(): Promise<Place> {
  const folder = temporaryFolder();
  folders.push(folder.remove);
  return Promise.resolve({
    open: async () => {
      const dialect = sqliteDialect({ file: join(folder.path, 'federation.sqlite') });
      const store = await openStore({ dialect, engine: 'sqlite', nowMs: START_MS });
      opened.push(store);
      return store;
    },
    rival: (store) => Promise.resolve(store),
    objects: () => createFolderObjects(join(folder.path, 'objects')),
  });
}

async function tablePlace(): Promise<Place> {
  const place = await sqlitePlace();
  return { ...place, objects: (store) => Promise.resolve(createTableObjects(store.database)) };
}

async function postgresPlace(): Promise<Place> {
  server ??= await startPostgres();
  const url = await server.createDatabase();
  const open = async (): Promise<FederationStore> => {
    const dialect = postgresDialect(createPostgresPool({ url }));
    const store = await openStore({ dialect, engine: 'postgresql', nowMs: START_MS });
    opened.push(store);
    return store;
  };
  return {
    open,
    rival: open,
    objects: (store) => Promise.resolve(createTableObjects(store.database)),
  };
}

function scheduled(slotIndex = START_MS / SLOT_MS): Round {
  return scheduleRound(
    {
      id: { federationId: FEDERATION_ID, slotIndex, attempt: 1 },
      policy: TEST_POLICY,
      planHash: 'p',
      layoutHash: 'l',
      baseModel: 'b',
      previousManifest: '',
      optimiserState: '',
      interval: { fromMs: 0, toMs: 1 },
      roster: ['H1', 'H2'],
    },
    { atMs: START_MS, skip: null },
  ).round;
}

const SUBMISSION: Submission = {
  nodeId: 'H1',
  update: sha256Hex('update'),
  envelopeDigest: sha256Hex('envelope'),
  envelope: Buffer.from('envelope'),
  signature: Buffer.from([0, 1, 255]),
  certificate: Buffer.from([2]),
  receipt: Buffer.from('receipt'),
  receiptSignature: Buffer.from([3]),
  receiptSigner: 'signer',
  atMs: START_MS,
};

async function begin(store: FederationStore, round: Round): Promise<void> {
  const event = { kind: 'slot-due', atMs: START_MS } as const;
  expect(await store.rounds.commit({ expectedVersion: null, round, event, effects: [] })).toBe(
    true,
  );
}

describe.each([
  ['sqlite', sqlitePlace, true],
  ['postgresql', postgresPlace, postgresqlPrograms !== null],
] as const)('%s', (_, makePlace, available) => {
  describe.runIf(available)('store', () => {
    let place: Place;
    let store: FederationStore;
    beforeAll(async () => {
      place = await makePlace();
    }, 60_000);

    const fresh = async (): Promise<FederationStore> => {
      place = await makePlace();
      store = await place.open();
      return store;
    };

    it('keeps facts and opens again', async () => {
      await fresh();
      await store.setFact('first-slot', '1');
      await store.setFact('first-slot', '2');
      const again = await place.open();
      expect(await again.fact('first-slot')).toBe('2');
      expect(await again.fact('nothing')).toBeNull();
      await again.ping();
    });

    it('refuses a database that a newer release has written', async () => {
      await fresh();
      await store.database
        .insertInto('schema_migration')
        .values({ version: SCHEMA_VERSION + 1, applied_at_ms: 1 })
        .execute();
      await expect(place.open()).rejects.toMatchObject({
        code: 'ERR_STORE_NEWER',
        facts: { found: SCHEMA_VERSION + 1 },
      });
    });

    it('gives one of two racing transitions to one writer, whole', async () => {
      await fresh();
      const round = scheduled();
      await begin(store, round);
      expect(await store.rounds.newestSlot()).toBe(round.id.slotIndex);
      const open = round.timers.open!;
      const event = { kind: 'timer', name: 'open', armedForMs: open, atMs: open } as const;
      const next = step(round, event);
      const other = await place.rival(store);
      const attempt = (to: FederationStore): Promise<boolean> =>
        to.rounds.commit({ expectedVersion: 0, round: next.round, event, effects: next.effects });
      const outcomes = await Promise.all([attempt(store), attempt(other)]);
      expect(outcomes.filter(Boolean)).toHaveLength(1);
      expect(await store.rounds.findOpen()).toEqual({ round: next.round, version: 1 });
      expect(await store.rounds.events(round.id)).toHaveLength(2);
    });

    it('lets a slot be scheduled once', async () => {
      await fresh();
      const round = scheduled();
      await begin(store, round);
      const event = { kind: 'slot-due', atMs: START_MS } as const;
      expect(await store.rounds.commit({ expectedVersion: null, round, event, effects: [] })).toBe(
        false,
      );
    });

    it('keeps the submission with its transition, or neither', async () => {
      await fresh();
      const round = scheduled();
      await begin(store, round);
      const event = { kind: 'node-ready', nodeId: 'H1', atMs: 1 } as const;
      const commit = (expectedVersion: number, submission?: Submission): Promise<boolean> =>
        store.rounds.commit({
          expectedVersion,
          round,
          event,
          effects: [],
          ...(submission === undefined ? {} : { submission }),
        });
      expect(await commit(0, SUBMISSION)).toBe(true);
      // A second one of the same node violates a key: nothing of the transition remains.
      expect(await commit(1, { ...SUBMISSION, update: sha256Hex('other') })).toBe(false);
      expect((await store.rounds.find(round.id))?.version).toBe(1);
      expect(await store.rounds.submission(round.id, 'H1')).toEqual({
        ...SUBMISSION,
        envelope: new Uint8Array(SUBMISSION.envelope),
        signature: new Uint8Array(SUBMISSION.signature),
        certificate: new Uint8Array(SUBMISSION.certificate),
        receipt: new Uint8Array(SUBMISSION.receipt),
        receiptSignature: new Uint8Array(SUBMISSION.receiptSignature),
      });
      expect(await store.rounds.submission(round.id, 'H2')).toBeNull();
    });

    it('keeps effects until they are complete, and postpones', async () => {
      await fresh();
      const round = { ...scheduled(), phase: 'aggregating' as const };
      await begin(store, scheduled());
      const event = { kind: 'node-ready', nodeId: 'H1', atMs: START_MS } as const;
      await store.rounds.commit({
        expectedVersion: 0,
        round,
        event,
        effects: [{ kind: 'aggregate' }, { kind: 'alert', about: 'x' }],
      });
      const [effect] = await store.rounds.dueEffects(START_MS);
      expect(effect).toMatchObject({ kind: 'aggregate', tries: 0 });
      expect(await store.rounds.nextEffectAtMs()).toBe(START_MS);
      await store.rounds.postponeEffect(effect!.effectKey, START_MS + 10, 'disk full');
      expect(await store.rounds.dueEffects(START_MS)).toEqual([]);
      expect(await store.rounds.dueEffects(START_MS + 10)).toMatchObject([{ tries: 1 }]);
      await store.rounds.commit({
        expectedVersion: 1,
        round,
        event,
        effects: [],
        completes: effect!.effectKey,
      });
      expect(await store.rounds.nextEffectAtMs()).toBeNull();
    });

    it('records a sealed round, its model and its publication together', async () => {
      await fresh();
      await store.lineage.recordGenesis('genesis');
      await store.lineage.recordGenesis('genesis');
      const before = scheduled();
      await begin(store, before);
      const round: Round = {
        ...before,
        phase: 'sealed',
        resultModel: 'result',
        manifest: 'digest',
        members: {
          H1: { state: 'accepted', reason: '', envelope: 'e', update: SUBMISSION.update },
          H2: { state: 'missing', reason: '', envelope: '', update: '' },
        },
      };
      const manifest: StoredManifest = {
        key: { slotIndex: before.id.slotIndex, attempt: 1 },
        digest: 'digest',
        previous: '',
        resultModel: 'result',
        bytes: new Uint8Array([1, 2]),
        signature: new Uint8Array([3]),
        signer: 'pem',
      };
      await store.rounds.commit({
        expectedVersion: 0,
        round,
        event: { kind: 'manifest-signed', manifest: 'digest', atMs: START_MS },
        effects: [],
        submission: SUBMISSION,
        manifest,
      });
      expect(await store.rounds.findOpen()).toBeNull();
      expect(await store.rounds.count('sealed')).toBe(1);
      expect(await store.lineage.manifest(manifest.key)).toEqual(manifest);
      expect(await store.lineage.manifestsAfter(0, 5)).toEqual([manifest]);
      expect((await store.lineage.models()).map((each) => [each.digest, each.state])).toEqual([
        ['genesis', 'genesis'],
        ['result', 'sealed'],
      ]);
      expect(await store.publications.list({ states: ['queued'] })).toMatchObject([
        { sequence: 0, key: null },
        { sequence: 1, key: manifest.key, model: 'result', version: null },
      ]);
      // Members may read models, manifests and updates that counted, and nothing else.
      for (const digest of ['genesis', 'result', 'digest', SUBMISSION.update]) {
        expect(await store.lineage.isPublicObject(digest)).toBe(true);
      }
      expect(await store.lineage.isPublicObject(sha256Hex('other'))).toBe(false);
      const state = async (): Promise<string> => (await store.lineage.models())[1]!.state;
      await store.lineage.rollBack({ avoided: ['digest', ''], restored: [] });
      expect(await state()).toBe('rolled-back');
      await store.lineage.rollBack({ avoided: [], restored: ['digest'] });
      expect(await state()).toBe('sealed');
      await store.lineage.rollBack({ avoided: ['digest'], restored: [] });
      await store.lineage.discardModel('digest', 'canary-auc');
      await store.lineage.rollBack({ avoided: [], restored: ['digest'] });
      expect(await state()).toBe('discarded');
      expect((await store.lineage.models())[0]).toMatchObject({ state: 'genesis' });
    });

    it('has one active publication', async () => {
      await fresh();
      await store.lineage.recordGenesis('genesis');
      await store.publications.update(0, { state: 'built', version: 0, detector: 'd' });
      await store.publications.activate(0);
      expect(await store.publications.list()).toMatchObject([{ state: 'active', version: 0 }]);
    });

    it('remembers nodes and the highest privacy-ledger head', async () => {
      await fresh();
      const member = {
        nodeId: 'H1',
        mspId: 'H1MSP',
        mspRoot: 'root',
        state: 'active',
        admitted: false,
      } as const;
      await store.roster.ensure(member);
      await store.roster.setAdmitted('H1');
      await store.roster.ensure({ ...member, mspRoot: '' });
      expect(await store.roster.find('H1')).toMatchObject({ mspRoot: 'root', admitted: true });
      await store.roster.raiseLedgerHead('H1', { seq: 5, hash: 'five' });
      await store.roster.raiseLedgerHead('H1', { seq: 4, hash: 'four' });
      await store.roster.greet('H1', {
        atMs: 7,
        clockOffsetMs: -2.6,
        software: 's',
        kernelHash: 'k',
      });
      await store.roster.setState('H1', 'paused');
      expect(await store.roster.find('H1')).toEqual({
        nodeId: 'H1',
        mspId: 'H1MSP',
        mspRoot: 'root',
        state: 'paused',
        admitted: true,
        lastSeenMs: 7,
        clockOffsetMs: -3,
        ledgerHead: { seq: 5, hash: 'five' },
        software: 's',
        kernelHash: 'k',
      });
      expect(await store.roster.find('H2')).toBeNull();
    });

    it('numbers revocations', async () => {
      await fresh();
      const revoke = (serial: string): Promise<number> =>
        store.roster.revoke({ serial, nodeId: 'H1', atMs: 1, reason: 'lost' });
      expect(await revoke('A')).toBe(1);
      expect(await revoke('B')).toBe(2);
      expect(await revoke('A')).toBe(1);
      expect((await store.roster.revocations()).map((each) => each.serial)).toEqual(['A', 'B']);
    });

    it('keeps the sessions of operators apart from one another', async () => {
      const { operators } = await fresh();
      const session = (idHash: string, more: Partial<OperatorSession> = {}): OperatorSession => ({
        ...{ idHash, name: 'ana', role: 'operator', method: 'password', csrf: 'c', agent: 'a' },
        ...{ createdAtMs: START_MS, seenAtMs: START_MS, freshAtMs: START_MS, ...more },
      });
      await operators.put({ name: 'ana', password: 'x', role: 'hospital-admin' }, START_MS);
      expect(await operators.find('ana')).toEqual({
        ...{ name: 'ana', password: 'x', role: 'hospital-admin' },
      });
      await operators.open(session('one'), 0);
      await operators.open(session('two', { createdAtMs: START_MS + 1 }), 0);
      await operators.open(session('away', { method: 'oidc' }), 0);
      await operators.open(session('ben', { name: 'ben' }), 0);
      const own = await operators.sessionsOf('ana', 'password');
      expect(own.map(({ idHash }) => idHash)).toEqual(['two', 'one']);
      await operators.refresh('one', START_MS + 5);
      expect(await operators.session('one')).toEqual(session('one', { freshAtMs: START_MS + 5 }));
      await operators.close('two');
      expect(await operators.session('two')).toBeNull();
    });

    it('keeps votes with their transactions, once each, newest first', async () => {
      const { votes } = await fresh();
      const vote = (transactionId: string, atMs: number): ChannelVote => ({
        ...{ transactionId, action: 'vote-roll-back', about: '0', mspId: 'H1MSP', atMs },
        ...{ person: 'H1MSP/CN=hana', reason: 'it holds too much' },
      });
      await votes.put({ ...vote('t1', START_MS), reason: '' });
      await votes.put(vote('t2', START_MS + 1));
      await votes.put({ ...vote('t3', START_MS + 1), action: 'approve-plan', about: 'p' });
      await votes.put({ ...vote('t4', START_MS + 1), action: 'approve-node', about: 'H4' });
      await votes.put({ ...vote('t5', START_MS + 2), action: 'revoke-node', about: 'H4' });
      // The block that has it, and the page where it was cast: in either order the words stay.
      await votes.put(vote('t1', START_MS + 2));
      await votes.put({ ...vote('t2', START_MS + 2), reason: '' });
      const both = [vote('t2', START_MS + 1), vote('t1', START_MS)];
      expect(await votes.newest('detectors', 10)).toEqual(both);
      expect(await votes.newest('detectors', 1)).toHaveLength(1);
      expect(await votes.newest('plans', 10)).toMatchObject([{ transactionId: 't3' }]);
      expect(await votes.newest('nodes', 10)).toMatchObject([
        { transactionId: 't5', about: 'H4' },
        { transactionId: 't4', about: 'H4' },
      ]);
    });

    it('keeps the newest budget that each hospital declares', async () => {
      const { budgets } = await fresh();
      const said = (nodeId: string, spentMicro: number): DeclaredBudget => ({
        ...{ nodeId, spentMicro, ceilingMicro: 8_000_000, horizonDays: 30, deltaExponent: 5 },
        ...{ roundsLeft: 12, ledgerSeq: 3, atMs: START_MS + spentMicro },
      });
      expect(await budgets.byNode()).toEqual(new Map());
      await budgets.declare(said('H1', 1));
      await budgets.declare(said('H2', 2));
      await budgets.declare(said('H1', 3));
      expect(await budgets.byNode()).toEqual(
        new Map([
          ['H1', said('H1', 3)],
          ['H2', said('H2', 2)],
        ]),
      );
    });

    it('keeps samples of the metrics for a while, each resolution for itself', async () => {
      const { metrics } = await fresh();
      const sample = (atMs: number, value: number): MetricSample => ({
        ...{ atMs, series: { federation_nodes: { active: value } } },
      });
      for (const [atMs, value] of [
        [10, 1],
        [20, 2.5],
        [20, 9],
        [30, 3],
      ] as const) {
        await metrics.put(10, sample(atMs, value), 15);
      }
      await metrics.put(100, sample(0, 7), 0);
      expect(await metrics.list(10, 0)).toEqual([sample(20, 2.5), sample(30, 3)]);
      expect(await metrics.list(10, 25)).toEqual([sample(30, 3)]);
      expect(await metrics.list(100, 0)).toEqual([sample(0, 7)]);
    });

    it('chains the audit log and notices a change', async () => {
      await fresh();
      const other = await place.rival(store);
      await Promise.all(
        Array.from({ length: 6 }, (_, index) =>
          (index % 2 === 0 ? store : other).audit.append('event', index, { index }),
        ),
      );
      expect(await store.audit.verify()).toBe(6);
      await store.database
        .updateTable('audit')
        .set({ body: '{"index":9}' })
        .where('sequence', '=', 3)
        .execute();
      await expect(store.audit.verify()).rejects.toMatchObject({
        code: 'ERR_AUDIT_CHAIN',
        facts: { sequence: 3 },
      });
    });
  });
});

/** The folder beside SQLite, the tables that PostgreSQL uses, and the same tables where there is no PostgreSQL. */
describe.each([
  ['a folder', sqlitePlace, true],
  ['tables of SQLite', tablePlace, true],
  ['tables of PostgreSQL', postgresPlace, postgresqlPrograms !== null],
] as const)('%s', (_, makePlace, available) => {
  describe.runIf(available)('objects', () => {
    const big = Uint8Array.from({ length: 2 * CHUNK_BYTES + 5 }, (_, i) => (i * 31) % 251);
    const chunk = (index: number): Uint8Array =>
      big.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
    const announcement = {
      digest: sha256Hex(big),
      objectBytes: big.length,
      chunkDigests: [0, 1, 2].map((index) => sha256Hex(chunk(index))),
    };
    const make = async (): Promise<ObjectStore> => {
      const place = await makePlace();
      return place.objects(await place.open());
    };

    it('stores bytes under their digest, twice as well as once', async () => {
      const objects = await make();
      const digest = await objects.put(big);
      expect(digest).toBe(announcement.digest);
      expect(await objects.put(big)).toBe(digest);
      expect(Buffer.compare((await objects.get(digest))!, big)).toBe(0);
      expect(await objects.has(digest)).toBe(true);
      expect(await objects.get(sha256Hex('nothing'))).toBeNull();
      expect(await objects.get('../../etc/passwd')).toBeNull();
    });

    it('joins chunks that come in any order and asks only for what is missing', async () => {
      const objects = await make();
      expect(await objects.begin(announcement)).toEqual([0, 1, 2]);
      expect(await objects.putChunk(announcement.digest, 2, chunk(2))).toBe(2);
      expect(await objects.putChunk(announcement.digest, 2, chunk(2))).toBe(2);
      expect(await objects.begin(announcement)).toEqual([0, 1]);
      expect(await objects.has(announcement.digest)).toBe(false);
      await objects.putChunk(announcement.digest, 0, chunk(0));
      expect(await objects.putChunk(announcement.digest, 1, chunk(1))).toBe(0);
      expect(Buffer.compare((await objects.get(announcement.digest))!, big)).toBe(0);
      expect(await objects.begin(announcement)).toEqual([]);
    });

    it('refuses other bytes, other indexes and other announcements', async () => {
      const objects = await make();
      await objects.begin(announcement);
      await expect(objects.putChunk(announcement.digest, 0, chunk(1))).rejects.toMatchObject({
        code: 'ERR_CHUNK_DIGEST',
      });
      await expect(objects.putChunk(announcement.digest, 3, chunk(0))).rejects.toMatchObject({
        code: 'ERR_OBJECT_LIMIT',
      });
      await expect(objects.putChunk(sha256Hex('x'), 0, chunk(0))).rejects.toMatchObject({
        code: 'ERR_OBJECT_UNKNOWN',
      });
      await expect(
        objects.begin({ ...announcement, chunkDigests: [...announcement.chunkDigests].reverse() }),
      ).rejects.toMatchObject({ code: 'ERR_OBJECT_LIMIT' });
      await expect(
        objects.begin({ ...announcement, objectBytes: big.length * 2 }),
      ).rejects.toMatchObject({ code: 'ERR_OBJECT_LIMIT' });
    });

    it('throws away chunks that do not make the object', async () => {
      const objects = await make();
      const liar = { ...announcement, digest: sha256Hex('something else') };
      await objects.begin(liar);
      await objects.putChunk(liar.digest, 0, chunk(0));
      await objects.putChunk(liar.digest, 1, chunk(1));
      await expect(objects.putChunk(liar.digest, 2, chunk(2))).rejects.toMatchObject({
        code: 'ERR_CHUNK_DIGEST',
      });
      expect(await objects.begin(liar)).toEqual([0, 1, 2]);
    });

    it('whole bytes win over chunks that claim to be part of them', async () => {
      const objects = await make();
      const { digest } = announcement;
      const others = [0, 1, 2].map((index) => chunk(index).map((byte) => byte ^ 1));
      await objects.begin({ ...announcement, chunkDigests: others.map((each) => sha256Hex(each)) });
      await objects.putChunk(digest, 0, others[0]!);
      await objects.putChunk(digest, 1, others[1]!);
      expect(await objects.put(big)).toBe(digest);
      expect(Buffer.compare((await objects.get(digest))!, big)).toBe(0);
      // The upload is over: what still comes changes nothing, and another announcement meets a whole object.
      expect(await objects.putChunk(digest, 2, others[2]!)).toBe(0);
      expect(await objects.begin(announcement)).toEqual([]);
      expect(Buffer.compare((await objects.get(digest))!, big)).toBe(0);
    });

    it('whole bytes win over an upload that was announced longer or shorter', async () => {
      const objects = await make();
      for (const length of [1, 4 * CHUNK_BYTES]) {
        const bytes = Uint8Array.from(big, (byte) => byte ^ (length % 250));
        const digest = sha256Hex(bytes);
        const count = Math.ceil(length / CHUNK_BYTES);
        const last = new Uint8Array(length - (count - 1) * CHUNK_BYTES);
        const chunkDigests = Array.from({ length: count }, () => sha256Hex(last));
        await objects.begin({ digest, objectBytes: length, chunkDigests });
        if (count > 1) await objects.putChunk(digest, count - 1, last);
        await objects.put(bytes);
        expect(Buffer.compare((await objects.get(digest))!, bytes)).toBe(0);
      }
    });

    it.each(['put first', 'chunk first'] as const)(
      'whole bytes win over the last chunk of a liar at the same moment, %s',
      async (order) => {
        const objects = await make();
        for (let run = 0; run < 20; run++) {
          const bytes = new Uint8Array(100).fill(run);
          const lie = new Uint8Array(100).fill(run + 100);
          const digest = sha256Hex(bytes);
          await objects.begin({ digest, objectBytes: 100, chunkDigests: [sha256Hex(lie)] });
          const put = (): Promise<unknown> => objects.put(bytes);
          const putChunk = (): Promise<unknown> =>
            objects.putChunk(digest, 0, lie).catch((cause: unknown) => cause);
          const both = order === 'put first' ? [put, putChunk] : [putChunk, put];
          await Promise.all(both.map((each) => each()));
          const found = await objects.get(digest);
          expect({ run, same: found !== null && Buffer.compare(found, bytes) === 0 }).toEqual({
            ...{ run, same: true },
          });
        }
      },
    );
  });
});

describe.runIf(postgresqlPrograms !== null)('a new database on PostgreSQL', () => {
  it('is made once by four that start at the same moment', async () => {
    const place = await postgresPlace();
    const stores = await Promise.all(Array.from({ length: 4 }, () => place.open()));
    for (const store of stores) expect(await store.fact('nothing')).toBeNull();
    const versions = await stores[0]!.database
      .selectFrom('schema_migration')
      .select('version')
      .execute();
    expect(versions).toHaveLength(SCHEMA_VERSION);
  }, 60_000);
});

describe.runIf(postgresqlPrograms !== null)('leadership on PostgreSQL', () => {
  it('is with one of two, passes on, and is lost with the database', async () => {
    const cluster = await startPostgres();
    try {
      const url = await cluster.createDatabase();
      const pools = [createPostgresPool({ url }), createPostgresPool({ url })] as const;
      const [one, two] = pools.map((pool) => createAdvisoryLeadership(pool, FEDERATION_ID));
      expect(await one!.hold()).toBe(true);
      expect(await one!.hold()).toBe(true);
      expect(await two!.hold()).toBe(false);
      await one!.release();
      expect(await two!.hold()).toBe(true);
      await cluster.stop();
      await expect(two!.hold().catch(() => false)).resolves.toBe(false);
      await cluster.start();
      expect(await one!.hold()).toBe(true);
      expect(await two!.hold()).toBe(false);
      await one!.release();
      await Promise.all(pools.map((pool) => pool.end()));
    } finally {
      await cluster.remove();
    }
  }, 60_000);
});

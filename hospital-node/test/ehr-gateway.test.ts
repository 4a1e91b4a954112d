import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DecodedTransaction } from '@bhschain/chaincode-hooks/events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openActorIdentities } from '../src/ehr-gateway/actor-identities.js';
import { loadEhrGatewayConfig } from '../src/ehr-gateway/config.js';
import { openDurableLines } from '../src/ehr-gateway/durable-lines.js';
import {
  openJournal,
  type GatewayCall,
  type Journal,
  type Outcome,
} from '../src/ehr-gateway/journal.js';
import { createLanes } from '../src/ehr-gateway/lanes.js';
import { openPrivateNames } from '../src/ehr-gateway/private-names.js';
import { createSubmitter, type SubmitterOptions } from '../src/ehr-gateway/submitter.js';
import { createWatermark } from '../src/ehr-gateway/watermark.js';
import {
  ChaincodeError,
  GatewayUnavailableError,
  UnknownOutcomeError,
} from '../src/fabric/errors.js';
import { hashOf, temporaryFolder, transactionOf } from './review-fixture.js';

const CALL: GatewayCall = {
  eventId: 'e1',
  kind: 'call',
  hospital: 'H1',
  actor: 'clin-1',
  function: 'export',
  args: ['s', 'd', '1', 'treatment', 'notes', ''],
  resubmissionOf: null,
};
const LIVE = new AbortController().signal;

function reply(disposition: 'allowed' | 'quarantined', quarantineId?: string): Uint8Array {
  return Buffer.from(JSON.stringify({ disposition, quarantineId }));
}

function submitterOver(
  journal: Journal,
  fabric: Partial<SubmitterOptions['fabric']>,
): ReturnType<typeof createSubmitter> {
  return createSubmitter({
    fabric: {
      submit: () => Promise.reject(new Error('nothing should be sent')),
      transaction: () => Promise.resolve(null),
      ...fabric,
    },
    journal,
    identityOf: () => ({
      mspId: 'H1MSP',
      certificatePem: '',
      sign: () => Promise.reject(new Error()),
    }),
    settled: () => Promise.resolve(),
    resumePatienceMs: 0,
    now: () => 0,
    random: () => 0,
  });
}

const NOW = { nowMs: 0 };

describe('a call of the gateway', () => {
  it('is in the journal before it is sent, and its outcome after', async () => {
    const dir = temporaryFolder();
    const journal = await openJournal(dir, NOW);
    const submitter = submitterOver(journal, {
      submit: async (_fn, _args, o) => {
        await o?.beforeSend?.('tx1');
        expect(readFileSync(join(dir, 'intents.jsonl'), 'utf8')).toContain('"txId":"tx1"');
        expect(readFileSync(join(dir, 'outcomes.jsonl'), 'utf8')).toBe('');
        const result = reply('quarantined', 'tx1');
        return { txId: 'tx1', code: 0, blockNumber: 3n, result, attempts: 1 };
      },
    });
    const outcome = await submitter.submit(CALL, LIVE);
    expect(outcome).toMatchObject({ disposition: 'quarantined', quarantineId: 'tx1', txId: 'tx1' });
    expect(await submitter.submit(CALL, LIVE)).toBeNull();
    await journal.close();
    const again = await openJournal(dir, NOW);
    expect(again.isDone(CALL)).toBe(true);
    expect(again.heldBy('tx1')).toMatchObject(CALL);
    await again.close();
  });

  it('that was sent before a crash is looked up and not sent again', async () => {
    const dir = temporaryFolder();
    const before = await openJournal(dir, NOW);
    await before.intend({ ...CALL, txId: 'lost' });
    await before.intend({ ...CALL, txId: 'tx2' });
    await before.close();
    const journal = await openJournal(dir, NOW);
    const found: DecodedTransaction = transactionOf({
      txId: 'tx2',
      response: { status: 200, message: '', payload: reply('allowed') },
    });
    const submitter = submitterOver(journal, {
      transaction: (txId) => Promise.resolve(txId === 'tx2' ? found : null),
    });
    expect(await submitter.submit(CALL, LIVE)).toMatchObject({
      disposition: 'allowed',
      txId: 'tx2',
    });
    await journal.close();
  });

  it('that never reached the ledger, or was found invalid there, is sent again', async () => {
    const dir = temporaryFolder();
    const before = await openJournal(dir, NOW);
    await before.intend({ ...CALL, txId: 'conflict' });
    await before.close();
    const journal = await openJournal(dir, NOW);
    let sent = 0;
    const submitter = submitterOver(journal, {
      transaction: () => Promise.resolve(transactionOf({ txId: 'conflict', code: 11 })),
      submit: async (_fn, _args, o) => {
        sent += 1;
        await o?.beforeSend?.('tx9');
        return { txId: 'tx9', code: 0, blockNumber: 3n, result: reply('allowed'), attempts: 1 };
      },
    });
    expect(await submitter.submit(CALL, LIVE)).toMatchObject({ txId: 'tx9' });
    expect(sent).toBe(1);
    await journal.close();
  });

  it('waits while the ledger is away, keeps a refusal, and believes the ledger about an unknown outcome', async () => {
    const journal = await openJournal(temporaryFolder(), NOW);
    const away = new GatewayUnavailableError({ endpoints: ['a:1'], detail: 'refused' });
    let turn = 0;
    const refused = submitterOver(journal, {
      submit: () => {
        turn += 1;
        if (turn < 3) return Promise.reject(away);
        return Promise.reject(
          new ChaincodeError({ chaincodeCode: 'ERR_ACTOR_SUSPENDED', sentence: '' }),
        );
      },
    });
    expect(await refused.submit(CALL, LIVE)).toMatchObject({
      disposition: 'refused',
      txId: null,
      code: 'ERR_ACTOR_SUSPENDED',
    });
    const unknown = submitterOver(journal, {
      submit: async (_fn, _args, o) => {
        await o?.beforeSend?.('tx5');
        throw new UnknownOutcomeError({ transactionId: 'tx5', waitedMs: 1 });
      },
      transaction: (txId) =>
        Promise.resolve(
          transactionOf({
            txId,
            response: { status: 200, message: '', payload: reply('allowed') },
          }),
        ),
    });
    const other = { ...CALL, eventId: 'e2' };
    expect(await unknown.submit(other, LIVE)).toMatchObject({
      disposition: 'allowed',
      txId: 'tx5',
    });
    await journal.close();
  });
});

describe('the journal of a gateway that has run long', () => {
  it('drops intents that nobody asks for again, and nothing that somebody may', async () => {
    const dir = temporaryFolder();
    const call = (eventId: string): GatewayCall => ({
      eventId,
      kind: 'call',
      hospital: 'H1',
      actor: 'clin-1',
      function: 'requestAccess',
      args: ['a', 'b'],
      resubmissionOf: null,
    });
    const outcome = (each: GatewayCall, txId: string, quarantineId: string | null): Outcome => ({
      ...each,
      txId,
      disposition: quarantineId === null ? 'allowed' : 'quarantined',
      quarantineId,
      code: null,
      atMs: 0,
    });
    const before = await openJournal(dir, NOW);
    for (let index = 0; index < 20; index++) {
      const each = call(`allowed-${index}`);
      await before.intend({ ...each, txId: `lost-${index}` });
      await before.intend({ ...each, txId: `tx-${index}` });
      await before.record(outcome(each, `tx-${index}`, null), each);
    }
    await before.intend({ ...call('held'), txId: 'tx-held' });
    await before.record(outcome(call('held'), 'tx-held', 'tx-held'), call('held'));
    await before.intend({ ...call('open'), txId: 'tx-open' });
    await before.close();

    const file = join(dir, 'intents.jsonl');
    await (await openJournal(dir, { ...NOW, settledMax: 40 })).close();
    expect(readFileSync(file, 'utf8').split('\n'), 'not worth it').toHaveLength(43);
    const after = await openJournal(dir, { ...NOW, settledMax: 39 });
    const kept = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { txId: string }).txId);
    expect(kept).toEqual(['tx-held', 'tx-open']);
    expect(after.heldBy('tx-held')).toMatchObject({ eventId: 'held', args: ['a', 'b'] });
    expect([...after.dangling.values()].flat()).toMatchObject([{ txId: 'tx-open' }]);
    expect(after.isDone(call('allowed-7')), 'a line that is read again is not sent again').toBe(
      true,
    );
    await after.close();
  });
});

describe('old outcomes', () => {
  const DAY_MS = 86_400_000;
  const call = (eventId: string, resubmissionOf: string | null = null): GatewayCall => ({
    ...CALL,
    eventId,
    kind: resubmissionOf === null ? 'call' : 'resubmission',
    resubmissionOf,
  });

  it('go once their lines are far behind, but for holds that may still be released', async () => {
    const dir = temporaryFolder();
    const before = await openJournal(dir, NOW);
    const settle = async (each: GatewayCall, held: boolean, atMs: number): Promise<void> => {
      const txId = `tx-${each.eventId}`;
      await before.intend({ ...each, txId });
      const { eventId, kind, hospital, function: name, resubmissionOf } = each;
      const disposition = held ? 'quarantined' : 'allowed';
      const quarantineId = held ? txId : null;
      const facts = { txId, disposition, quarantineId, code: null, atMs } as const;
      await before.record(
        { eventId, kind, hospital, function: name, resubmissionOf, ...facts },
        each,
      );
    };
    await settle(call('held-long-ago'), true, 0);
    await settle(call('held'), true, 10 * DAY_MS);
    await settle(call('held-and-used'), true, 10 * DAY_MS);
    await settle(call('used', 'tx-held-and-used'), false, 11 * DAY_MS);
    for (let i = 0; i < 9; i++) await settle(call(`allowed-${i}`), false, 50 * DAY_MS);
    await before.intend({ ...call('open'), txId: 'tx-open' });
    await before.close();

    const nowMs = 50 * DAY_MS;
    const names = (file: string): string[] =>
      readFileSync(join(dir, file), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as { eventId: string }).eventId);
    await (await openJournal(dir, { nowMs, outcomesMax: 7 })).close();
    expect(names('outcomes.jsonl'), 'not worth it').toHaveLength(13);
    const after = await openJournal(dir, { nowMs, outcomesMax: 6 });
    const newest = [3, 4, 5, 6, 7, 8].map((i) => `allowed-${i}`);
    expect(names('outcomes.jsonl')).toEqual(['held', ...newest]);
    expect(names('intents.jsonl')).toEqual(['held', ...newest, 'open']);
    expect(after.heldBy('tx-held')).toMatchObject({ eventId: 'held' });
    expect([...after.dangling.values()].flat()).toMatchObject([{ txId: 'tx-open' }]);
    expect(after.isDone(call('allowed-8'))).toBe(true);
    await after.close();
  });
});

describe('durable lines', () => {
  it('lose a torn last line and nothing else, and name a corrupt one', async () => {
    const path = join(temporaryFolder(), 'x.jsonl');
    const first = await openDurableLines<{ n: number }>(path);
    await Promise.all([1, 2, 3].map((n) => first.file.append({ n })));
    await first.file.close();
    appendFileSync(path, '{"n":4');
    const second = await openDurableLines<{ n: number }>(path);
    expect(second.lines.map(({ n }) => n)).toEqual([1, 2, 3]);
    await second.file.append({ n: 5 });
    await second.file.close();
    expect(readFileSync(path, 'utf8')).toBe('{"n":1}\n{"n":2}\n{"n":3}\n{"n":5}\n');
    writeFileSync(path, '{"n":1}\nnonsense\n{"n":3}\n');
    await expect(openDurableLines(path)).rejects.toMatchObject({
      code: 'ERR_JOURNAL_CORRUPT',
      facts: { line: 2 },
    });
  });
});

describe('private names', () => {
  it('are random, stay the same after a restart, and are the same for all hospitals of one patient', async () => {
    const dir = temporaryFolder();
    const names = await openPrivateNames(dir);
    const [h1, h2] = [names.of('H1'), names.of('H2')];
    const handle = h1.recordHandle('H2-000123');
    expect(handle).toMatch(/^H2-[0-9a-f]{16}$/);
    expect(h2.recordHandle('H2-000123')).toBe(handle);
    expect(h1.recordHandle('local 7')).toMatch(/^H1-[0-9a-f]{16}$/);
    expect(h1.recordHandle('local 7')).not.toBe(h2.recordHandle('local 7'));
    expect(h1.sessionHandle('s')).not.toBe(h2.sessionHandle('s'));
    expect(h1.digestOf('set H2-000123')).not.toBe(hashOf('set H2-000123'));
    const [session, digest] = [h1.sessionHandle('s'), h1.digestOf('x')];
    await names.settled();
    await names.close();
    const again = await openPrivateNames(dir);
    expect(again.of('H1').recordHandle('H2-000123')).toBe(handle);
    expect(again.of('H1').sessionHandle('s')).toBe(session);
    expect(again.of('H1').digestOf('x')).toBe(digest);
    await again.close();
  });
});

describe('lanes', () => {
  it('keep the order within a lane, never exceed the limit, and lose nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 2 })), {
          maxLength: 30,
        }),
        fc.integer({ min: 1, max: 4 }),
        async (tasks, limit) => {
          const lanes = createLanes(limit);
          const done = new Map<number, number[]>();
          const busy = new Set<number>();
          tasks.forEach(([lane, ticks], i) => {
            void lanes.add(String(lane), async () => {
              expect(busy.has(lane)).toBe(false);
              busy.add(lane);
              expect(busy.size).toBeLessThanOrEqual(limit);
              for (let t = 0; t < ticks; t++) await Promise.resolve();
              busy.delete(lane);
              done.set(lane, [...(done.get(lane) ?? []), i]);
            });
          });
          await lanes.idle();
          for (const [lane, order] of done) {
            expect(order).toEqual(tasks.flatMap(([each], i) => (each === lane ? [i] : [])));
          }
          expect([...done.values()].flat()).toHaveLength(tasks.length);
        },
      ),
    );
  });
});

describe('the watermark', () => {
  it('is the longest prefix of finished work, whatever the order', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7]), (order) => {
        const watermark = createWatermark(-1);
        const done = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => watermark.begin(i));
        const finished = new Set<number>();
        for (const i of order) {
          done[i]!();
          finished.add(i);
          let prefix = -1;
          while (finished.has(prefix + 1)) prefix += 1;
          expect(watermark.place).toBe(prefix);
        }
        expect(watermark.openCount).toBe(7 - watermark.place);
      }),
    );
  });
});

describe('the process', () => {
  it('ends with status 2 and one line that names the fault', () => {
    const main = fileURLToPath(new URL('../dist/ehr-gateway/main.js', import.meta.url));
    for (const [args, code] of [
      [[], 'ERR_CONFIG_UNREADABLE'],
      [['--config', '/nowhere/config.json'], 'ERR_CONFIG_UNREADABLE'],
    ] as const) {
      const child = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
      expect(child.status).toBe(2);
      expect(JSON.parse(child.stderr)).toMatchObject({ code });
    }
  });
});

describe('configuration and directory', () => {
  const valid = {
    stateDir: 'state',
    hospitals: [
      { nodeId: 'H1', mspId: 'H1MSP', log: 'l', actorsFile: 'a.jsonl', identitiesDir: 'i' },
    ],
    liveFromMs: 0,
    fabric: {
      endpoints: ['127.0.0.1:1'],
      tlsRoot: 't',
      channel: 'c',
      chaincode: 'b',
      mspId: 'H1MSP',
      cert: 'c',
      key: 'k',
    },
  };
  const load = (value: unknown): ReturnType<typeof loadEhrGatewayConfig> => {
    const file = join(temporaryFolder(), 'config.json');
    writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
    return loadEhrGatewayConfig(file);
  };

  it('fills in what is usual, and makes paths relative to the file absolute', () => {
    const config = load(valid);
    expect(config).toMatchObject({ inFlightMax: 16, replayProbe: 'first', replay: false });
    expect(config.hospitals[0]!.log).toMatch(/^\/.*\/l$/);
  });

  it.each([
    ['ERR_CONFIG_KEY', { ...valid, more: 1 }, 'more'],
    ['ERR_CONFIG_VALUE', { ...valid, liveFromMs: '0' }, 'liveFromMs'],
    ['ERR_CONFIG_VALUE', { ...valid, hospitals: [] }, 'hospitals'],
    [
      'ERR_CONFIG_VALUE',
      { ...valid, fabric: { ...valid.fabric, endpoints: ['x'] } },
      'fabric.endpoints.0',
    ],
    ['ERR_CONFIG_VALUE', { ...valid, stateDir: undefined }, 'stateDir'],
    ['ERR_CONFIG_SYNTAX', '{"a": [', undefined],
  ])('%s names the place', (code, value, key) => {
    expect(() => load(value)).toThrow(
      expect.objectContaining(
        key === undefined ? { code } : { code, facts: { file: expect.any(String) as string, key } },
      ) as Error,
    );
    expect(() => loadEhrGatewayConfig('/nowhere')).toThrow(/cannot be read/);
  });

  it('knows whom it can sign for, and names the line of a directory that it cannot read', () => {
    const dir = temporaryFolder();
    mkdirSync(join(dir, 'ids'));
    const hospital = {
      nodeId: 'H1',
      mspId: 'H1MSP',
      log: '',
      actorsFile: join(dir, 'actors.jsonl'),
      identitiesDir: join(dir, 'ids'),
    };
    writeFileSync(join(dir, 'ids', 'p-1.cert.pem'), '');
    writeFileSync(
      hospital.actorsFile,
      '{"actor":"raw","pseudonym":"p-1"}\n{"actor":"other","pseudonym":"p-2"}\n',
    );
    const identities = openActorIdentities(hospital);
    expect(identities.pseudonymOf('raw')).toBe('p-1');
    expect(identities.pseudonymOf('other')).toBeNull();
    expect(identities.pseudonymOf('stranger')).toBeNull();
    appendFileSync(hospital.actorsFile, '{"actor":"evil","pseudonym":"../../key"}\n');
    expect(() => openActorIdentities(hospital)).toThrow(/line 3/);
  });
});

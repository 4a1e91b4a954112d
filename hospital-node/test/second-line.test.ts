/**
 * What a hospital sees that the guard cannot: calls that were simulated and never committed, service accounts whose epochs
 * must be closed, committed calls that people here find strange.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHash } from 'node:crypto';
import type { DecodedTransaction, SimulationPage } from '@bhschain/chaincode-hooks/events';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServiceEpochs, EPOCH_ROWS_MAX } from '../src/enrolment/service-epochs.js';
import type { FollowedBlock } from '../src/fabric/block-follower.js';
import { reportCall } from '../src/second-line/report.js';
import { createSimulationWatch, simulationPage } from '../src/second-line/simulation-watch.js';

const MINUTE_MS = 60_000;
const log = pino({ level: 'silent' });
const noSleep = (): Promise<void> => Promise.resolve();

function blockOf(...transactions: Partial<DecodedTransaction>[]): FollowedBlock {
  const whole = transactions.map((each) => ({ code: 0, writes: [], ...each }));
  return {
    number: 1n,
    hash: '',
    previousHash: '',
    transactions: whole as unknown as readonly DecodedTransaction[],
  };
}

describe('the probing report', () => {
  function watched(o: { readonly onPeer?: readonly string[] } = {}) {
    let nowMs = 0;
    let process: { txId: string; atMs: number }[] = [];
    const lookedUp: string[] = [];
    const counts: number[] = [];
    const watch = createSimulationWatch({
      page: (after): Promise<SimulationPage> => {
        const items = process
          .map((each, i) => ({ sequence: i + 1, function: 'A:b', ...each }))
          .filter(({ sequence }) => sequence > after)
          .slice(0, 2);
        return Promise.resolve({ items, next: items.at(-1)?.sequence ?? after, lost: 0 });
      },
      fabric: {
        lookup: (txId) => {
          lookedUp.push(txId);
          const found = { validationCode: 0, blockNumber: null };
          return Promise.resolve(o.onPeer?.includes(txId) === true ? found : null);
        },
      },
      nowMs: () => nowMs,
      sleep: noSleep,
      log,
      onChange: (count) => counts.push(count),
    });
    return {
      watch,
      lookedUp,
      counts,
      at: (ms: number) => (nowMs = ms),
      simulated: (...txIds: string[]) =>
        process.push(...txIds.map((txId) => ({ txId, atMs: nowMs }))),
      restart: () => (process = []),
      found: () => watch.uncommitted().map(({ txId }) => txId),
    };
  }

  it('names what is too old to be committed and was in no block, valid or not', async () => {
    const o = watched();
    o.simulated('a', 'b', 'c', 'd', 'e');
    o.watch.note(blockOf({ txId: 'a' }, { txId: 'b', code: 11 }));
    await o.watch.look();
    o.watch.note(blockOf({ txId: 'd' }));
    o.at(20 * MINUTE_MS);
    await o.watch.look();
    expect(o.found()).toEqual([]); // a block may still come
    o.at(20 * MINUTE_MS + 1);
    await o.watch.look();
    expect(o.found()).toEqual(['c', 'e']);
    expect(o.counts.at(-1)).toBe(2);
    await o.watch.look();
    expect(o.found()).toEqual(['c', 'e']); // once each
  });

  it('believes the peer about blocks from before this start', async () => {
    const o = watched({ onPeer: ['a'] });
    o.simulated('a', 'b');
    o.at(21 * MINUTE_MS);
    await o.watch.look();
    expect(o.lookedUp).toEqual(['a', 'b']);
    expect(o.found()).toEqual(['b']);
  });

  it('forgets after a day, and goes on with a chaincode process that was started anew', async () => {
    const o = watched();
    o.simulated('a', 'b', 'c');
    o.at(21 * MINUTE_MS);
    await o.watch.look();
    expect(o.found()).toEqual(['a', 'b', 'c']);
    o.restart();
    o.simulated('x');
    o.at(24 * 60 * MINUTE_MS + 1);
    await o.watch.look();
    expect(o.found()).toEqual(['x']);
    expect(o.counts).toEqual([3, 1]);
  });

  it('keeps ids through two generations of blocks', async () => {
    const o = watched();
    o.watch.note(blockOf({ txId: 'early' }));
    o.at(31 * MINUTE_MS);
    o.watch.note(blockOf({ txId: 'later' }));
    o.simulated('early', 'later');
    o.at(55 * MINUTE_MS);
    await o.watch.look();
    expect(o.lookedUp).toEqual([]);
  });
});

describe('the list of a chaincode process', () => {
  const asked: (string | undefined)[] = [];
  let server: Server;
  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push(request.url);
      if (request.url?.endsWith('=7') === true) response.end('{"items":[],"next":7,"lost":0}');
      else response.writeHead(404).end();
    }).listen(0, '127.0.0.1');
    await new Promise((listening) => server.once('listening', listening));
  });
  afterAll(() => server.close());

  it('is asked for by address, and an answer that is none is an error', async () => {
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await simulationPage(address, 7)).toEqual({ items: [], next: 7, lost: 0 });
    await expect(simulationPage(address, 8)).rejects.toThrow('status 404');
    expect(asked).toEqual(['/simulations?after=7', '/simulations?after=8']);
  });
});

describe('epochs of service accounts', () => {
  function scheduled(fail: () => boolean = () => false) {
    let nowMs = 0;
    const folded: string[] = [];
    const epochs = createServiceEpochs({
      fabric: {
        submit: (name, args) => {
          if (fail()) return Promise.reject(new Error('away'));
          folded.push(`${name} ${args.join()}`);
          return Promise.resolve({} as never);
        },
      },
      actors: ['s1', 's2'],
      everyMs: 60 * MINUTE_MS,
      nowMs: () => nowMs,
      sleep: noSleep,
      log,
    });
    const look = async (): Promise<string[]> => {
      await epochs.look();
      return folded.splice(0);
    };
    return { epochs, look, at: (ms: number) => (nowMs = ms) };
  }
  const fold = (actor: string): string => `FederationContract:foldEpoch ${actor}`;
  const row = (actor: string, isDelete = false): DecodedTransaction['writes'][number] => ({
    namespace: '',
    key: ['evt', actor, '0', 'tx'],
    value: new Uint8Array(),
    isDelete,
  });

  it('are opened at the start and closed every hour', async () => {
    const o = scheduled();
    expect(await o.look()).toEqual([fold('s1'), fold('s2')]);
    o.at(60 * MINUTE_MS - 1);
    expect(await o.look()).toEqual([]);
    o.at(60 * MINUTE_MS);
    expect(await o.look()).toEqual([fold('s1'), fold('s2')]);
  });

  it('are closed earlier where a thousand rows have come; deletions and invalid writes are none', async () => {
    const o = scheduled();
    await o.look();
    const rows = Array.from({ length: EPOCH_ROWS_MAX - 1 }, () => row('s2'));
    o.epochs.note(blockOf({ writes: rows }));
    o.epochs.note(blockOf({ writes: [row('s2', true)] }, { writes: [row('s2')], code: 11 }));
    o.epochs.note(blockOf({ writes: [row('stranger')] }));
    expect(await o.look()).toEqual([]);
    o.epochs.note(blockOf({ writes: [row('s2')] }));
    expect(await o.look()).toEqual([fold('s2')]);
    expect(await o.look()).toEqual([]);
  });

  it('are due again when a fold fails', async () => {
    let away = true;
    const o = scheduled(() => away);
    expect(await o.look()).toEqual([]);
    away = false;
    expect(await o.look()).toEqual([fold('s1'), fold('s2')]);
  });
});

describe('a report', () => {
  const TX = 'a'.repeat(64);
  const found = {
    txId: TX,
    code: 0,
    function: 'RecordAccessContract:requestAccess',
    creator: { mspId: 'H1MSP', actor: 'b'.repeat(32), certificatePem: '' },
  };
  const submitted: (readonly unknown[])[] = [];
  const report = (o: { txId?: string; reason?: string; transaction?: object | null } = {}) =>
    reportCall(o.txId ?? TX, {
      fabric: {
        transaction: () =>
          Promise.resolve((o.transaction === undefined ? found : o.transaction) as never),
        submit: (name, args) => {
          submitted.push([name, ...args]);
          return Promise.resolve({ txId: 'c'.repeat(64) } as never);
        },
      },
      mspId: 'H1MSP',
      reason: o.reason ?? 'no relation',
      keepReason: (text) => Promise.resolve(createHash('sha256').update(text).digest('hex')),
    });

  it('names call, actor and function, and the reason by its digest only', async () => {
    expect(await report()).toMatchObject({ txId: TX, reportTxId: 'c'.repeat(64) });
    const digest = createHash('sha256').update('no relation').digest('hex');
    const { actor } = found.creator;
    expect(submitted).toEqual([['QuarantineContract:report', TX, actor, found.function, digest]]);
  });

  it.each([
    ['an id that is none', { txId: 'A' }],
    ['no reason', { reason: ' ' }],
    ['an unknown call', { transaction: null }],
    ['a call that was not valid', { transaction: { ...found, code: 11 } }],
    [
      'a call of another hospital',
      { transaction: { ...found, creator: { ...found.creator, mspId: 'H2MSP' } } },
    ],
  ])('of %s is refused before anything is sent', async (_, o) => {
    submitted.length = 0;
    await expect(report(o)).rejects.toMatchObject({ code: 'ERR_REPORT' });
    expect(submitted).toEqual([]);
  });
});

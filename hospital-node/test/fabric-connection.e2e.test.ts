/**
 * The connection against the embedded peer with its faults on: dead gateways, lost answers, clashes, cut streams.
 */
import { readFileSync } from 'node:fs';
import { readBlocks } from '@bhschain/chaincode-hooks/embedded-peer';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../test/free-port.js';
import { createBlockFollower } from '../src/fabric/block-follower.js';
import { connectFabric, type FabricConnection } from '../src/fabric/connection.js';
import type { FabricIdentity } from '../src/fabric/identity.js';
import type { RetryCause } from '../src/fabric/submission.js';
import {
  activateDetectorZero,
  CHAINCODE,
  CHANNEL,
  startTestLedger,
  type TestLedger,
} from './ledger-fixture.js';
import { migratedDatabase } from './review-fixture.js';

const MSPS = ['H1MSP', 'H2MSP'];
const ACCESS = 'RecordAccessContract:requestAccess';

let ledger: TestLedger;
let node: FabricIdentity;
let nurse: FabricIdentity;
const open: FabricConnection[] = [];
const causes: RetryCause[] = [];

beforeAll(async () => {
  ledger = await startTestLedger(MSPS);
  await activateDetectorZero(ledger, MSPS);
  node = ledger.identity('H1MSP', 'node.h1', { role: 'hospital-node' });
  nurse = ledger.identity('H1MSP', 'clin-1', { role: 'nurse', ward: 'w1', class: 'person' });
}, 120_000);

afterEach(async () => {
  ledger.peer.faults.submitAnswersLost = false;
  causes.length = 0;
  await Promise.all(open.splice(0).map((connection) => connection.close()));
});

afterAll(() => ledger.close());

async function connect(
  o: Partial<Parameters<typeof connectFabric>[0]> = {},
): Promise<FabricConnection> {
  const connection = await connectFabric({
    endpoints: [ledger.endpoint],
    tlsRootPem: readFileSync(ledger.tlsRootFile, 'utf8'),
    channel: CHANNEL,
    chaincode: CHAINCODE,
    identity: node,
    now: Date.now,
    random: Math.random,
    onRetry: (cause) => causes.push(cause),
    ...o,
  });
  open.push(connection);
  return connection;
}

let sessions = 0;
async function openedSession(fabric: FabricConnection): Promise<string> {
  const session = (++sessions).toString(16).padStart(16, '0');
  await fabric.submit('RecordAccessContract:openSession', [session, 'w1', 'treatment', ''], {
    identity: nurse,
  });
  return session;
}

function read(session: string, record: number): string[] {
  const handle = `H1-${record.toString(16).padStart(16, '0')}`;
  return [session, handle, 'treatment', 'notes', '1', ''];
}

describe('the connection', () => {
  it('submits, and finds the transaction again by its id', async () => {
    const fabric = await connect();
    expect(fabric.kind).toBe('development ledger');
    const session = await openedSession(fabric);
    const seen: string[] = [];
    const outcome = await fabric.submit(ACCESS, read(session, 1), {
      identity: nurse,
      beforeSend: (id) => void seen.push(id),
    });
    expect(seen).toEqual([outcome.txId]);
    expect(JSON.parse(Buffer.from(outcome.result).toString())).toHaveProperty('disposition');
    expect(await fabric.lookup(outcome.txId)).toMatchObject({ validationCode: 0 });
    expect(await fabric.transaction(outcome.txId)).toMatchObject({
      function: ACCESS,
      creator: { mspId: 'H1MSP' },
    });
    expect(await fabric.lookup('0'.repeat(64))).toBeNull();
    const { height } = await fabric.chainInfo();
    expect(height).toBeGreaterThan(outcome.blockNumber!);
  });

  it('begins at a gateway that is there, and leaves one that dies', async () => {
    const dead = `127.0.0.1:${await freePort()}`;
    const fabric = await connect({ endpoints: [dead, ledger.endpoint] });
    fabric.switchGateway(); // back to the dead one
    expect((await fabric.chainInfo()).height).toBeGreaterThan(0n);
    fabric.switchGateway();
    await openedSession(fabric);
    expect(causes).toContain('unreachable');
    await expect(connect({ endpoints: [dead], deadlines: { readyMs: 300 } })).rejects.toMatchObject(
      { code: 'ERR_FABRIC_UNAVAILABLE', endpoints: [dead] },
    );
  });

  it('repeats the loser of two calls in one session, so that both run', async () => {
    const fabric = await connect();
    const session = await openedSession(fabric);
    const calls = [2, 3, 4].map((record) =>
      fabric.submit(ACCESS, read(session, record), { identity: nurse }),
    );
    const outcomes = await Promise.all(calls);
    expect(new Set(outcomes.map(({ txId }) => txId)).size).toBe(3);
    const blocks = outcomes.map(({ blockNumber }) => blockNumber);
    expect(new Set(blocks).size).toBe(3);
    expect(causes).toContain('conflict');
  });

  it('takes a lost answer for unknown and finds the transaction, which then stands once in the chain', async () => {
    const fabric = await connect();
    const session = await openedSession(fabric);
    ledger.peer.faults.submitAnswersLost = true;
    const outcome = await fabric.submit(ACCESS, read(session, 5), { identity: nurse });
    ledger.peer.faults.submitAnswersLost = false;
    expect(outcome.attempts).toBe(1);
    const found = await fabric.transaction(outcome.txId);
    expect(found?.code).toBe(0);
  });

  it('types what a contract refuses', async () => {
    const fabric = await connect();
    await expect(
      fabric.submit('QuarantineContract:claim', ['f'.repeat(64), '1']),
    ).rejects.toMatchObject({
      code: 'ERR_FABRIC_CHAINCODE',
      chaincodeCode: expect.stringMatching(/^ERR_/) as string,
    });
    await expect(fabric.evaluate('DetectorContract:blob', ['f'.repeat(64)])).rejects.toMatchObject({
      code: 'ERR_FABRIC_CHAINCODE',
      chaincodeCode: 'ERR_NOT_FOUND',
    });
  });

  it('refuses options that cannot work, naming them', async () => {
    for (const [change, name] of [
      [{ endpoints: [] }, 'endpoints'],
      [{ endpoints: ['nowhere'] }, 'endpoints'],
      [{ tlsRootPem: 'text' }, 'tlsRootPem'],
      [{ channel: '' }, 'channel'],
    ] as const) {
      await expect(connect(change)).rejects.toThrow(name);
      await expect(connect(change)).rejects.toMatchObject({ code: 'ERR_FABRIC_OPTIONS' });
    }
  });
});

describe('the block follower on a real stream', () => {
  it('has every block once and in order, however often the stream is cut', async () => {
    const fabric = await connect();
    const stop = new AbortController();
    const seen: bigint[] = [];
    const database = await migratedDatabase();
    const follower = await createBlockFollower({
      connection: fabric,
      database,
      consumers: [{ apply: (block) => Promise.resolve(void seen.push(block.number)) }],
      now: Date.now,
      random: () => 0.1,
    });
    const running = follower.run(stop.signal);
    const followed = async (block: bigint): Promise<void> => {
      while (follower.health().nextBlock <= block) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const session = await openedSession(fabric);
    for (let record = 10; record < 16; record++) {
      const { blockNumber } = await fabric.submit(ACCESS, read(session, record), {
        identity: nurse,
      });
      if (record % 2 !== 0) continue;
      // A stream that is only being opened would not notice.
      await followed(blockNumber!);
      ledger.peer.faults.cutStreams();
    }
    const height = [...readBlocks(ledger.blocksDir)].length;
    await followed(BigInt(height - 1));
    stop.abort();
    await running;
    await database.destroy();
    expect(seen).toEqual(Array.from({ length: height }, (_, i) => BigInt(i)));
    expect(follower.health()).toMatchObject({ lagBlocks: 0, connected: false });
    expect(follower.health().reconnects).toBeGreaterThanOrEqual(3);
  }, 60_000);
});

import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  checkpointers,
  type CommitStatusError,
  type EndorseError,
  type GatewayError,
  type SubmitError,
} from '@hyperledger/fabric-gateway';
import { common } from '@hyperledger/fabric-protos';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  createEmbeddedPeer,
  ledgerConfigOf,
  LedgerConfigError,
  LedgerListenError,
  LedgerLockedError,
  loadLedgerConfig,
  readBlocks,
  verifyBlocks,
  type HospitalOptions,
} from '../../src/embedded-peer/index.js';
import { onceLevel } from '../level-endorsers.js';
import {
  commit,
  failure,
  openClient,
  startChaincode,
  startEmbeddedLedger,
  text,
  type EmbeddedLedger,
  type TestClient,
} from './ledger-fixture.js';

const UNAVAILABLE = 14;
const DEADLINE = 4;

/** Three active hospitals, two of which must agree. */
let ledger: EmbeddedLedger;
let clients: TestClient[] = [];
let nowOffsetMs = 0;

beforeAll(async () => {
  ledger = await startEmbeddedLedger({
    active: 3,
    peer: { nowMs: () => Date.now() + nowOffsetMs, chaincodeWaitMs: 200, executeTimeoutMs: 4_000 },
  });
});
afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
  nowOffsetMs = 0;
  const { faults } = ledger.peer;
  faults.heightLag.clear();
  faults.paused.clear();
  faults.submitAnswersLost = false;
  faults.orderingStalled = false;
});
afterAll(() => ledger.close());

function client(mspId = 'H1MSP', role?: string): TestClient {
  const opened = openClient(ledger, mspId, ledger.identity(mspId, role));
  clients.push(opened);
  return opened;
}

async function endorsersOf(blockNumber: bigint): Promise<readonly string[]> {
  const { verifiedBlocks } = await import('../../src/embedded-peer/index.js');
  const blocks = [...verifiedBlocks(ledger.blocksDir)];
  return blocks[Number(blockNumber)]!.transactions[0]!.endorsers;
}

describe('endorsement', { timeout: 30_000 }, () => {
  it("begins with the client's own organisation; the others take turns", async () => {
    const h2 = client('H2MSP');
    const seen = new Set<string>();
    // The transaction's id, which is random, decides whose turn it is: the same one every time would be one in 2 ** 39.
    for (let i = 0; i < 40 && seen.size < 3; i++) {
      const { blockNumber } = await commit(h2.contract, 'put', 'k', String(i));
      const endorsers = await endorsersOf(blockNumber);
      expect(endorsers).toHaveLength(2);
      expect(endorsers).toContain('H2MSP');
      for (const mspId of endorsers) seen.add(mspId);
    }
    expect([...seen].sort()).toEqual(['H1MSP', 'H2MSP', 'H3MSP']);
  });

  it('serves the operator, who has no endorser, through the first hospital', async () => {
    const ops = client('OpsMSP', 'orchestrator');
    const { code, blockNumber } = await commit(ops.contract, 'put', 'ops', '1');
    expect(code).toBe(0);
    expect(await endorsersOf(blockNumber)).toContain('H1MSP');
  });

  it('takes the organisations that the client names', async () => {
    const proposal = client().contract.newProposal('noop', {
      endorsingOrganizations: ['H2MSP', 'H3MSP'],
    });
    const submitted = await (await proposal.endorse()).submit();
    const { code, blockNumber } = await submitted.getStatus();
    expect(code).toBe(0);
    expect(await endorsersOf(blockNumber)).toEqual(['H2MSP', 'H3MSP']);
  });

  it('replaces an endorser that does not answer', async () => {
    ledger.peer.faults.paused.add('H2MSP');
    const h1 = client();
    for (let i = 0; i < 4; i++) {
      const { blockNumber } = await commit(h1.contract, 'noop');
      expect(await endorsersOf(blockNumber)).toEqual(['H1MSP', 'H3MSP']);
    }
  });

  it('says who did not answer when too few are left', async () => {
    ledger.peer.faults.paused.add('H2MSP').add('H3MSP');
    const error = await failure<EndorseError>(client().contract.submitTransaction('noop'));
    expect(error.code).toBe(10);
    expect(error.details.map(({ mspId }) => mspId).sort()).toEqual(['H2MSP', 'H3MSP']);
    expect(error.details[0]!.message).toContain('does not answer');
  });

  it('replaces an endorser that lags behind and therefore differs', async () => {
    const h1 = client();
    await commit(h1.contract, 'put', 'lagging', '1');
    ledger.peer.faults.heightLag.set('H2MSP', 1);
    const { code, blockNumber } = await commit(h1.contract, 'increment', 'lagging');
    expect(code).toBe(0);
    expect(await endorsersOf(blockNumber)).toEqual(['H1MSP', 'H3MSP']);
  });

  it('refuses with a mismatch when all others lag', async () => {
    const h1 = client();
    await commit(h1.contract, 'put', 'lagging', '1');
    ledger.peer.faults.heightLag.set('H2MSP', 1).set('H3MSP', 1);
    const error = await failure<EndorseError>(
      h1.contract.submitTransaction('increment', 'lagging'),
    );
    expect(error.details.map(({ message }) => message).join()).toContain('do not match');
  });

  it('says that the others disagree when they lag and refuse what builds on the last block', async () => {
    const h1 = client();
    await commit(h1.contract, 'put', 'amended', '1');
    ledger.peer.faults.heightLag.set('H2MSP', 1).set('H3MSP', 1);
    let attempts = 0;
    const amend = (key: string): Promise<{ code: number }> =>
      onceLevel(() => {
        if (++attempts === 3) ledger.peer.faults.heightLag.clear();
        return commit(h1.contract, 'amend', key, '2');
      });
    expect((await amend('amended')).code).toBe(0);
    expect(attempts).toBe(3);
    // What its own endorser refuses, nobody waits for.
    await expect(amend('absent')).rejects.toMatchObject({
      details: [{ mspId: 'H1MSP', message: expect.stringContaining('ERR_ABSENT') as string }],
    });
    expect(attempts).toBe(4);
  });

  it('gives up on a simulation that takes too long', async () => {
    const error = await failure<EndorseError>(client().contract.submitTransaction('sleep', '6000'));
    expect(error.code).toBe(10);
    expect(error.details[0]!.message).toContain('timeout expired while executing transaction');
  });

  it('answers a contract that asks after its time, so that it does not wait for ever', async () => {
    const h1 = client();
    await failure<EndorseError>(h1.contract.submitTransaction('sleepThenRead', '4300'));
    await expect
      .poll(async () => text(await h1.contract.evaluateTransaction('lateAnswer')), {
        timeout: 20_000,
      })
      .toContain('the transaction has ended');
  });

  it('refuses what it does not support, and the contract hears it', async () => {
    const h1 = client();
    for (const name of ['privateData', 'otherChaincode', 'richQuery']) {
      const error = await failure<EndorseError>(h1.contract.submitTransaction(name));
      expect(error.details[0]!.message).toContain('does not support');
    }
    expect(text(await h1.contract.evaluateTransaction('metadata', 'k'))).toBe('null');
  });
});

describe('the door', { timeout: 30_000 }, () => {
  it('keeps out a spare hospital, with the reason', async () => {
    const spare = client('H7MSP');
    const error = await failure<EndorseError>(spare.contract.submitTransaction('noop'));
    expect(error.details[0]!.message).toContain('H7MSP is provisioned, but not active');
    const events = await spare.network.getChaincodeEvents(ledger.chaincode);
    await expect(events[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 7 });
    const blocks = await spare.network.getBlockEvents({ startBlock: 0n });
    await expect(blocks[Symbol.asyncIterator]().next()).rejects.toThrow('403');
  });

  it('takes proposals within 15 minutes of its clock, and none beyond', async () => {
    const h1 = client();
    for (const minutes of [-14, 14]) {
      nowOffsetMs = minutes * 60_000;
      // 14 minutes back is before the certificates began, which is refused for its own reason.
      if (minutes > 0) expect((await commit(h1.contract, 'noop')).code).toBe(0);
    }
    nowOffsetMs = 16 * 60_000;
    const error = await failure<EndorseError>(h1.contract.submitTransaction('noop'));
    expect(error.details[0]!.message).toContain('window of 15 minutes');
  });

  it('refuses an expired certificate', async () => {
    const h1 = client();
    nowOffsetMs = 11 * 366 * 86_400_000;
    const error = await failure<EndorseError>(h1.contract.submitTransaction('noop'));
    expect(error.details[0]!.message).toContain('certificate expired');
  });

  it('refuses private data deliveries', async () => {
    const events = await client().network.getBlockAndPrivateDataEvents({ startBlock: 0n });
    await expect(events[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 12 });
  });
});

describe('ordering', { timeout: 30_000 }, () => {
  it('lets exactly one of a burst in one session be valid', async () => {
    const h1 = client();
    await commit(h1.contract, 'put', 'session', '0');
    const endorsed = await Promise.all(
      Array.from({ length: 12 }, () =>
        h1.contract.newProposal('increment', { arguments: ['session'] }).endorse(),
      ),
    );
    const submitted = await Promise.all(endorsed.map((one) => one.submit()));
    const codes = await Promise.all(submitted.map((one) => one.getStatus()));
    expect(codes.filter(({ code }) => code === 0)).toHaveLength(1);
    expect(codes.filter(({ code }) => code === 11)).toHaveLength(11);
    expect(text(await h1.contract.evaluateTransaction('get', 'session'))).toBe('1');
  });

  it('loses an answer: the client hears UNAVAILABLE, the ledger has it', async () => {
    const h1 = client();
    const transaction = await h1.contract
      .newProposal('put', { arguments: ['lost', '1'] })
      .endorse();
    ledger.peer.faults.submitAnswersLost = true;
    const error = await failure<SubmitError>(transaction.submit());
    expect(error.code).toBe(UNAVAILABLE);
    const txId = transaction.getTransactionId();
    const qscc = h1.network.getContract('qscc');
    await expect
      .poll(
        () =>
          qscc.evaluateTransaction('GetTransactionByID', ledger.channel, txId).catch(() => null),
        { timeout: 10_000 },
      )
      .not.toBeNull();
    expect(text(await h1.contract.evaluateTransaction('get', 'lost'))).toBe('1');
  });

  it('waits with the status of a transaction that is not ordered, until the deadline', async () => {
    const h1 = client();
    ledger.peer.faults.orderingStalled = true;
    const transaction = await h1.contract
      .newProposal('put', { arguments: ['late', '1'] })
      .endorse();
    const submitted = await transaction.submit();
    const error = await failure<CommitStatusError>(
      submitted.getStatus({ deadline: Date.now() + 300 }),
    );
    expect(error.code).toBe(DEADLINE);
    ledger.peer.faults.orderingStalled = false;
    expect((await submitted.getStatus()).code).toBe(0);
  });
});

describe('streams', { timeout: 30_000 }, () => {
  it('can be cut, and clients go on where they were', async () => {
    const h1 = client();
    const start = (await commit(h1.contract, 'emit', 'cut', '0')).blockNumber;
    const seen: string[] = [];
    const checkpoint = checkpointers.inMemory();
    for (let i = 1; i <= 3; i++) {
      const options = { startBlock: start, checkpoint };
      const events = await h1.network.getChaincodeEvents(ledger.chaincode, options);
      const error = await failure<GatewayError>(
        (async () => {
          for await (const event of events) {
            seen.push(text(event.payload));
            await checkpoint.checkpointChaincodeEvent(event);
            ledger.peer.faults.cutStreams();
          }
        })(),
      );
      expect(error.code).toBe(UNAVAILABLE);
      await commit(h1.contract, 'emit', 'cut', String(i));
    }
    expect(seen).toEqual(['0', '1', '2']);
  });

  it('takes 500 calls at once, and refuses the next with RESOURCE_EXHAUSTED', async () => {
    const h1 = client();
    ledger.peer.faults.orderingStalled = true;
    const transaction = await h1.contract.newProposal('noop').endorse();
    const submitted = await transaction.submit();
    const statuses = Array.from({ length: 501 }, () =>
      submitted.getStatus().then(
        ({ code }) => code,
        (error: unknown) => `refused with ${(error as GatewayError).code}`,
      ),
    );
    expect(await Promise.race(statuses)).toBe('refused with 8');
    ledger.peer.faults.orderingStalled = false;
    const codes = await Promise.all(statuses);
    expect(codes.filter((code) => code === 0)).toHaveLength(500);
  });
});

describe('chaincode servers that come and go', { timeout: 60_000 }, () => {
  it('fails calls of their own hospital, not those of others, and works again after a restart', async () => {
    const [, second] = ledger.chaincodes as [unknown, { address: string; stop(): Promise<void> }];
    await second.stop();
    const h1 = client('H1MSP');
    const h2 = client('H2MSP');
    expect((await commit(h1.contract, 'noop')).code).toBe(0);
    const error = await failure<EndorseError>(h2.contract.submitTransaction('noop'));
    expect(error.code).toBe(10);
    expect(error.details[0]).toMatchObject({ mspId: 'H2MSP', address: second.address });
    expect(error.details[0]!.message).toContain('could not launch chaincode');
    expect(ledger.peer.status().endorsers.map(({ ready }) => ready)).toEqual([true, false, true]);

    const back = await startChaincode({ port: Number(second.address.split(':')[1]) });
    await ledger.peer.chaincodeReady();
    expect((await commit(h2.contract, 'noop')).code).toBe(0);
    await back.stop();
  });

  it('fails a call that was under way when the server died', async () => {
    const third = ledger.chaincodes[2]!;
    const h3 = client('H3MSP');
    const asleep = once(third.process, 'message');
    const running = failure<EndorseError>(h3.contract.submitTransaction('sleep', '3000'));
    await asleep;
    await third.stop();
    expect((await running).details[0]!.message).toContain('chaincode stream terminated');
  });

  it('is not taken in by a server with another package id', async () => {
    const [, second] = ledger.chaincodes as [unknown, { address: string }];
    const port = Number(second.address.split(':')[1]);
    const other = await startChaincode({ packageId: 'other:1', port });
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(ledger.peer.status().endorsers[1]!.ready).toBe(false);
    await other.stop();
  });
});

describe('on disk', { timeout: 60_000 }, () => {
  let own: EmbeddedLedger;
  beforeAll(async () => {
    own = await startEmbeddedLedger({ active: 2 });
  });
  afterAll(() => own.close());

  it('is the same ledger after a restart: state, history, ids, events', async () => {
    const before = openClient(own, 'H1MSP', own.identity('H1MSP'));
    const first = await commit(before.contract, 'put', 'kept', 'one');
    await commit(before.contract, 'emit', 'happened', 'x');
    before.close();
    const height = own.peer.height();
    await own.reopen();
    expect(own.peer.height()).toBe(height);

    const after = openClient(own, 'H1MSP', own.identity('H1MSP'));
    expect(text(await after.contract.evaluateTransaction('get', 'kept'))).toBe('one');
    const history = await after.contract.evaluateTransaction('history', 'kept');
    expect(JSON.parse(text(history))).toMatchObject([{ txId: first.txId, value: 'one' }]);
    const events = await after.network.getChaincodeEvents(own.chaincode, { startBlock: 0n });
    for await (const event of events) {
      expect(event.eventName).toBe('happened');
      break;
    }
    events.close();
    expect((await commit(after.contract, 'increment', 'counter')).code).toBe(0);
    after.close();
  });

  it('has one owner', async () => {
    const again = createEmbeddedPeer({
      ...loadLedgerConfig(join(own.dir, 'config.json')),
      nowMs: () => Date.now(),
    });
    const error = await failure<LedgerLockedError>(again);
    expect(error).toBeInstanceOf(LedgerLockedError);
    expect(error.pid).toBe(process.pid);
  });

  it('takes over the lock of a process that is gone', async () => {
    await own.stopPeer();
    writeFileSync(join(own.blocksDir, 'lock'), JSON.stringify({ pid: 2 ** 22 + 1 }));
    await own.reopen();
    expect(JSON.parse(readFileSync(join(own.blocksDir, 'lock'), 'utf8'))).toEqual({
      pid: process.pid,
    });
  });

  it('activates a spare hospital with a configuration block', async () => {
    const third = await startChaincode();
    const { hospitals } = loadLedgerConfig(join(own.dir, 'config.json'));
    const height = own.peer.height();
    await own.reopen({
      hospitals: hospitals.map((hospital) =>
        hospital.mspId === 'H3MSP'
          ? { ...hospital, active: true, chaincodeAddress: third.address }
          : hospital,
      ),
    });
    await own.peer.chaincodeReady();
    expect(own.peer.height()).toBe(height + 1);
    const h3 = openClient(own, 'H3MSP', own.identity('H3MSP'));
    expect((await commit(h3.contract, 'put', 'from', 'H3')).code).toBe(0);
    h3.close();
    const report = verifyBlocks(own.blocksDir);
    expect(report.configurations).toBe(2);
    expect(report.configuration.members.map(({ mspId }) => mspId)).toEqual([
      'H1MSP',
      'H2MSP',
      'H3MSP',
      'OpsMSP',
    ]);
    await third.stop();
  });

  it('takes no more transactions than its indexes can hold, and still answers', async () => {
    await own.reopen({ transactionsMax: own.peer.status().transactions + 1 });
    const h1 = openClient(own, 'H1MSP', own.identity('H1MSP'));
    expect((await commit(h1.contract, 'put', 'last', '1')).code).toBe(0);
    const error = await failure<SubmitError>(h1.contract.submitTransaction('put', 'more', '1'));
    expect(error.code).toBe(UNAVAILABLE);
    expect(error.details[0]!.message).toContain('the development ledger takes at most');
    expect(text(await h1.contract.evaluateTransaction('get', 'last'))).toBe('1');
    h1.close();
  });

  it('ends all streams and leaves no lock when it closes', async () => {
    const open = openClient(own, 'H1MSP', own.identity('H1MSP'));
    const events = await open.network.getChaincodeEvents(own.chaincode, { startBlock: 0n });
    const stream = events[Symbol.asyncIterator]();
    expect((await stream.next()).value).toMatchObject({ eventName: 'happened' });
    const ended = expect(stream.next()).rejects.toMatchObject({ code: UNAVAILABLE });
    await own.stopPeer();
    await ended;
    open.close();
    expect(existsSync(join(own.blocksDir, 'lock'))).toBe(false);
    expect(readdirSync(own.blocksDir)).toHaveLength(1);
    const blocks = [...readBlocks(own.blocksDir)];
    expect(blocks[0]!.block).toBeInstanceOf(common.Block);
  });
});

describe('mutual TLS towards the chaincode', { timeout: 30_000 }, () => {
  it('lets the endorser of the hospital in, and nobody else', async () => {
    const { consortium, dir } = ledger;
    const file = (name: string): string => join(dir, 'msp', 'H1MSP', `${name}.pem`);
    const chaincode = await startChaincode({
      tls: [file('chaincode-tls'), file('chaincode-tls-key'), consortium.tlsRootFile],
    });
    const config = ledgerConfigOf(consortium, {
      channel: ledger.channel,
      chaincode: { name: ledger.chaincode, packageId: 'plain:1' },
      listen: { host: '127.0.0.1', port: 0 },
      blocksDir: 'tls-blocks',
      chaincodeAddresses: { H1MSP: chaincode.address },
      chaincodeTls: true,
    });
    const configFile = join(dir, 'tls-config.json');
    writeFileSync(configFile, JSON.stringify(config));
    const options = { ...loadLedgerConfig(configFile), nowMs: () => Date.now() };
    const trusted = await createEmbeddedPeer(options);
    await trusted.chaincodeReady();
    await trusted.close();

    const [h1, ...others] = options.hospitals as [HospitalOptions, ...HospitalOptions[]];
    const { rootPem } = h1.chaincodeTls!;
    const stranger = { ...h1, chaincodeTls: { rootPem, client: ledger.identity('H1MSP') } };
    const [without] = loadLedgerConfig(join(dir, 'config.json')).hospitals;
    const plaintext = { ...without!, chaincodeAddress: chaincode.address };
    for (const hospital of [stranger, plaintext]) {
      const refused = await createEmbeddedPeer({ ...options, hospitals: [hospital, ...others] });
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect(refused.status().endorsers[0]!.ready).toBe(false);
      await refused.close();
    }
    await chaincode.stop();
  });
});

describe('impossible options', () => {
  const options = () => ({
    ...loadLedgerConfig(join(ledger.dir, 'config.json')),
    blocksDir: join(ledger.dir, 'other-blocks'),
    nowMs: () => Date.now(),
  });

  it('refuses a policy that the active hospitals cannot meet', async () => {
    const error = await failure<LedgerConfigError>(
      createEmbeddedPeer({ ...options(), policy: { outOf: 4 } }),
    );
    expect(error).toBeInstanceOf(LedgerConfigError);
    expect(error).toMatchObject({ key: 'policy.outOf', got: '4' });
  });

  it('refuses an endorser whose identity nobody would believe', async () => {
    const { hospitals } = options();
    const [h1, h2] = hospitals as [(typeof hospitals)[0], (typeof hospitals)[0]];
    const with1 = (peer: typeof h1.peer) => ({
      ...options(),
      hospitals: [{ ...h1, peer }, ...hospitals.slice(1)],
    });
    for (const [peer, got] of [
      [h2.peer, /unknown authority/],
      [{ ...h1.peer, privateKeyPem: h2.peer.privateKeyPem }, /the key of another certificate/],
      [ledger.identity('H1MSP'), /OU client/],
    ] as const) {
      const error = await failure<LedgerConfigError>(createEmbeddedPeer(with1(peer)));
      expect(error).toMatchObject({ code: 'ERR_LEDGER_CONFIG', key: 'peer of H1MSP' });
      expect(error.got).toMatch(got);
    }
  });

  it('refuses an MSP id that occurs twice', async () => {
    const { clientOrganisations } = options();
    const twice = [...clientOrganisations, ...clientOrganisations];
    const error = await failure(createEmbeddedPeer({ ...options(), clientOrganisations: twice }));
    expect(error.message).toContain('OpsMSP twice');
  });

  it('refuses a port that is taken, and releases its directory', async () => {
    const listen = { host: '127.0.0.1', port: ledger.peer.port };
    const error = await failure<LedgerListenError>(createEmbeddedPeer({ ...options(), listen }));
    expect(error).toBeInstanceOf(LedgerListenError);
    expect(existsSync(join(ledger.dir, 'other-blocks', 'lock'))).toBe(false);
  });

  it('refuses a ledger of another channel', async () => {
    const other = { ...options(), channel: 'other', blocksDir: join(ledger.dir, 'third-blocks') };
    await (await createEmbeddedPeer(other)).close();
    const error = await failure<LedgerConfigError>(
      createEmbeddedPeer({ ...other, channel: 'consortium' }),
    );
    expect(error).toMatchObject({ code: 'ERR_LEDGER_CONFIG', key: 'channel' });
  });
});

/**
 * The governance functions against the real contracts: chaincode processes behind the development ledger, through the
 * Fabric gateway client.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, credentials } from '@grpc/grpc-js';
import {
  createEmbeddedPeer,
  issueIdentity,
  ledgerConfigOf,
  loadLedgerConfig,
  provisionConsortium,
  type Consortium,
  type EmbeddedPeer,
} from '@bhschain/chaincode-hooks/embedded-peer';
import { sha256Hex } from '@bhschain/dp';
import { DETECTOR_ZERO, PUBLIC_CANARIES } from '@bhschain/models/detector';
import { connect, hash, signers } from '@hyperledger/fabric-gateway';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readKey, signBytes } from '../dashboard/src/signature.js';
import { callIn } from '../dashboard/src/transaction-bytes.js';
import { createFabricBallots } from '../src/publication/ballots.js';
import { VoteReader } from '../src/publication/channel-votes.js';
import type { ChannelBlocks, GovernanceChannel } from '../src/publication/channel.js';
import { createDetectorBuilder } from '../src/publication/detector-builder.js';
import { createFabricChannel } from '../src/publication/fabric-channel.js';
import { channelConfiguration, Publisher } from '../src/publication/publisher.js';
import { SOLE } from '../src/store/leadership.js';
import { openDisk, temporaryFolder, testFederation } from './consortium.js';

const nowMs = (): number => Date.now();
const hooks = dirname(
  fileURLToPath(import.meta.resolve('@bhschain/chaincode-hooks/embedded-peer')),
);
const chaincodeServer = join(hooks, '../server.js');
const HOSPITALS = ['H1MSP', 'H2MSP'];
const DETECTOR = DETECTOR_ZERO.detectorBytes;
const TABLE = DETECTOR_ZERO.tableBytes;

const folder = temporaryFolder();
const children: ChildProcess[] = [];
let consortium: Consortium;
let peer: EmbeddedPeer;
let channel: GovernanceChannel & ChannelBlocks;

function startChaincode(file: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = fork(chaincodeServer, ['--config', file], { silent: true });
    children.push(child);
    let talk = '';
    child.stderr?.on('data', (data: Buffer) => (talk += data.toString()));
    child.on('message', (message: { type: string; address: string }) => {
      if (message.type === 'ready') resolve(message.address);
    });
    child.once('exit', () => {
      reject(new Error(`chaincode: ${talk.slice(-1_000)}`));
    });
  });
}

beforeAll(async () => {
  consortium = provisionConsortium({ dir: folder.path, hospitals: 2, nowMs: nowMs() });
  const chaincodeAddresses: Record<string, string> = {};
  for (const mspId of HOSPITALS) {
    const file = join(folder.path, `${mspId}.json`);
    const address = '127.0.0.1:0';
    const config = { address, chaincodeId: 'bhschain:1', metricsPort: 0 };
    writeFileSync(file, JSON.stringify(config));
    chaincodeAddresses[mspId] = await startChaincode(file);
  }
  const config = ledgerConfigOf(consortium, {
    channel: 'consortium',
    chaincode: { name: 'bhschain', packageId: 'bhschain:1' },
    listen: { host: '127.0.0.1', port: 0 },
    blocksDir: join(folder.path, 'blocks'),
    chaincodeAddresses,
    outOf: 2,
  });
  const file = join(folder.path, 'ledger.json');
  writeFileSync(file, JSON.stringify(config));
  peer = await openPeer(file);
  const ops = issueIdentity({
    authority: consortium.authority('OpsMSP'),
    commonName: 'orchestrator',
    attributes: { role: 'orchestrator' },
  });
  channel = createFabricChannel({
    endpoints: ['127.0.0.1:1', `127.0.0.1:${peer.port}`],
    tlsRoot: readFileSync(consortium.tlsRootFile, 'utf8'),
    channel: 'consortium',
    chaincode: 'bhschain',
    mspId: 'OpsMSP',
    certificate: ops.certificatePem,
    privateKey: ops.privateKeyPem,
    nowMs,
  });
}, 120_000);

afterAll(async () => {
  await channel.close();
  await peer.close();
  for (const child of children) child.kill('SIGKILL');
  folder.remove();
});

async function openPeer(file: string): Promise<EmbeddedPeer> {
  const opened = await createEmbeddedPeer({ ...loadLedgerConfig(file), nowMs });
  await opened.chaincodeReady();
  return opened;
}

/** By the page's own code, which runs on WebCrypto here as there. */
async function lowSignature(message: Uint8Array, privateKeyPem: string): Promise<Uint8Array> {
  const pkcs8 = createPrivateKey(privateKeyPem).export({ type: 'pkcs8', format: 'pem' });
  return Buffer.from(await signBytes(message, await readKey(pkcs8.toString())), 'base64');
}

/** A hospital says that it verified a version. */
async function attest(mspId: string, version: number, detector: Uint8Array): Promise<void> {
  const identity = issueIdentity({
    authority: consortium.authority(mspId),
    commonName: 'node',
    attributes: { role: 'hospital-node' },
  });
  const client = new Client(
    `localhost:${peer.port}`,
    credentials.createSsl(readFileSync(consortium.tlsRootFile)),
  );
  const gateway = connect({
    client,
    identity: { mspId, credentials: Buffer.from(identity.certificatePem) },
    signer: signers.newPrivateKeySigner(createPrivateKey(identity.privateKeyPem)),
    hash: hash.sha256,
  });
  const contract = gateway.getNetwork('consortium').getContract('bhschain');
  await contract.submitTransaction(
    'DetectorContract:attest',
    String(version),
    sha256Hex(detector),
    sha256Hex(TABLE),
    DETECTOR_ZERO.detector.kernelHash,
    'code',
  );
  gateway.close();
  client.close();
}

describe.runIf(existsSync(chaincodeServer))('the channel', () => {
  it('takes detector 0 from the publisher, waits for the attestations, activates', async () => {
    const federation = testFederation({ nodes: 2 });
    const disk = temporaryFolder();
    const { store, objects } = await openDisk(disk.path, nowMs());
    await store.lineage.recordGenesis(await objects.put(federation.genesisModel));
    const publisher = new Publisher({
      federation,
      store,
      objects,
      channel,
      builder: createDetectorBuilder({
        genesis: DETECTOR,
        table: TABLE,
        canaries: PUBLIC_CANARIES,
      }),
      genesis: { detector: DETECTOR, table: TABLE },
      configuration: channelConfiguration({
        mspIds: HOSPITALS,
        attestations: 2,
        replay: true,
        vocabulary: null,
      }),
      attestations: 2,
      attestMaxMs: 60_000,
      nowMs,
    });
    await publisher.prepare();
    const calledAtMs = nowMs();
    expect(await publisher.advance()).toBeGreaterThan(calledAtMs);
    expect(publisher.lastError).toBeNull();
    expect(await channel.status(0)).toMatchObject({
      state: 'proposed',
      modelHash: sha256Hex(DETECTOR),
      attestedBy: [],
      activeVersion: null,
    });
    for (const mspId of HOSPITALS) await attest(mspId, 0, DETECTOR);
    await store.publications.update(0, { dueAtMs: 0 });
    expect(await publisher.advance()).toBeNull();
    expect(await channel.status(0)).toMatchObject({
      state: 'active',
      attestedBy: HOSPITALS,
      activeVersion: 0,
    });
    await store.close();
    disk.remove();
  }, 60_000);

  it('answers a repeated call as the first, and other bytes with a code', async () => {
    const entry = {
      manifestDigest: '',
      round: '',
      planHash: '',
      unit: 'none',
      epsilonMicro: 0,
      deltaExponent: 0,
    };
    await channel.propose({ version: 0, detector: DETECTOR, table: TABLE, entry });
    await channel.activate(0);
    await expect(
      channel.propose({
        version: 0,
        detector: DETECTOR,
        table: TABLE,
        entry: { ...entry, unit: 'x' },
      }),
    ).rejects.toMatchObject({ name: 'ChannelRefusedError', code: 'ERR_DETECTOR_DIGEST' });
    await expect(
      channel.propose({ version: 1, detector: Buffer.from('no'), table: TABLE, entry }),
    ).rejects.toMatchObject({ code: 'ERR_DETECTOR_INVALID' });
    expect(await channel.status(7)).toBeNull();
  }, 60_000);

  it('takes votes whose signatures are made elsewhere, and goes back when both hospitals voted', async () => {
    const next = Buffer.from(
      createDetectorBuilder({
        ...{ genesis: DETECTOR, table: TABLE, canaries: PUBLIC_CANARIES },
      }).build(DETECTOR, {
        ...{ version: 1, round: 'r', planHash: 'a'.repeat(64), manifestDigest: 'd'.repeat(64) },
        parameters: DETECTOR_ZERO.detector.parameters,
      }),
    );
    const entry = {
      ...{ manifestDigest: 'd'.repeat(64), round: 'r', planHash: 'a'.repeat(64), unit: 'window' },
      ...{ epsilonMicro: 500_000, deltaExponent: 5 },
    };
    await channel.propose({ version: 1, detector: next, table: TABLE, entry });
    for (const mspId of HOSPITALS) await attest(mspId, 1, next);
    await channel.activate(1);
    expect(await channel.status(1)).toMatchObject({ state: 'active', activeVersion: 1 });

    const ballots = createFabricBallots({
      endpoints: ['127.0.0.1:1', `127.0.0.1:${peer.port}`],
      tlsRoot: readFileSync(consortium.tlsRootFile, 'utf8'),
      ...{ channel: 'consortium', chaincode: 'bhschain', nowMs },
    });
    /** Signs as the browser does: over the message itself, low s, with a key that only this function has. */
    const vote = async (
      mspId: string,
      call: readonly [name: string, ...args: string[]],
      role = 'hospital-admin',
    ): Promise<readonly string[]> => {
      const person = issueIdentity({
        authority: consortium.authority(mspId),
        commonName: `hana.${mspId}`,
        attributes: { role },
      });
      const [name, ...args] = call;
      const ballot = ballots.open({ mspId, certificate: person.certificatePem, name, args });
      const steps: string[] = [];
      while (ballot.next !== null) {
        const { step, message } = ballot.next;
        steps.push(step);
        const said = callIn(step, message);
        expect(said.transactionId).toBe(ballot.transactionId);
        if (step !== 'commit') expect(said.args).toEqual(call);
        await ballot.sign(await lowSignature(message, person.privateKeyPem));
      }
      return steps;
    };
    const reason = sha256Hex('it holds too much');
    const back = ['DetectorContract:rollBack', '0'] as const;
    expect(await vote('H1MSP', ['DetectorContract:vote', 'rollBack', '0', reason])).toEqual([
      ...['proposal', 'transaction', 'commit'],
    ]);
    await expect(vote('H1MSP', back)).rejects.toMatchObject({ name: 'ChannelRefusedError' });
    await expect(
      vote('H2MSP', ['DetectorContract:vote', 'rollBack', '0', reason], 'analyst'),
    ).rejects.toMatchObject({ name: 'ChannelRefusedError' });
    await vote('H2MSP', ['DetectorContract:vote', 'rollBack', '0', reason]);
    await vote('H2MSP', back);
    expect(await channel.status(0)).toMatchObject({ state: 'active', activeVersion: 0 });

    const plan = 'b'.repeat(64);
    expect(await channel.planApprovers(plan)).toBeNull();
    for (const mspId of HOSPITALS) await vote(mspId, ['FederationContract:approvePlan', plan]);
    expect(await channel.planApprovers(plan)).toEqual(HOSPITALS);

    await vote('H1MSP', ['FederationContract:requestNode', 'H1-second', sha256Hex('key')]);
    for (const mspId of HOSPITALS) {
      await vote(mspId, ['FederationContract:approveNode', 'H1-second']);
    }
    await vote('H1MSP', ['FederationContract:revokeNode', 'H1-second', reason]);

    const stranger = issueIdentity({
      authority: consortium.authority('H1MSP'),
      ...{ commonName: 'hana', attributes: { role: 'hospital-admin' } },
    });
    const forged = ballots.open({
      mspId: 'H1MSP',
      certificate: stranger.certificatePem,
      ...{ name: 'DetectorContract:vote', args: ['withdraw', '1', reason] },
    });
    const other = issueIdentity({
      authority: consortium.authority('H1MSP'),
      ...{ commonName: 'mallory', attributes: { role: 'hospital-admin' } },
    });
    await expect(
      forged.sign(await lowSignature(forged.next!.message, other.privateKeyPem)),
    ).rejects.toBeInstanceOf(Error);
    ballots.close();
  }, 120_000);

  it('tells of every vote, wherever it was cast, and of what was carried out', async () => {
    const disk = temporaryFolder();
    const { store, objects } = await openDisk(disk.path, nowMs());
    await store.lineage.recordGenesis(await objects.put(DETECTOR));
    await store.database
      .insertInto('publication')
      .values({
        ...{ sequence: 1, slot: 1, attempt: 1, model: 'm', manifest: '', state: 'built' },
        ...{ version: 1, detector: '', calibration: '', reason: '', tries: 0, due_at_ms: 0 },
        proposed_at_ms: null,
      })
      .execute();
    await store.publications.update(0, { state: 'superseded', version: 0 });
    // As it was here before somebody went back elsewhere.
    await store.publications.activate(1);
    const stop = new AbortController();
    const reader = new VoteReader({ store, blocks: channel, channel, leadership: SOLE, nowMs });
    const reading = reader.run(stop.signal);
    await expect
      .poll(() => store.votes.newest('plans', 10), { timeout: 30_000, interval: 100 })
      .toHaveLength(2);
    const votes = await store.votes.newest('detectors', 10);
    expect(votes.map(({ action, about: of, mspId }) => `${mspId} ${action} ${of}`).sort()).toEqual([
      'H1MSP vote-roll-back 0',
      'H2MSP roll-back 0',
      'H2MSP vote-roll-back 0',
    ]);
    for (const { person, mspId, reason, atMs } of votes) {
      expect(person).toContain(`${mspId}/`);
      expect(person).toContain(`hana.${mspId}`);
      expect(reason).toBe('');
      expect(Math.abs(atMs - nowMs())).toBeLessThan(15 * 60_000);
    }
    const roster = await store.votes.newest('nodes', 10);
    expect(roster.map(({ action, about, mspId }) => `${mspId} ${action} ${about}`).sort()).toEqual([
      'H1MSP approve-node H1-second',
      'H1MSP revoke-node H1-second',
      'H2MSP approve-node H1-second',
    ]);
    const [active] = await store.publications.list({ states: ['active'] });
    expect(active?.version).toBe(0);
    stop.abort();
    await reading;
    // From the place that was written down, nothing is told twice.
    expect(Number(await store.fact('votes-next-block'))).toBeGreaterThan(0);
    await store.close();
    disk.remove();
  }, 60_000);

  it('is unavailable, not refused, when no gateway answers', async () => {
    const { certificatePem, privateKeyPem } = issueIdentity({
      authority: consortium.authority('OpsMSP'),
      commonName: 'orchestrator',
    });
    const away = createFabricChannel({
      endpoints: ['127.0.0.1:1'],
      tlsRoot: readFileSync(consortium.tlsRootFile, 'utf8'),
      channel: 'consortium',
      chaincode: 'bhschain',
      mspId: 'OpsMSP',
      certificate: certificatePem,
      privateKey: privateKeyPem,
      nowMs,
    });
    await expect(away.status(0)).rejects.toMatchObject({ name: 'ChannelUnavailableError' });
    await away.close();
  }, 30_000);
});

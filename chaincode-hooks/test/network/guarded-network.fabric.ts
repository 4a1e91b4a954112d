/**
 * Ring 3, what a real channel makes of our contracts: scenarios 1, 2, 5, 6, 11, 13, 14, 15, 16, 17.
 */
import { connect as connectTls } from 'node:tls';
import { readFileSync, writeFileSync } from 'node:fs';
import { DETECTOR_ZERO, encodeDetector } from '@bhschain/models/detector';
import type { EndorseError } from '@hyperledger/fabric-gateway';
import { common, gateway as gatewayProtos, peer } from '@hyperledger/fabric-protos';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeQuarantineRecord, walkBlock } from '../../src/events.js';
import {
  HOST,
  chainDir,
  readPeerBlocks,
  serverPlace,
  verifyNetworkChain,
  type Hospital,
} from '../../src/network/index.js';
import { failure } from '../embedded-peer/ledger-fixture.js';
import { evaluate } from '../guarded-ledger-fixture.js';
import { hospitalLog, playLog } from '../hospital-log.js';
import { onceLevel } from '../level-endorsers.js';
import { searchIn } from '../raw-identifiers.js';
import {
  SETTLE,
  attest,
  blocksOf,
  codeOf,
  commit,
  configure,
  endorse,
  heightOf,
  metric,
  newSession,
  openSession,
  propose,
  read,
  settled,
  startGuardedNetwork,
  strangeExport,
  transactionsOf,
  type GuardedNetwork,
  type Proposed,
} from './guarded-network.js';
import { GUARDED, fabricAvailable, type TestPerson } from './network-fixture.js';

const available = await fabricAvailable();
const DIGEST = 'd'.repeat(64);
const RELEASE = ['release', 'benign-expected', DIGEST];

describe.skipIf(!available)('the guarded channel on five hospitals, BFT', () => {
  let o: GuardedNetwork;
  let clerk: TestPerson;
  let h5: Hospital;

  beforeAll(async () => {
    o = await startGuardedNetwork();
    clerk = o.clerk();
    h5 = o.hospitals[4]!;
  });
  afterAll(() => o.close());

  const detectorOf = (version: number): Uint8Array => {
    const { detector } = DETECTOR_ZERO;
    return encodeDetector({ ...detector, version, round: `round ${version}` });
  };
  const activate = (version: number) =>
    commit(o.ops, 'DetectorContract:activate', [String(version)]);

  it('14a: two attestations are refused, three are enough', async () => {
    await configure(o, { highRisk: ['RecordAccessContract:erase'] });
    const proposed = await propose(o);
    await attest(o, 0, 0, proposed);
    await attest(o, 1, 0, proposed);
    await expect(activate(0)).rejects.toThrow('ERR_DETECTOR_ATTESTATIONS');
    await attest(o, 4, 0, proposed);
    expect((await activate(0)).code).toBe(0);
  });

  it('1: allowed and quarantined calls commit, and another hospital reads the record', async () => {
    const session = newSession();
    expect((await openSession(clerk, session)).code).toBe(0);
    const allowed = await read(clerk, session);
    expect(allowed).toMatchObject({ code: 0, reply: { disposition: 'allowed' } });
    const held = await strangeExport(clerk, session);
    expect(held.code).toBe(0);
    expect(held.reply).toEqual({ disposition: 'quarantined', quarantineId: held.txId });

    const analyst = o.person(h5.mspId, { role: 'analyst' });
    await expect.poll(() => codeOf(analyst, held.txId), SETTLE).toBe(0);
    const bytes = await analyst.contract.evaluate('QuarantineContract:get', {
      arguments: [held.txId],
    });
    const record = decodeQuarantineRecord(bytes);
    expect(record).toMatchObject({ actor: clerk.actor, mspId: 'H1MSP', cause: 'score' });
    expect(record.score).toBeGreaterThanOrEqual(870_000);
  });

  it('2: of two calls at once in one session one is valid, and the other succeeds when repeated', async () => {
    const session = newSession();
    await openSession(clerk, session);
    const ask = (record: string) =>
      endorse(clerk, 'RecordAccessContract:requestAccess', {
        arguments: [session, record, 'operations', 'demographics', '1', ''],
      });
    const both = await Promise.all([ask('H1-00000000000000c1'), ask('H1-00000000000000c2')]);
    const submitted = await Promise.all(both.map((one) => one.submit()));
    const codes = await Promise.all(
      submitted.map(async (one) => (await one.getStatus()).code as number),
    );
    expect(codes.sort()).toEqual([0, 11]);
    expect((await read(clerk, session, 'H1-00000000000000c2')).code).toBe(0);
  });

  it('5: what throws leaves no block, only a count at each endorser that was asked', async () => {
    const { operationsPort } = o.hospitals[0]!.peer;
    const refused = async (): Promise<number> =>
      (await metric(operationsPort, 'endorser_proposals_received')) -
      (await metric(operationsPort, 'endorser_successful_proposals'));
    const height = await heightOf(clerk);
    const before = await refused();
    const analyst = o.person('H1MSP', { role: 'analyst' });
    await expect(
      commit(analyst, 'QuarantineContract:claim', ['0'.repeat(64), '1']),
    ).rejects.toThrow('ERR_NOT_FOUND');
    expect(await heightOf(clerk)).toBe(height);
    expect(await refused()).toBe(before + 1);
  });

  it('6: a proposal of fourteen minutes ahead is endorsed, of sixteen refused', async () => {
    const session = newSession();
    const proposeAt = (minutes: number) => {
      const proposal = clerk.contract.newProposal('RecordAccessContract:openSession', {
        arguments: [session, 'ward 1', 'operations', ''],
      });
      const seconds = Math.floor(Date.now() / 1000) + 60 * minutes;
      return clerk.gateway.newProposal(withTimestamp(proposal.getBytes(), seconds));
    };
    const endorsed = await onceLevel(() => proposeAt(14).endorse());
    const submitted = await endorsed.submit();
    expect((await submitted.getStatus()).code).toBe(0);
    for (const minutes of [16, -16]) {
      const error = await failure<EndorseError>(proposeAt(minutes).endorse());
      expect(JSON.stringify(error.details) + error.message).toContain('timestamp');
    }
  });

  it('11: who endorses and never submits leaves no block, but its endorsers count it', async () => {
    const servers = o.hospitals.map(
      (hospital) => serverPlace(o.fabric.topology, hospital, GUARDED, 0).metricsPort,
    );
    const simulated = async (): Promise<number> => {
      const counts = servers.map((port) =>
        metric(port, 'guard_calls_total', 'class="enforce"', 'disposition="quarantined"'),
      );
      return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
    };
    const [height, before] = [await heightOf(clerk), await simulated()];
    const transaction = await endorse(clerk, 'RecordAccessContract:export', {
      arguments: [newSession(), 'e'.repeat(64), '900000', 'research', 'sensitive', ''],
    });
    expect(Buffer.from(transaction.getResult()).toString()).toContain('quarantined');
    expect(await simulated()).toBeGreaterThanOrEqual(before + 3);
    expect(await codeOf(clerk, transaction.getTransactionId())).toBeNull();
    expect(await heightOf(clerk)).toBe(height);
  });

  it('13: who is only an orderer may not propose; OpsMSP may, through any hospital', async () => {
    const { certificatePem, privateKeyPem } = ordererAdministrator(o.hospitals[0]!);
    const stranger = o.stranger('H1OrdererMSP', certificatePem, privateKeyPem);
    const error = await failure<EndorseError>(
      stranger.contract
        .newProposal('QuarantineContract:list', { arguments: ['open', ''] })
        .endorse(),
    );
    expect(JSON.stringify(error.details) + error.message).toMatch(/access denied|policy|creator/);
    for (const hospital of o.hospitals) {
      const ops = o.person('OpsMSP', { role: 'orchestrator' }, hospital);
      await expect
        .poll(() => evaluate(ops, 'DetectorContract:status', ['']), SETTLE)
        .toMatchObject({ version: 0 });
    }
  });

  it('14b: a switch under load: every call is judged by the detector that was active', async () => {
    const proposed = await propose(o, 1, detectorOf(1));
    for (const hospital of [1, 2, 3]) await attest(o, hospital, 1, proposed);
    let running = true;
    const codes: number[] = [];
    const worker = async (): Promise<void> => {
      const who = o.clerk();
      const session = newSession();
      await openSession(who, session);
      while (running) codes.push((await read(who, session)).code);
    };
    const load = Promise.all([worker(), worker(), worker()]);
    await expect.poll(() => codes.length, SETTLE).toBeGreaterThan(2);
    const switched = await activate(1);
    expect(switched.code).toBe(0);
    const at = codes.length;
    await expect.poll(() => codes.length, SETTLE).toBeGreaterThan(at + 3);
    running = false;
    await load;
    // A call in flight at the switch fails once (code 11); none of the old detector is valid after the new one.
    expect(codes.filter((code) => code !== 0 && code !== 11)).toEqual([]);
    const transactions = (await transactionsOf(clerk)).filter(({ code }) => code === 0);
    const turn = transactions.findIndex(({ txId }) => txId === switched.txId);
    const versionOf = (index: number): number | null =>
      guardVersion(transactions[index]!.event?.payload);
    for (const [index, { function: name }] of transactions.entries()) {
      if (name !== 'RecordAccessContract:requestAccess') continue;
      expect(versionOf(index)).toBe(index < turn ? 0 : 1);
    }
  });

  it('14c: three hospitals roll back and withdraw; a withdrawn version stays away', async () => {
    const admins = o.hospitals.map(({ mspId }) =>
      o.person(mspId, { role: 'hospital-admin' }, o.hospitals[0]),
    );
    const vote = (hospital: number, action: string, version: string) =>
      settled(admins[hospital]!, 'DetectorContract:vote', [action, version, DIGEST]);
    for (const hospital of [0, 1]) await vote(hospital, 'rollBack', '0');
    await expect(commit(admins[0]!, 'DetectorContract:rollBack', ['0'])).rejects.toThrow(
      'ERR_DETECTOR_ATTESTATIONS',
    );
    await vote(2, 'rollBack', '0');
    await settled(admins[0]!, 'DetectorContract:rollBack', ['0']);
    expect(await evaluate(o.ops, 'DetectorContract:status', [''])).toMatchObject({ version: 0 });
    for (const hospital of [0, 1, 2]) await vote(hospital, 'withdraw', '1');
    await settled(admins[0]!, 'DetectorContract:withdraw', ['1']);
    for (const hospital of [0, 1, 2]) await vote(hospital, 'rollBack', '1');
    await expect(commit(admins[0]!, 'DetectorContract:rollBack', ['1'])).rejects.toThrow(
      'ERR_DETECTOR_STATE',
    );
    const again: Proposed = await propose(o, 2, detectorOf(2));
    expect(again.modelHash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('15: two people, and for high risk two hospitals; a grant works once', async () => {
    const [analyst, second] = [
      o.person('H1MSP', { role: 'analyst' }),
      o.person('H1MSP', { role: 'privacy-officer' }),
    ];
    const foreign = o.person('H2MSP', { role: 'analyst' }, o.hospitals[0]);
    const held = await strangeExport(clerk, newSession());
    const step = (who: TestPerson, name: string, ...args: readonly string[]) =>
      commit(who, `QuarantineContract:${name}`, [held.txId, ...args]);
    await expect(step(clerk, 'claim', '1')).rejects.toThrow('ERR_ROLE_NOT_ALLOWED');
    await expect(step(foreign, 'claim', '1')).rejects.toThrow('ERR_MSP_NOT_ALLOWED');
    expect((await step(analyst, 'claim', '1')).code).toBe(0);
    await expect(step(second, 'claim', '1')).rejects.toThrow(/ERR_REVIEW_(VERSION|STATE)/);
    expect((await step(analyst, 'propose', '2', ...RELEASE)).code).toBe(0);
    await expect(step(analyst, 'approve', '3')).rejects.toThrow('ERR_FOUR_EYES');
    await expect(step(second, 'approve', '2')).rejects.toThrow('ERR_REVIEW_VERSION');
    expect((await step(second, 'approve', '3')).code).toBe(0);

    const context = `grant=${held.txId}`;
    const used = await strangeExport(clerk, newSession(), context);
    expect(used).toMatchObject({ code: 0, reply: { disposition: 'allowed' } });
    const replayed = await strangeExport(clerk, newSession(), context);
    expect(replayed).toMatchObject({ code: 0, reply: { disposition: 'quarantined' } });
    const stolen = await strangeExport(o.clerk(), newSession(), context);
    expect(stolen).toMatchObject({ code: 0, reply: { disposition: 'quarantined' } });
  });

  it('16: the chaincode server talks to its own peer only', async () => {
    const [own, other] = [0, 1].map((index) =>
      serverPlace(o.fabric.topology, o.hospitals[index]!, GUARDED, 0),
    );
    const handshake = (certificate: { certFile: string; keyFile: string } | null) =>
      tlsHandshake(own!.port, own!.tls.rootFile, certificate);
    const { peerCertFile: certFile, peerKeyFile: keyFile } = own!.tls;
    expect(await handshake({ certFile, keyFile })).toBe('accepted');
    const stranger = { certFile: other!.tls.peerCertFile, keyFile: other!.tls.peerKeyFile };
    expect(await handshake(stranger)).not.toBe('accepted');
    expect(await handshake(null)).not.toBe('accepted');
  });

  it('17: no transient byte and no raw identifier is in any block of this run; a copy gets code 9', async () => {
    const log = hospitalLog();
    const codes = await playLog(log, {
      enrol: () => o.person('H1MSP', { role: 'nurse' }),
      commit,
    });
    expect(codes).toEqual(log.calls.map(() => 0));
    const session = newSession();
    const secret = 'Jane Doe, born 1950-02-03';
    const transaction = await endorse(clerk, 'RecordAccessContract:openSession', {
      arguments: [session, 'ward 1', 'operations', ''],
      transientData: { patient: secret },
    });
    const submitted = await transaction.submit();
    expect((await submitted.getStatus()).code).toBe(0);
    // Orderers that still remember the envelope refuse the copy; those that do not order it, and it gets code 9.
    await transaction.submit().catch(() => undefined);
    await read(clerk, session);
    const blocks = await blocksOf(clerk);
    expect(Buffer.concat(blocks).includes('Jane')).toBe(false);
    // As on the development ledger: the search finds what is public and what certificates hold, and nothing of the log's names.
    const formOf = searchIn(blocks);
    for (const { session: handle } of log.calls) expect(formOf(handle)).toBe('text');
    expect(formOf('"role":"nurse"')).toBe('base64');
    const found = [secret, 'Jane Doe', ...log.rawIdentifiers].map((raw) => [raw, formOf(raw)]);
    expect(found.filter(([, form]) => form !== null)).toEqual([]);
    const copies = blocks
      .flatMap((bytes) => [...walkBlock(bytes)])
      .filter(({ txId }) => txId === transaction.getTransactionId())
      .map(({ code }) => code);
    expect(copies[0]).toBe(0);
    expect(copies.slice(1).every((code) => code === 9)).toBe(true);
  });

  it("all that lies on the peers' disks is recomputed, and one changed byte of a call is found", async () => {
    const { topology } = o.fabric;
    const last = o.hospitals.map(({ mspId }) => o.clerk(mspId));
    const height = await heightOf(clerk);
    await expect
      .poll(async () => Math.min(...(await Promise.all(last.map(heightOf)))), SETTLE)
      .toBe(height);
    const report = verifyNetworkChain(topology);
    expect(report).toMatchObject({ blocks: height, peerHeights: Array(5).fill(height) });
    expect(report.endorsementsLeast).toBeGreaterThanOrEqual(3);
    expect(report.ordererSignaturesLeast).toBeGreaterThanOrEqual(4);
    expect(report.codes[0]).toBeGreaterThan(20);
    expect(report.codes[11]).toBeGreaterThanOrEqual(1);

    await o.fabric.down();
    const chain = [...readPeerBlocks(chainDir(o.hospitals[2]!.peer.dir, topology.channel))];
    const { file, offset, envelopes } = chain[Math.floor(chain.length / 2)]!;
    const [call] = envelopes as [Uint8Array];
    const bytes = readFileSync(file);
    const at = bytes.indexOf(call, offset) + Math.floor(call.length / 2);
    bytes[at]! ^= 1;
    writeFileSync(file, bytes);
    expect(() => verifyNetworkChain(topology)).toThrow(
      expect.objectContaining({ code: 'ERR_BLOCK_CORRUPT' }) as Error,
    );
  });
});

function guardVersion(payload: Uint8Array | undefined): number | null {
  if (payload === undefined) return null;
  const event = JSON.parse(Buffer.from(payload).toString('utf8')) as { modelVersion: number };
  return event.modelVersion;
}

/** The proposal with another time; the gateway client signs what it is given. */
function withTimestamp(bytes: Uint8Array, seconds: number): Uint8Array {
  const proposed = gatewayProtos.ProposedTransaction.deserializeBinary(bytes);
  const signed = proposed.getProposal()!;
  const proposal = peer.Proposal.deserializeBinary(signed.getProposalBytes_asU8());
  const header = common.Header.deserializeBinary(proposal.getHeader_asU8());
  const channel = common.ChannelHeader.deserializeBinary(header.getChannelHeader_asU8());
  const timestamp: unknown = channel.getTimestamp(); // its package has no types of its own
  (timestamp as { setSeconds(value: number): void }).setSeconds(seconds);
  header.setChannelHeader(channel.serializeBinary());
  proposal.setHeader(header.serializeBinary());
  signed.setProposalBytes(proposal.serializeBinary());
  signed.setSignature('');
  return proposed.serializeBinary();
}

function ordererAdministrator({ orderer }: Hospital): {
  certificatePem: string;
  privateKeyPem: string;
} {
  const { adminMsp, domain } = orderer;
  return {
    certificatePem: readFileSync(`${adminMsp}/signcerts/Admin@${domain}-cert.pem`, 'utf8'),
    privateKeyPem: readFileSync(`${adminMsp}/keystore/priv_sk`, 'utf8'),
  };
}

/** `accepted`, or why not. Under TLS 1.3 a refusal of the client's certificate comes after the client's own handshake. */
function tlsHandshake(
  port: number,
  rootFile: string,
  client: { readonly certFile: string; readonly keyFile: string } | null,
): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTls({
      host: HOST,
      port,
      servername: 'localhost',
      ALPNProtocols: ['h2'],
      ca: readFileSync(rootFile),
      ...(client === null
        ? {}
        : { cert: readFileSync(client.certFile), key: readFileSync(client.keyFile) }),
    });
    // An HTTP/2 server speaks first (SETTINGS), but only to whom it has accepted.
    socket.once('data', () => {
      socket.destroy();
      resolve('accepted');
    });
    socket.once('error', (error: Error) => resolve(error.message));
    socket.once('close', () => resolve('closed'));
  });
}

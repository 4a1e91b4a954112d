/** A hospital joins: invitation, pin, consent of its MSP, approval; and everything that must not work. */
import { createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Admission, DEFAULT_LIMITS } from '../src/admission.js';
import { createEnrolmentService, listenEnrolment } from '../src/enrolment-service.js';
import { openAuthority, type Authority, type IssuedIdentity } from '../src/enrolment/authority.js';
import { EnrolmentDesk } from '../src/enrolment/desk.js';
import { decodeRequestFile, encodeResponseFile } from '../src/enrolment/offline-files.js';
import { withdrawNode } from '../src/enrolment/revocation.js';
import { recordFounders } from '../src/enrolment/roster.js';
import type { ListeningServer } from '../src/listening.js';
import {
  connectEnrolment,
  createEnrolmentKey,
  decodeInvitation,
  nodeOfSubjectAltName,
  type EnrolmentClient,
  type EnrolmentKey,
  type MspIdentity,
} from '../src/protocol.js';
import { mspProof } from '../src/protocol/enrolment-client.js';
import { encodeInvitation } from '../src/protocol/invitation.js';
import { ServerIdentity } from '../src/server-identity.js';
import type { FederationStore } from '../src/store/store.js';
import {
  FEDERATION_ID,
  handTurnedClock,
  openDisk,
  temporaryFolder,
  testAuthority,
} from './consortium.js';

const HOUR = 3_600_000;
const clock = handTurnedClock(Date.now());
let folder: ReturnType<typeof temporaryFolder>;
let store: FederationStore;
let authority: Authority;
let mspAuthority: Authority;
let msp: MspIdentity;
let desk: EnrolmentDesk;
let server: ListeningServer;
let serverIdentity: ServerIdentity;
let address: string;
const clients: EnrolmentClient[] = [];

beforeEach(async () => {
  clock.now = Date.now();
  folder = temporaryFolder();
  ({ store } = await openDisk(folder.path, clock.now));
  authority = await testAuthority(folder.path, clock.now);
  mspAuthority = await openAuthority({
    folder: `${folder.path}/msp`,
    federationId: 'H1MSP',
    nowMs: clock.now,
  });
  msp = mspIdentity(await mspAuthority.issueNode('admin', clock.now));
  await recordFounders(store, [
    { nodeId: 'H1', mspId: 'H1MSP', mspRoot: mspAuthority.certificatePem },
    { nodeId: 'H2', mspId: 'H2MSP' },
  ]);
  desk = new EnrolmentDesk({
    federationId: FEDERATION_ID,
    authority,
    store,
    nowMs: clock.nowMs,
  });
  serverIdentity = await ServerIdentity.open({
    authority,
    serverNames: ['127.0.0.1'],
    nowMs: clock.nowMs,
  });
  server = await listenEnrolment({
    host: '127.0.0.1',
    port: 0,
    identity: serverIdentity,
    service: createEnrolmentService({
      desk,
      federationId: FEDERATION_ID,
      authority,
      federationDocument: () => Promise.resolve(Buffer.from('{}')),
      federationAddress: () => 'federation.example:443',
      admission: new Admission({ ...DEFAULT_LIMITS, callsPerSecond: 100 }, clock.nowMs),
      nowMs: clock.nowMs,
    }),
  });
  address = `127.0.0.1:${server.port}`;
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  serverIdentity.close();
  await server.close();
  await store.close();
  folder.remove();
});

function mspIdentity(identity: IssuedIdentity): MspIdentity {
  return {
    mspId: 'H1MSP',
    certificate: identity.certificate,
    privateKey: identity.privateKey,
  };
}
const invite = (nodeId = 'H1'): Promise<string> =>
  desk.invite({ nodeId, address, lifeMs: 24 * HOUR, by: 'ana' });
const makeKey = (nodeId = 'H1'): Promise<EnrolmentKey> =>
  createEnrolmentKey({ federationId: FEDERATION_ID, nodeId });
async function open(line: string): Promise<EnrolmentClient> {
  const client = await connectEnrolment(decodeInvitation(line));
  clients.push(client);
  return client;
}

describe('joining', () => {
  it('takes an invitation, a key, a telephone call and an approval', async () => {
    const client = await open(await invite());
    const key = await makeKey();
    const request = await client.request(key, msp);
    // Both sides compute the digits from the key.
    expect(request.fingerprint).toBe(key.fingerprint);
    expect(request.fingerprint).toMatch(/^(\d{5} ){5}\d{5}$/);
    expect(await client.poll(request.requestId, key)).toEqual({ state: 'pending' });

    await expect(
      desk.approve({ requestId: request.requestId, fingerprint: '00000', by: 'ben' }),
    ).rejects.toMatchObject({ code: 'ERR_FINGERPRINT' });
    await desk.approve({ requestId: request.requestId, fingerprint: key.fingerprint, by: 'ben' });

    const answer = await client.poll(request.requestId, key);
    if (answer.state !== 'approved') throw new Error(answer.state);
    expect(answer.address).toBe('federation.example:443');
    expect(answer.ca).toBe(client.ca);
    const certificate = new X509Certificate(answer.certificate);
    expect(nodeOfSubjectAltName(certificate.subjectAltName, FEDERATION_ID)).toBe('H1');
    expect(certificate.checkPrivateKey(createPrivateKey(key.privateKey))).toBe(true);
    expect(await store.audit.verify()).toBe(3);
    await expect(
      desk.approve({ requestId: request.requestId, fingerprint: key.fingerprint, by: 'ben' }),
    ).rejects.toMatchObject({ code: 'ERR_REQUEST_DECIDED' });
  });

  it('works by files, where there is no connection: the same checks, the same answer', async () => {
    const { token } = decodeInvitation(await invite());
    const key = await makeKey();
    const file = {
      kind: 'bhs-enrolment-request',
      version: 1,
      federationId: FEDERATION_ID,
      nodeId: 'H1',
      token,
      csr: Buffer.from(key.csr).toString('base64'),
      mspId: msp.mspId,
      mspCertificate: msp.certificate,
      mspSignature: sign(
        'sha256',
        mspProof(key.csr, token),
        createPrivateKey(msp.privateKey),
      ).toString('base64'),
    };
    expect(() => decodeRequestFile('{"kind":"other"}')).toThrow(/request file/);
    expect(() => decodeRequestFile(JSON.stringify({ ...file, csr: 1 }))).toThrow(/csr/);
    const request = await desk.request(decodeRequestFile(JSON.stringify(file)));
    await desk.approve({ requestId: request.requestId, fingerprint: key.fingerprint, by: 'ben' });
    const response = JSON.parse(
      encodeResponseFile({
        federationId: FEDERATION_ID,
        request: (await store.enrolment.request(request.requestId))!,
        ca: authority.bundlePem,
        federationDocument: Buffer.from('{}'),
        address: 'federation.example:443',
      }),
    ) as { state: string; certificate: string; ca: string };
    expect(response).toMatchObject({ state: 'approved', ca: authority.certificatePem });
    const certificate = new X509Certificate(response.certificate);
    expect(certificate.checkPrivateKey(createPrivateKey(key.privateKey))).toBe(true);
    // A token is good once, whichever way it came.
    await expect(
      desk.request({ ...decodeRequestFile(JSON.stringify(file)), csr: (await makeKey()).csr }),
    ).rejects.toMatchObject({ code: expect.stringMatching(/ERR_SIGNATURE|ERR_TOKEN/) as string });
  });

  it('gives the same request when the same key joins again', async () => {
    const line = await invite();
    const key = await makeKey();
    const first = await (await open(line)).request(key, msp);
    const second = await (await open(line)).request(key, msp);
    expect(second).toEqual(first);
    expect(await store.enrolment.requests()).toHaveLength(1);
  });

  it('refuses a certificate request with another name, and the invitation stays good', async () => {
    const client = await open(await invite());
    await expect(client.request(await makeKey('H2'), msp)).rejects.toMatchObject({
      code: 'ERR_REQUEST',
      message: expect.stringContaining('expected the name H1, got H2') as string,
    });
    expect(await store.enrolment.requests()).toHaveLength(0);
    await client.request(await makeKey(), msp);
  });

  it('tells a refused hospital why', async () => {
    const client = await open(await invite());
    const key = await makeKey();
    const { requestId } = await client.request(key, msp);
    await desk.refuse({ requestId, reason: 'unknown caller', by: 'ben' });
    expect(await client.poll(requestId, key)).toEqual({
      state: 'refused',
      reason: 'unknown caller',
    });
  });
});

describe('not joining', () => {
  it('stops before anything is sent when the authority is not the pinned one', async () => {
    const invitation = decodeInvitation(await invite());
    const elsewhere = encodeInvitation({ ...invitation, caSpkiSha256: 'f'.repeat(64) });
    await expect(open(elsewhere)).rejects.toMatchObject({ code: 'ERR_TLS_REFUSED' });
    expect(await store.enrolment.requests()).toEqual([]);
  });

  it.each([
    ['guessed', (line: string) => ({ ...decodeInvitation(line), token: '0'.repeat(32) })],
    ['for another node', (line: string) => ({ ...decodeInvitation(line), nodeId: 'H2' })],
  ])('with a token that is %s', async (_, change) => {
    const client = await open(encodeInvitation(change(await invite())));
    await expect(client.request(await makeKey(), msp)).rejects.toMatchObject({
      code: 'ERR_TOKEN_INVALID',
    });
  });

  it('with a token that is used by another key, expired, or tried too often', async () => {
    const line = await invite();
    const client = await open(line);
    const key = await makeKey();
    await client.request(key, msp);
    const used = client.request(await makeKey(), msp);
    await expect(used).rejects.toMatchObject({ code: 'ERR_TOKEN_INVALID' });
    for (let tries = 0; tries < 5; tries++) await client.request(key, msp).catch(() => null);
    await expect(client.request(key, msp)).rejects.toMatchObject({ code: 'ERR_TOKEN_INVALID' });
    clock.now += 600_000;
    await client.request(key, msp);
    clock.now += 24 * HOUR;
    await expect(client.request(key, msp)).rejects.toMatchObject({ code: 'ERR_TOKEN_INVALID' });
  });

  it('without the consent of the hospital’s MSP', async () => {
    const client = await open(await invite());
    const strangers = await testAuthority(`${folder.path}/strangers`, clock.now);
    const stranger = mspIdentity(await strangers.issueNode('admin', clock.now));
    await expect(client.request(await makeKey(), stranger)).rejects.toMatchObject({
      code: 'ERR_SIGNATURE',
    });
    const otherKey = { ...msp, privateKey: stranger.privateKey };
    await expect(client.request(await makeKey(), otherKey)).rejects.toMatchObject({
      code: 'ERR_SIGNATURE',
    });
  });

  it('with a certificate request that is none', async () => {
    const client = await open(await invite());
    const key = { ...(await makeKey()), csr: new Uint8Array([1, 2, 3]) };
    await expect(client.request(key, msp)).rejects.toMatchObject({ code: 'ERR_REQUEST' });
  });

  it('by polling somebody else’s request', async () => {
    const client = await open(await invite());
    const { requestId } = await client.request(await makeKey(), msp);
    await expect(client.poll(requestId, await makeKey())).rejects.toMatchObject({
      code: 'ERR_TOKEN_INVALID',
    });
  });

  it('by an invitation for a hospital whose MSP root is not configured, or that is unknown', async () => {
    await expect(invite('H2')).rejects.toMatchObject({ code: 'ERR_MSP_ROOT' });
    await expect(invite('H9')).rejects.toMatchObject({ code: 'ERR_NODE_NAME' });
    expect(() => decodeInvitation('bhs1:nonsense')).toThrow(/document|invitation/);
    expect(() => decodeInvitation('https://example.org')).toThrow(/bhs1/);
  });
});

describe('revocation', () => {
  it('lists every certificate of a node and numbers the list', async () => {
    const one = await authority.issueNode('H1', clock.now);
    const two = await authority.issueNode('H1', clock.now);
    await authority.issueNode('H2', clock.now);
    const serials = authority.serialsOf('H1');
    const expected = [one, two].map((each) => new X509Certificate(each.certificate).serialNumber);
    expect([...serials].sort()).toEqual(expected.sort());
    const facts = { store, state: 'revoked', reason: 'lost', by: 'ana', nowMs: clock.now } as const;
    expect(await withdrawNode({ ...facts, nodeId: 'H1', serials })).toBe(2);
    expect(await store.roster.find('H1')).toMatchObject({ state: 'revoked' });
    await expect(withdrawNode({ ...facts, nodeId: 'H9', serials: [] })).rejects.toMatchObject({
      code: 'ERR_NODE_NAME',
    });
  });
});

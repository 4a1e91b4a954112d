/** Members over the wire: renewal, leaving and coming back, a roster that grows, an authority that takes over. */
import { X509Certificate } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import {
  prepareSuccessor,
  retirePredecessors,
  switchToSuccessor,
} from '../src/enrolment/succession.js';
import { openAuthority, NODE_LIFE_MS, type IssuedIdentity } from '../src/enrolment/authority.js';
import { EnrolmentDesk } from '../src/enrolment/desk.js';
import {
  connectEnrolment,
  createEnrolmentKey,
  decodeInvitation,
  type FederationClient,
} from '../src/protocol.js';
import { MemberDesk } from '../src/member-desk.js';
import { bareSigner, callerWith, FEDERATION_ID, handTurnedClock } from './consortium.js';
import { closeAll, nowMs, opened, startWorld, takeWork, until, type World } from './world.js';

afterEach(closeAll);

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

async function renew(
  world: World,
  client: FederationClient,
  nodeId: string,
): Promise<{ client: FederationClient; identity: IssuedIdentity }> {
  const key = await createEnrolmentKey({ federationId: FEDERATION_ID, nodeId });
  const { certificate, ca } = await client.renewCertificate({ csr: key.csr });
  const identity = { certificate, ca, privateKey: key.privateKey };
  return { client: await world.client(nodeId, { identity }), identity };
}

describe('renewal', () => {
  it('certifies a new key of the same node; the old certificate stays good for a day', async () => {
    let skewMs = 0;
    const world = await startWorld({}, { nowMs: () => nowMs() + skewMs });
    const old = await world.client('H1');
    const { client, identity } = await renew(world, old, 'H1');
    const certificate = new X509Certificate(identity.certificate);
    expect(certificate.subjectAltName).toBe(`URI:spiffe://${FEDERATION_ID}/node/H1`);
    await client.getWork({ state: 'paused' });
    await old.getWork({ state: 'paused' });

    skewMs = DAY + 60_000;
    await expect(old.getWork({ state: 'paused' })).rejects.toMatchObject({
      code: 'ERR_CERTIFICATE_REVOKED',
      retryable: false,
    });
    await client.getWork({ state: 'paused' });
    const kinds = (await world.store.audit.list({ after: -1, limit: 10 })).map(({ kind }) => kind);
    // The first detector becomes active at a moment of its own.
    expect(kinds.filter((kind) => kind !== 'detector-activated')).toEqual([
      'certificate-renewed',
      'refused',
    ]);
  });

  it('is asked for between rounds once two thirds of a life are over', async () => {
    // A clock that stands still: no round begins between the calls.
    const clock = handTurnedClock(nowMs());
    const world = await startWorld({}, { nowMs: clock.nowMs });
    const old = await world.client('H1', { issuedAtMs: nowMs() - 21 * DAY });
    const work = await old.getWork({ state: 'ready' });
    expect(work.kind).toBe('renew');
    const { client } = await renew(world, old, 'H1');
    expect((await client.getWork({ state: 'ready' })).kind).toBe('idle');
  });

  it('refuses a request in another name, one that is signed by another key, and a flood', async () => {
    const world = await startWorld();
    const client = await world.client('H1');
    const foreign = await createEnrolmentKey({ federationId: FEDERATION_ID, nodeId: 'H2' });
    await expect(client.renewCertificate({ csr: foreign.csr })).rejects.toMatchObject({
      code: 'ERR_REQUEST',
    });
    await expect(client.renewCertificate({ csr: Buffer.from('nonsense') })).rejects.toMatchObject({
      code: 'ERR_REQUEST',
    });
    const desk = new MemberDesk({ ...world, signer: bareSigner(), nowMs });
    const { certificate } = await world.authority.issueNode('H1', nowMs());
    const { csr } = await createEnrolmentKey({ federationId: FEDERATION_ID, nodeId: 'H1' });
    await expect(
      desk.renew(callerWith('H1', certificate), { csr, signature: Buffer.from('stolen') }),
    ).rejects.toMatchObject({ code: 'ERR_SIGNATURE' });
    let last: unknown = null;
    for (let tries = 0; tries < 12 && last === null; tries++) {
      last = await renew(world, client, 'H1').then(
        () => null,
        (cause: unknown) => cause,
      );
    }
    expect(last).toMatchObject({ code: 'ERR_BUSY', retryable: true });
  });
});

describe('participation', { timeout: 60_000 }, () => {
  it('paused members are left out of rounds; a member that leaves is refused, and may join again', async () => {
    const world = await startWorld();
    const client = await world.client('H3');
    await client.setParticipation('paused');
    await client.setParticipation('paused');
    expect(await world.store.roster.find('H3')).toMatchObject({ state: 'paused' });
    const slotIndex = world.nextSlot();
    await until(async () => (await world.store.rounds.newestSlot()) === slotIndex);
    const [next] = await world.store.rounds.newest({ limit: 1 });
    expect(Object.keys(next!.round.members)).toEqual(['H1', 'H2']);
    await client.setParticipation('active');

    await client.setParticipation('leaving');
    await expect(client.getWork({ state: 'ready' })).rejects.toMatchObject({
      code: 'ERR_CERTIFICATE_REVOKED',
      message: expect.stringContaining('has left') as string,
    });
    expect(await world.store.roster.find('H3')).toMatchObject({ state: 'left' });
    const trust = await (await world.client('H1')).getTrust();
    expect(trust.revoked).toMatchObject([{ reason: 'left the federation' }]);
    expect(trust.epoch).toBe(1);
  });
});

describe('a roster that grows', { timeout: 60_000 }, () => {
  it('takes a fourth hospital in while it runs: the next round counts with it, the channel admits it', async () => {
    const world = await startWorld({}, { enrolment: true });
    const msp = await openAuthority({
      folder: `${world.folder}/msp`,
      federationId: 'H4MSP',
      nowMs: nowMs(),
    });
    const admin = await msp.issueNode('admin', nowMs());
    // The command line has a connection of its own beside the process; here the desk is enough.
    const desk = new EnrolmentDesk({
      federationId: FEDERATION_ID,
      authority: world.authority,
      store: world.store,
      nowMs,
    });
    const line = await desk.invite({
      nodeId: 'H4',
      address: `127.0.0.1:${world.orchestrator.enrolmentPort}`,
      lifeMs: HOUR,
      by: 'ana',
      msp: { mspId: 'H4MSP', mspRoot: msp.certificatePem },
    });
    const joining = await connectEnrolment(decodeInvitation(line));
    opened.push(() => joining.close());
    const key = await createEnrolmentKey({ federationId: FEDERATION_ID, nodeId: 'H4' });
    const { requestId, fingerprint } = await joining.request(key, {
      mspId: 'H4MSP',
      certificate: admin.certificate,
      privateKey: admin.privateKey,
    });
    expect(await world.store.roster.find('H4')).toMatchObject({ state: 'invited' });
    await desk.approve({ requestId, fingerprint, by: 'ben' });
    const answer = await joining.poll(requestId, key);
    if (answer.state !== 'approved') throw new Error(answer.state);
    const document = JSON.parse(Buffer.from(answer.federationDocument).toString()) as {
      hospitals: { nodeId: string }[];
    };
    expect(document.hospitals.map((each) => each.nodeId)).toEqual(['H1', 'H2', 'H3', 'H4']);

    const identity = { certificate: answer.certificate, ca: answer.ca, privateKey: key.privateKey };
    const h4 = await world.client('H4', { identity, address: answer.address });
    const others = await Promise.all(['H1', 'H2'].map((id) => world.client(id)));
    world.nextSlot();
    const [unit] = await Promise.all([h4, ...others].map((client) => takeWork(client)));
    const round = await world.store.rounds.find(unit!.roundId);
    expect(Object.keys(round!.round.members)).toEqual(['H1', 'H2', 'H3', 'H4']);
    await until(() => world.channel.admitted.has('H4MSP'));
    await expect(
      desk.invite({
        nodeId: 'H5',
        address: 'x:1',
        lifeMs: HOUR,
        by: 'ana',
        msp: { mspId: 'H4MSP', mspRoot: msp.certificatePem },
      }),
    ).rejects.toMatchObject({ code: 'ERR_NODE_NAME' });
  });
});

describe('an authority that takes over', () => {
  it('never refuses a node that renews in time, and in the end refuses the others', async () => {
    const world = await startWorld();
    const folder = `${world.folder}/ca`;
    const old = await world.authority.issueNode('H1', nowMs());
    const before = await world.client('H1', { identity: old });
    const firstPin = world.authority.spkiSha256;

    await prepareSuccessor({ folder, federationId: FEDERATION_ID, nowMs: nowMs() });
    await expect(
      prepareSuccessor({ folder, federationId: FEDERATION_ID, nowMs: nowMs() }),
    ).rejects.toMatchObject({ code: 'ERR_CA_STEP' });
    expect(world.authority.spkiSha256).toBe(firstPin);
    const { ca } = await before.getTrust();
    expect(ca.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);

    switchToSuccessor({ folder, nowMs: nowMs() });
    await world.orchestrator.reloadIdentity();
    expect(world.authority.spkiSha256).not.toBe(firstPin);
    // A node with the bundle and an old certificate still gets in, and gets a certificate of the new authority.
    const again = await world.client('H1', { identity: { ...old, ca } });
    const { client, identity } = await renew(world, again, 'H1');
    expect(new X509Certificate(identity.certificate).issuer).toContain('authority 2');
    await client.getWork({ state: 'paused' });

    expect(() => retirePredecessors({ folder, nowMs: nowMs() })).toThrow(/may be good until/);
    expect(retirePredecessors({ folder, nowMs: nowMs() + NODE_LIFE_MS + 1 })).toBe(1);
    await world.orchestrator.reloadIdentity();
    const late = await world.client('H1', { identity: { ...old, ca } });
    await expect(late.getWork({ state: 'paused' })).rejects.toMatchObject({
      code: 'ERR_TLS_REFUSED',
    });
    await client.getWork({ state: 'paused' });
  });
});

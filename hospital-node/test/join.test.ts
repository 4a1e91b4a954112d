/** Joining: what is checked before anything is sent, and that every interruption can be gone on from. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  decodeInvitation,
  nodeUri,
  type EnrolmentClient,
  type EnrolmentKey,
  type Invitation,
} from '@bhschain/orchestrator/protocol';
import { describe, expect, it } from 'vitest';
import { openAuditLog, readAuditLog } from '../src/audit/audit-log.js';
import { loadConfig } from '../src/config.js';
import {
  askToJoin,
  awaitApproval,
  finishJoin,
  prepareJoin,
  type PreparedJoin,
} from '../src/enrolment/join.js';
import { joinFolder } from '../src/enrolment/join-state.js';
import { readResponseFile, writeRequestFile } from '../src/enrolment/offline-files.js';
import { createTestAuthority, type TestAuthority } from './federation-authority.js';
import { consortium, identityOf } from './identity-fixture.js';
import { temporaryFolder } from './temporary-folder.js';

/** The hospital's half, with a comment that must survive. */
const SITE = `# Hospital 4, its own half
mspId: H4MSP
stateDir: state
log:
  file: access.jsonl # written by the EHR
federation:
  signerCa: ops.pem
fabric:
  endpoints: [127.0.0.1:7051]
  tlsRoot: tls.pem
  channel: consortium
  chaincode: bhschain
  cert: identity/cert.pem
  key: identity/key.pem
actorsFile: actors.jsonl
peopleDir: people
`;

const FEDERATION = { federationId: 'fed', nodeId: 'H4', address: 'orchestrator.example:7443' };

function invitationLine(o: Partial<Invitation> = {}): string {
  const document = {
    address: 'orchestrator.example:7444',
    caSpkiSha256: 'a'.repeat(64),
    federationId: 'fed',
    nodeId: 'H4',
    token: '0123456789abcdef0123456789abcdef',
    ...o,
  };
  return `bhs1:${Buffer.from(JSON.stringify(document)).toString('base64url')}`;
}

interface Site {
  readonly configFile: string;
  readonly stateDir: string;
  readonly authority: TestAuthority;
  readonly line: string;
}

async function site(text = SITE): Promise<Site> {
  const folder = temporaryFolder();
  const configFile = join(folder, 'node.yaml');
  const { certificatePem, privateKeyPem } = identityOf(consortium(), {
    mspId: 'H1MSP', // any root will do here; who stands behind it is the orchestrator's question
    name: 'node',
    attributes: { role: 'hospital-node' },
  });
  const cert = join(folder, 'cert.pem');
  const key = join(folder, 'key.pem');
  writeFileSync(cert, certificatePem);
  writeFileSync(key, privateKeyPem);
  writeFileSync(
    configFile,
    text.replace('identity/cert.pem', cert).replace('identity/key.pem', key),
  );
  const authority = await createTestAuthority();
  return {
    configFile,
    stateDir: join(folder, 'state'),
    authority,
    line: invitationLine({ caSpkiSha256: authority.spkiSha256 }),
  };
}

const prepare = (
  { configFile }: Site,
  line: string | null,
  rejoin = false,
): Promise<PreparedJoin> => prepareJoin({ configFile, line, rejoin }, decodeInvitation);

/** A federation that decides after some polls; asking twice with one key is one request. */
class PaperEnrolment implements EnrolmentClient {
  readonly ca: string;
  readonly requests = new Map<string, EnrolmentKey>();
  polls = 0;
  readonly #authority: TestAuthority;
  readonly #decide: 'approve' | 'refuse' | 'never';

  constructor(authority: TestAuthority, decide: 'approve' | 'refuse' | 'never') {
    this.ca = authority.ca;
    this.#authority = authority;
    this.#decide = decide;
  }

  request(key: EnrolmentKey): ReturnType<EnrolmentClient['request']> {
    const requestId = Buffer.from(key.csr).toString('hex').slice(-32);
    this.requests.set(requestId, key);
    return Promise.resolve({ requestId, fingerprint: key.fingerprint, expiresAtMs: 0 });
  }

  async poll(requestId: string): ReturnType<EnrolmentClient['poll']> {
    this.polls += 1;
    if (this.#decide === 'never' || this.polls < 2) return { state: 'pending' };
    if (this.#decide === 'refuse') return { state: 'refused', reason: 'unknown caller' };
    const certificate = await this.#authority.certify(
      this.requests.get(requestId)!.csr,
      nodeUri('fed', 'H4'),
    );
    return {
      state: 'approved',
      certificate,
      ca: this.ca,
      address: FEDERATION.address,
      federationDocument: new Uint8Array(),
    };
  }

  close(): void {
    // nothing is open
  }
}

const patient = { untilMs: 10, nowMs: () => 0, pollMs: 1, sleep: () => Promise.resolve() };

async function joined(place: Site): Promise<PreparedJoin> {
  const prepared = await prepare(place, place.line);
  const enrolment = new PaperEnrolment(place.authority, 'approve');
  const asked = await askToJoin(prepared, () => Promise.resolve(enrolment));
  const approval = await awaitApproval(asked, prepared, patient);
  finishJoin(prepared, approval!, auditOf(place));
  return prepared;
}

const auditOf = ({ stateDir }: Site) => ({
  audit: openAuditLog({ stateDir, now: () => 0 }),
  by: 'ana',
  rejoin: false,
});

describe('joining', () => {
  it('completes the hospital’s own file, keeps its comments, and leaves a key only here', async () => {
    const place = await site();
    const prepared = await joined(place);
    const config = loadConfig(place.configFile, {});
    expect(config).toMatchObject({
      nodeId: 'H4',
      federation: { id: 'fed', address: FEDERATION.address },
    });
    expect(config.federation.tls.cert).toBe(join(place.stateDir, 'tls', 'cert.pem'));
    const text = readFileSync(place.configFile, 'utf8');
    expect(text).toContain('# Hospital 4, its own half');
    expect(text).toContain('# written by the EHR');
    expect(readFileSync(config.federation.tls.key, 'utf8')).toBe(prepared.state.key.privateKey);
    expect(existsSync(joinFolder(place.stateDir))).toBe(false);
    const [record] = readAuditLog(place.stateDir).records;
    expect(record).toMatchObject({
      kind: 'joined',
      by: 'ana',
      body: { nodeId: 'H4', caSpkiSha256: place.authority.spkiSha256 },
    });
    expect(JSON.stringify(record)).not.toContain('0123456789abcdef');
  });

  it('goes on with the same key after any interruption, with the line or without', async () => {
    const place = await site();
    const first = await prepare(place, place.line);
    const untouched = readFileSync(place.configFile, 'utf8');
    const second = await prepare(place, place.line);
    const third = await prepare(place, null);
    expect(second.state.key).toEqual(first.state.key);
    expect(third.state).toEqual(second.state);
    expect(readFileSync(place.configFile, 'utf8'), 'nothing is half written').toBe(untouched);
    // Killed after the certificate was put in place and before the file was completed:
    const enrolment = new PaperEnrolment(place.authority, 'approve');
    const asked = await askToJoin(third, () => Promise.resolve(enrolment));
    const approval = await awaitApproval(asked, third, patient);
    finishJoin(third, approval!, auditOf(place));
    writeFileSync(place.configFile, untouched);
    // The enrolment is over, so the plain command says what to do instead of starting anew.
    await expect(prepare(place, place.line)).rejects.toMatchObject({ code: 'ERR_JOIN_ALREADY' });
  });

  it('takes a new invitation with the same key when the first one is over', async () => {
    const place = await site();
    const first = await prepare(place, place.line);
    const later = invitationLine({
      caSpkiSha256: place.authority.spkiSha256,
      token: 'f'.repeat(32),
    });
    const second = await prepare(place, later);
    expect(second.state.key.privateKey).toBe(first.state.key.privateKey);
    expect(second.state.invitation.token).toBe('f'.repeat(32));
  });

  it('gives back what is pending when the patience is over, and the reason of a refusal', async () => {
    const place = await site();
    const prepared = await prepare(place, place.line);
    const never = new PaperEnrolment(place.authority, 'never');
    const asked = await askToJoin(prepared, () => Promise.resolve(never));
    let nowMs = 0;
    const clock = {
      ...patient,
      nowMs: () => nowMs,
      sleep: () => Promise.resolve(void (nowMs += 1)),
    };
    expect(await awaitApproval(asked, prepared, clock)).toBeNull();
    expect(never.polls, 'at 0, 1, … 10 ms').toBe(11);
    const refused = new PaperEnrolment(place.authority, 'refuse');
    const again = await askToJoin(prepared, () => Promise.resolve(refused));
    await expect(awaitApproval(again, prepared, patient)).rejects.toMatchObject({
      code: 'ERR_JOIN_REFUSED',
      message: expect.stringContaining('unknown caller') as string,
    });
  });

  it('a second time for a node that is here needs the word rejoin', async () => {
    const place = await site();
    await joined(place);
    await expect(prepare(place, place.line)).rejects.toMatchObject({ code: 'ERR_JOIN_ALREADY' });
    await expect(prepare(place, null)).rejects.toMatchObject({ code: 'ERR_JOIN_ALREADY' });
    const again = await prepare(place, place.line, true);
    expect(again.config.nodeId).toBe('H4');
    // Interrupted, it goes on without the line, although the file names the node by now.
    expect((await prepare(place, null, true)).state).toEqual(again.state);
  });
});

describe('not joining', () => {
  it('with a file that is for another node, or a line that is none', async () => {
    const place = await site(SITE.replace('mspId:', 'nodeId: H5\nmspId:'));
    await expect(prepare(place, place.line)).rejects.toMatchObject({
      code: 'ERR_CONFIG_RELATION',
      message: expect.stringContaining('the invitation is for H4, the file says H5') as string,
    });
    await expect(prepare(await site(), null)).rejects.toMatchObject({ code: 'ERR_JOIN_NOTHING' });
    await expect(prepare(await site(), 'bhs2:x')).rejects.toMatchObject({ code: 'ERR_REQUEST' });
  });

  it('with half a file that is not sound, before a key is made', async () => {
    const place = await site(SITE.replace('channel: consortium', 'chanel: consortium'));
    await expect(prepare(place, place.line)).rejects.toMatchObject({
      code: 'ERR_CONFIG_VALUE',
      message: expect.stringContaining('fabric.channel') as string,
    });
    expect(existsSync(place.stateDir)).toBe(false);
  });

  it('with an authority that is not the pinned one, whoever signed the certificate', async () => {
    const place = await site();
    const prepared = await prepare(place, place.line);
    const stranger = await createTestAuthority();
    const certificate = await stranger.certify(prepared.state.key.csr, nodeUri('fed', 'H4'));
    expect(() =>
      finishJoin(
        prepared,
        { certificate, ca: stranger.ca, address: FEDERATION.address },
        auditOf(place),
      ),
    ).toThrow(expect.objectContaining({ code: 'ERR_CA_PIN' }) as Error);
    expect(existsSync(prepared.config.federation.tls.cert)).toBe(false);
  });
});

describe('joining without a connection', () => {
  it('writes a request that carries consent, and takes the answer with the same checks', async () => {
    const place = await site();
    const prepared = await prepare(place, place.line);
    const out = join(place.stateDir, 'request.json');
    writeRequestFile(out, prepared);
    const request = JSON.parse(readFileSync(out, 'utf8')) as Record<string, string>;
    expect(request).toMatchObject({
      kind: 'bhs-enrolment-request',
      version: 1,
      nodeId: 'H4',
      mspId: 'H4MSP',
    });
    const csr = Uint8Array.from(Buffer.from(request['csr']!, 'base64'));
    const response = join(place.stateDir, 'response.json');
    const answer = {
      kind: 'bhs-enrolment-response',
      version: 1,
      federationId: 'fed',
      nodeId: 'H4',
      state: 'approved',
      reason: '',
      certificate: await place.authority.certify(csr, nodeUri('fed', 'H4')),
      ca: place.authority.ca,
      federationDocument: '',
      address: FEDERATION.address,
    };
    writeFileSync(response, JSON.stringify(answer));
    finishJoin(prepared, readResponseFile(response, prepared), auditOf(place));
    expect(loadConfig(place.configFile, {}).federation.address).toBe(FEDERATION.address);

    for (const [change, property] of [
      [{ nodeId: 'H5' }, 'nodeId'],
      [{ federationId: 'other' }, 'federationId'],
      [{ version: 2 }, 'version'],
      [{ certificate: 7 }, 'certificate'],
    ] as const) {
      writeFileSync(response, JSON.stringify({ ...answer, ...change }));
      expect(() => readResponseFile(response, prepared)).toThrow(
        expect.objectContaining({
          code: 'ERR_RESPONSE_FILE',
          facts: expect.objectContaining({ property }) as object,
        }) as Error,
      );
    }
    writeFileSync(response, JSON.stringify({ ...answer, state: 'refused', reason: 'no' }));
    expect(() => readResponseFile(response, prepared)).toThrow(
      expect.objectContaining({ code: 'ERR_JOIN_REFUSED' }) as Error,
    );
  });
});

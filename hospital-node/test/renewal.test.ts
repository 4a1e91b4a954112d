/** A certificate is renewed without anybody asking, and a failure of it stops nothing. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createEnrolmentKey,
  FederationError,
  nodeUri,
  type FederationClient,
} from '@bhschain/orchestrator/protocol';
import { describe, expect, it, vi } from 'vitest';
import { openAuditLog, readAuditLog } from '../src/audit/audit-log.js';
import type { NodeConfig } from '../src/config.js';
import { installIdentity, readIdentityFiles } from '../src/enrolment/node-identity.js';
import { renewIdentity } from '../src/enrolment/renewal.js';
import { openFederation } from '../src/parts/federation-connection.js';
import { createTestAuthority } from './federation-authority.js';
import { roundBench } from './round-bench.js';
import { temporaryFolder } from './temporary-folder.js';

const never = new AbortController().signal;
const ID = { federationId: 'fed', nodeId: 'H1' };

async function joinedNode(): Promise<{
  config: NodeConfig;
  authority: Awaited<ReturnType<typeof createTestAuthority>>;
}> {
  const folder = temporaryFolder();
  const authority = await createTestAuthority();
  const at = (name: string): string => join(folder, 'tls', name);
  const tls = { ca: at('ca.pem'), cert: at('cert.pem'), key: at('key.pem') };
  const { privateKey, csr } = await createEnrolmentKey(ID);
  const certificate = await authority.certify(csr, nodeUri('fed', 'H1'));
  installIdentity(tls, { ca: authority.ca, certificate, privateKey });
  const signerCa = join(folder, 'ops.pem');
  writeFileSync(signerCa, authority.ca);
  const config = {
    nodeId: 'H1',
    stateDir: folder,
    federation: { id: 'fed', address: '127.0.0.1:9', tls, signerCa },
  } as unknown as NodeConfig;
  return { config, authority };
}

describe('renewal', () => {
  it('puts a new key and certificate in place, and on record', async () => {
    const { config, authority } = await joinedNode();
    const before = readIdentityFiles(config.federation.tls);
    const renewal = await renewIdentity(config, {
      client: {
        renewCertificate: async ({ csr }) => ({
          certificate: await authority.certify(csr, nodeUri('fed', 'H1')),
          ca: authority.ca,
        }),
      },
      audit: openAuditLog({ stateDir: config.stateDir, now: () => 0 }),
      by: 'node',
    });
    const after = readIdentityFiles(config.federation.tls);
    expect(after.privateKey).not.toBe(before.privateKey);
    expect(after.certificate).not.toBe(before.certificate);
    expect(readAuditLog(config.stateDir).records).toMatchObject([
      { kind: 'certificate-renewed', by: 'node', body: { serial: renewal.serial } },
    ]);
  });

  it.each([
    ['is refused', () => Promise.reject(new FederationError('ERR_BUSY', 'later'))],
    ['brings somebody else’s certificate', undefined],
  ] as const)('keeps the old pair when it %s', async (_, answer) => {
    const { config } = await joinedNode();
    const before = readIdentityFiles(config.federation.tls);
    const stranger = await createTestAuthority();
    const renewCertificate =
      answer ??
      (async ({ csr }: { csr: Uint8Array }) => ({
        certificate: await stranger.certify(csr, nodeUri('fed', 'H2')),
        ca: stranger.ca,
      }));
    const audit = openAuditLog({ stateDir: config.stateDir, now: () => 0 });
    await expect(
      renewIdentity(config, { client: { renewCertificate }, audit, by: 'node' }),
    ).rejects.toThrow();
    expect(readIdentityFiles(config.federation.tls)).toEqual(before);
    expect(readAuditLog(config.stateDir).records).toEqual([]);
  });

  it('is noticed by a connection that is open, once', async () => {
    const { config, authority } = await joinedNode();
    const dialled: string[] = [];
    const closed: string[] = [];
    const client = openFederation({ config, nowMs: () => 0 }, ({ certificate }) => {
      dialled.push(certificate);
      return {
        declineRound: () => Promise.resolve(),
        close: () => void closed.push(certificate),
      } as unknown as FederationClient;
    });
    const round = { federationId: 'fed', slotIndex: 1, attempt: 1 };
    await client.declineRound(round, 'paused');
    const { privateKey, csr } = await createEnrolmentKey(ID);
    const certificate = await authority.certify(csr, nodeUri('fed', 'H1'));
    installIdentity(config.federation.tls, { ca: authority.ca, certificate, privateKey });
    await client.declineRound(round, 'paused');
    await client.declineRound(round, 'paused');
    expect(dialled).toHaveLength(2);
    expect(dialled[1]).toBe(certificate);
    expect(closed, 'what is under way ends on the old one').toEqual([]);
    client.close();
    expect(closed).toEqual(dialled);
  });

  it('is asked for by the agent when the orchestrator says so, and its failure is told, not thrown', async () => {
    const renew = vi
      .fn<() => Promise<void>>()
      .mockRejectedValueOnce(new FederationError('ERR_BUSY', 'later'))
      .mockResolvedValue();
    const document = { federationId: 'fed', policy: { slotLengthMs: 1_000 }, replay: null };
    const client = {
      hello: () =>
        Promise.resolve({
          level: 1,
          clockOffsetMs: 0,
          clockErrorMs: 0,
          federationDocument: Buffer.from(JSON.stringify(document)),
          revocationEpoch: 0,
          highestLedgerHead: null,
        }),
      getWork: () => Promise.resolve({ kind: 'renew', expiresAtMs: 0, pollAfterInMs: 7 } as const),
    } as unknown as FederationClient;
    const agent = await roundBench(temporaryFolder(), { client, agent: { renew } });
    expect(await agent.agent.poll(never)).toBe(7);
    expect(agent.agent.status()).toMatchObject({ phase: 'idle', code: 'ERR_BUSY' });
    await agent.agent.poll(never);
    expect(agent.agent.status()).toMatchObject({
      code: null,
      sentence: 'The node certificate was renewed.',
    });
    expect(renew).toHaveBeenCalledTimes(2);
    await agent.close();
  });
});

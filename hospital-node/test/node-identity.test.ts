/** Certificate and key change together, whatever interrupts the change. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createEnrolmentKey, nodeUri } from '@bhschain/orchestrator/protocol';
import { describe, expect, it } from 'vitest';
import {
  assertOurs,
  installIdentity,
  readIdentityFiles,
  settleIdentity,
  type IdentityFiles,
  type NodeIdentity,
} from '../src/enrolment/node-identity.js';
import { createTestAuthority } from './federation-authority.js';
import { temporaryFolder } from './temporary-folder.js';

const ID = { federationId: 'fed', nodeId: 'H4' };

function filesIn(folder: string): IdentityFiles {
  return {
    ca: join(folder, 'tls', 'ca.pem'),
    cert: join(folder, 'tls', 'cert.pem'),
    key: join(folder, 'tls', 'key.pem'),
  };
}
const identity = (name: string): NodeIdentity => ({
  ca: `ca ${name}`,
  certificate: `certificate ${name}`,
  privateKey: `key ${name}`,
});

describe('the identity files', () => {
  it('are written whole, the key for its owner only, and replaced together', () => {
    const files = filesIn(temporaryFolder());
    installIdentity(files, identity('1'));
    expect(readIdentityFiles(files)).toEqual(identity('1'));
    installIdentity(files, identity('2'));
    expect(readIdentityFiles(files)).toEqual(identity('2'));
    expect(statSync(files.key).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(files.cert, '..')).sort()).toEqual(['ca.pem', 'cert.pem', 'key.pem']);
  });

  it('stay the old ones if the new ones were not finished', () => {
    const files = filesIn(temporaryFolder());
    installIdentity(files, identity('1'));
    const unfinished = join(files.cert, '..', '.identity-unfinished');
    mkdirSync(unfinished);
    writeFileSync(join(unfinished, 'key'), 'half a k');
    expect(readIdentityFiles(files)).toEqual(identity('1'));
    installIdentity(files, identity('2'));
    expect(readIdentityFiles(files)).toEqual(identity('2'));
    expect(existsSync(unfinished)).toBe(false);
  });

  it.each([[[]], [['ca']], [['ca', 'cert']], [['ca', 'cert', 'key']]])(
    'are the new ones once that was decided, however many were moved (%j)',
    (moved) => {
      const files = filesIn(temporaryFolder());
      installIdentity(files, identity('1'));
      const decided = join(files.cert, '..', '.identity-decided');
      mkdirSync(decided);
      const texts = { ca: 'ca 2', cert: 'certificate 2', key: 'key 2' };
      for (const part of ['ca', 'cert', 'key'] as const) {
        writeFileSync(moved.includes(part) ? files[part] : join(decided, part), texts[part]);
      }
      settleIdentity(files);
      expect(readFileSync(files.key, 'utf8')).toBe('key 2');
      expect(readIdentityFiles(files)).toEqual(identity('2'));
      expect(existsSync(decided)).toBe(false);
    },
  );

  it('must stand in one folder', () => {
    const folder = temporaryFolder();
    const files = { ...filesIn(folder), ca: join(folder, 'elsewhere', 'ca.pem') };
    expect(() => installIdentity(files, identity('1'))).toThrow(
      expect.objectContaining({ code: 'ERR_IDENTITY_FILES' }) as Error,
    );
  });
});

describe('a certificate that came', () => {
  it('is taken if it is for our key, names us and is of its authority', async () => {
    const authority = await createTestAuthority();
    const { privateKey, csr } = await createEnrolmentKey(ID);
    const certificate = await authority.certify(csr, nodeUri('fed', 'H4'));
    expect(assertOurs({ ca: authority.ca, certificate, privateKey }, ID).subject).toBe('CN=node');
  });

  it.each(['key', 'name', 'authority'] as const)('is refused with another %s', async (other) => {
    const authority = await createTestAuthority();
    const { privateKey, csr } = await createEnrolmentKey(ID);
    const uri = nodeUri('fed', other === 'name' ? 'H5' : 'H4');
    const certificate = await authority.certify(csr, uri);
    const ca = other === 'authority' ? (await createTestAuthority()).ca : authority.ca;
    const key = other === 'key' ? (await createEnrolmentKey(ID)).privateKey : privateKey;
    expect(() => assertOurs({ ca, certificate, privateKey: key }, ID)).toThrow(
      expect.objectContaining({ code: 'ERR_CERTIFICATE_FOREIGN' }) as Error,
    );
  });
});

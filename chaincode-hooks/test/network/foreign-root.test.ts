/** Roots that another tool made (cryptogen, a hospital's own PKI) name their keys by rules of their own. */
import 'reflect-metadata';
import { X509Certificate, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { beforeAll, describe, expect, it } from 'vitest';
import { issueIdentity, openAuthority } from '../../src/embedded-peer/certificate-authority.js';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

describe('a root of another tool', () => {
  let root: { certificatePem: string; privateKeyPem: string };

  beforeAll(async () => {
    x509.cryptoProvider.set(webcrypto);
    const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: 'O=h1.test, CN=ca.h1.test',
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + 86_400_000),
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.SubjectKeyIdentifierExtension('00112233445566778899aabbccddeeff'),
      ],
    });
    const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
    root = {
      certificatePem: certificate.toString('pem'),
      privateKeyPem: ['BEGIN', der.toString('base64'), 'END']
        .map((part) => (part.length < 6 ? `-----${part} PRIVATE KEY-----` : part))
        .join('\n'),
    };
  });

  it('signs identities that name its key as it does itself, so that a chain is found', () => {
    const authority = openAuthority('H1MSP', root);
    const { certificatePem } = issueIdentity({ authority, commonName: 'clerk-1' });
    const identity = new X509Certificate(certificatePem);
    const issuer = new X509Certificate(root.certificatePem);
    expect(identity.checkIssued(issuer)).toBe(true);
    expect(identity.verify(issuer.publicKey)).toBe(true);
  });
});

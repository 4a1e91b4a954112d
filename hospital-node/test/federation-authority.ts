/** A federation's authority for tests: signs certificate requests as the orchestrator does. */
import 'reflect-metadata';
import { createHash, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto);
const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;

export interface TestAuthority {
  readonly ca: string;
  readonly spkiSha256: string;
  certify(csr: Uint8Array, uri: string, lifeMs?: number): Promise<string>;
}

export async function createTestAuthority(): Promise<TestAuthority> {
  const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=test authority',
    serialNumber: '01',
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + 365 * DAY_MS),
    signingAlgorithm: P256,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  });
  let serial = 1;
  return {
    ca: `${root.toString('pem')}\n`,
    spkiSha256: createHash('sha256').update(new Uint8Array(root.publicKey.rawData)).digest('hex'),
    certify: async (csr, uri, lifeMs = 30 * DAY_MS) => {
      const request = new x509.Pkcs10CertificateRequest(new Uint8Array(csr));
      serial += 1;
      const certificate = await x509.X509CertificateGenerator.create({
        subject: 'CN=node',
        issuer: root.subject,
        serialNumber: serial.toString(16).padStart(2, '0'),
        notBefore: new Date(Date.now() - DAY_MS),
        notAfter: new Date(Date.now() + lifeMs),
        signingAlgorithm: P256,
        publicKey: (await request.publicKey.export()) as webcrypto.CryptoKey,
        signingKey: keys.privateKey,
        extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'url', value: uri }])],
      });
      return `${certificate.toString('pem')}\n`;
    },
  };
}

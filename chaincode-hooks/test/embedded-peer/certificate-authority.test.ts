import 'reflect-metadata'; // before x509, or it throws
import { createPrivateKey, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createAuthority,
  issueIdentity,
  issueServerCertificate,
  openAuthority,
} from '../../src/embedded-peer/certificate-authority.js';
import * as der from '../../src/embedded-peer/der.js';
import { CertificateError } from '../../src/embedded-peer/errors.js';

const nowMs = Date.UTC(2026, 10, 22, 12);
const authority = createAuthority({ mspId: 'H1MSP', nowMs });
const root = new X509Certificate(authority.certificatePem);

describe('certificates', () => {
  it('of the root are those of an authority, valid for ten years', () => {
    expect(root.ca).toBe(true);
    expect(root.verify(root.publicKey)).toBe(true);
    expect(Date.parse(root.validFrom)).toBe(nowMs - 5 * 60_000);
    expect(new Date(root.validTo).getUTCFullYear()).toBe(2036);
  });

  it('of members are signed by the root and begin with it, as a real MSP demands', () => {
    const { certificatePem, privateKeyPem } = issueIdentity({ authority, commonName: 'alice' });
    const certificate = new X509Certificate(certificatePem);
    expect(certificate.checkIssued(root) && certificate.verify(root.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(privateKeyPem))).toBe(true);
    expect(certificate.validFrom).toBe(root.validFrom);
    expect(certificate.subject).toBe('OU=client\nCN=alice');
    expect(certificate.ca).toBe(false);
  });

  it('read the same in another library: names, usages, key ids, attributes', async () => {
    const attributes = { role: 'nurse', ward: 'icu', class: 'Ärztin' };
    const { certificatePem } = issueIdentity({ authority, commonName: 'bob', attributes });
    const certificate = new x509.X509Certificate(certificatePem);
    const issuer = new x509.X509Certificate(authority.certificatePem);
    expect(await certificate.verify({ publicKey: issuer.publicKey, signatureOnly: true })).toBe(
      true,
    );
    expect(certificate.issuer).toBe(issuer.subject);
    const usages = certificate.getExtension(x509.KeyUsagesExtension);
    expect(usages?.usages).toBe(x509.KeyUsageFlags.digitalSignature);
    const issuerUsages = issuer.getExtension(x509.KeyUsagesExtension);
    expect(issuerUsages?.usages).toBe(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign);
    expect(certificate.getExtension(x509.BasicConstraintsExtension)?.ca).toBe(false);
    expect(issuer.getExtension(x509.BasicConstraintsExtension)?.ca).toBe(true);
    const keyId = certificate.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId;
    expect(keyId).toBe(issuer.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId);
    const extension = certificate.getExtension('1.2.3.4.5.6.7.8.1');
    expect(JSON.parse(Buffer.from(extension!.value).toString('utf8'))).toEqual({
      attrs: attributes,
    });
  });

  it('of servers name the hosts', () => {
    const hosts = ['127.0.0.1', 'localhost'];
    const { certificatePem } = issueServerCertificate(authority, { commonName: 'ledger', hosts });
    const certificate = new X509Certificate(certificatePem);
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(certificate.checkHost('localhost')).toBe('localhost');
    expect(certificate.checkIP('127.0.0.2')).toBeUndefined();
  });

  it('have different serial numbers', () => {
    const serials = Array.from({ length: 50 }, () => {
      const { certificatePem } = issueIdentity({ authority, commonName: 'same' });
      return new X509Certificate(certificatePem).serialNumber;
    });
    expect(new Set(serials).size).toBe(50);
  });

  it.each(['', 'x'.repeat(65)])('refuse the common name %j', (commonName) => {
    expect(() => issueIdentity({ authority, commonName })).toThrow(CertificateError);
  });

  it('carry any name and attribute', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme-ascii' }),
        fc.dictionary(fc.string(), fc.string()),
        (commonName, attributes) => {
          const { certificatePem } = issueIdentity({ authority, commonName, attributes });
          expect(new X509Certificate(certificatePem).verify(root.publicKey)).toBe(true);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('opening an authority', () => {
  it('gives one that signs like the first', () => {
    const opened = openAuthority('H1MSP', authority);
    const { certificatePem } = issueIdentity({ authority: opened, commonName: 'carol' });
    expect(new X509Certificate(certificatePem).checkIssued(root)).toBe(true);
    expect(opened.parsed.keyId).toEqual(authority.parsed.keyId);
  });

  it('refuses a key of another certificate, a certificate that is no root, and rubbish', () => {
    const other = createAuthority({ mspId: 'H2MSP', nowMs });
    const leaf = issueIdentity({ authority, commonName: 'dave' });
    const { certificatePem } = authority;
    const { privateKeyPem } = other;
    expect(() => openAuthority('H1MSP', { certificatePem, privateKeyPem })).toThrow(
      'belong together',
    );
    expect(() => openAuthority('H1MSP', leaf)).toThrow('not the certificate of an authority');
    const rubbish = { certificatePem: 'x', privateKeyPem: 'y' };
    expect(() => openAuthority('H1MSP', rubbish)).toThrow(CertificateError);
  });
});

describe('DER', () => {
  /** Examples of X.690 and RFC 5280, and object identifiers as `openssl asn1parse` shows them. */
  it.each([
    ['0', der.smallInteger(0), '020100'],
    ['127', der.smallInteger(127), '02017f'],
    ['128', der.smallInteger(128), '02020080'],
    ['65536', der.smallInteger(65_536), '0203010000'],
    ['2^53 − 1', der.smallInteger(Number.MAX_SAFE_INTEGER), '02071fffffffffffff'],
    ['id-ecPublicKey', der.objectIdentifier('1.2.840.10045.2.1'), '06072a8648ce3d0201'],
    ['subjectKeyIdentifier', der.objectIdentifier('2.5.29.14'), '0603551d0e'],
    ['UTCTime', der.time(Date.UTC(1996, 3, 15, 20, 30)), '170d3936303431353230333030305a'],
    ['from 2050', der.time(Date.UTC(2050, 0, 1)), '180f32303530303130313030303030305a'],
  ])('writes %s', (_, bytes, hex) => {
    expect(bytes.toString('hex')).toBe(hex);
  });

  it('reads back what it writes, whatever the length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70_000, size: 'max' }), (content) => {
        const bytes = der.octetString(content);
        const read = der.readElement(bytes);
        expect(read?.tag).toBe(0x04);
        expect(read?.bytes.length).toBe(bytes.length);
        expect(Buffer.compare(read!.content, content)).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  it('refuses bytes that are cut short', () => {
    const bytes = der.octetString(Buffer.alloc(300));
    for (let length = 0; length < bytes.length; length++) {
      expect(der.readElement(bytes.subarray(0, length))).toBeNull();
    }
  });
});

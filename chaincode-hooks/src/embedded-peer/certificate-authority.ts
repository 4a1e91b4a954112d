/**
 * A development certificate authority: X.509 v3 over P-256, written as DER directly, because a consortium's worth of
 * people (1,500) must be enrolled within a second or two of a demo's start.
 * Source: RFC 5280; the attribute extension is Fabric CA's (1.2.3.4.5.6.7.8.1, bare JSON, not an ASN.1 string).
 * @module
 */
import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import { CertificateError } from './errors.js';
import * as der from './der.js';
import type { KeyPairPem } from './options.js';
import { signLowS } from './signature.js';

/** Fabric's node OUs: what a certificate may be used as. */
export type OrganisationalUnit = 'client' | 'peer' | 'admin';

export interface IdentityRequest {
  readonly authority: CertificateAuthority;
  readonly commonName: string;
  /** Fabric's role of the holder; `client` when absent. */
  readonly organisationalUnit?: OrganisationalUnit;
  /** Fabric CA attributes (`role`, `ward`, `class`, …), signed into the certificate. */
  readonly attributes?: Readonly<Record<string, string>>;
}

/** An organisation's root, able to sign. Made by `createAuthority` or `openAuthority`. */
export interface CertificateAuthority {
  readonly mspId: string;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  /** @internal parsed once, since a root signs many certificates */
  readonly parsed: ParsedAuthority;
}

interface ParsedAuthority {
  readonly key: KeyObject;
  readonly subject: Buffer;
  readonly validity: Buffer;
  readonly keyId: Buffer;
}

const OID = {
  ecPublicKey: '1.2.840.10045.2.1',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  organisation: '2.5.4.10',
  organisationalUnit: '2.5.4.11',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  fabricAttributes: '1.2.3.4.5.6.7.8.1',
} as const;

/** Key usage bits: digitalSignature; keyCertSign + cRLSign. First bit is the highest (X.690 §11.2.2). */
const USAGE_SIGN = { bits: 0x80, unused: 7 };
const USAGE_CERTIFY = { bits: 0x06, unused: 1 };
const YEAR_MS = 365.25 * 86_400_000;
const CA_LIFETIME_MS = 10 * YEAR_MS;
const COMMON_NAME_CHARS_MAX = 64;

/** A new root for `mspId`, valid from five minutes before `nowMs` (clocks differ) for ten years. */
export function createAuthority(
  options: Readonly<{ mspId: string; commonName?: string; nowMs: number }>,
): CertificateAuthority {
  const { mspId } = options;
  const pair = newKeyPair();
  const subject = distinguishedName([
    [OID.organisation, mspId],
    [OID.commonName, options.commonName ?? `ca.${mspId}`],
  ]);
  const notBeforeMs = options.nowMs - 5 * 60_000;
  const validity = der.sequence(der.time(notBeforeMs), der.time(notBeforeMs + CA_LIFETIME_MS));
  const keyId = keyIdOf(pair.spki);
  const certificate = certify({
    subject,
    issuer: subject,
    validity,
    spki: pair.spki,
    signingKey: pair.privateKey,
    extensions: [
      extension(OID.keyUsage, true, keyUsage(USAGE_CERTIFY)),
      extension(OID.basicConstraints, true, der.sequence(der.boolean(true))),
      extension(OID.subjectKeyId, false, der.octetString(keyId)),
    ],
  });
  return {
    mspId,
    certificatePem: certificate,
    privateKeyPem: pair.privateKeyPem,
    parsed: { key: pair.privateKey, subject, validity, keyId },
  };
}

/**
 * A root that was written to disk.
 * @throws {CertificateError} `ERR_CERTIFICATE` if the two do not parse or do not belong together
 */
export function openAuthority(mspId: string, root: KeyPairPem): CertificateAuthority {
  const what = `root of ${mspId}`;
  let key: KeyObject;
  let certificate: X509Certificate;
  try {
    key = createPrivateKey(root.privateKeyPem);
    certificate = new X509Certificate(root.certificatePem);
  } catch (cause) {
    throw new CertificateError({ what, reason: 'not a PEM certificate with its key', cause });
  }
  if (!certificate.checkPrivateKey(key)) {
    throw new CertificateError({ what, reason: 'certificate and key do not belong together' });
  }
  const fields = certificateFields(certificate.raw);
  if (fields === null || !certificate.ca) {
    throw new CertificateError({ what, reason: 'not the certificate of an authority' });
  }
  return {
    mspId,
    certificatePem: root.certificatePem,
    privateKeyPem: root.privateKeyPem,
    parsed: {
      key,
      subject: fields.subject,
      validity: fields.validity,
      // Another tool's root may name its key by another rule; what it signs must say the same name.
      keyId:
        fields.subjectKeyId ??
        keyIdOf(certificate.publicKey.export({ type: 'spki', format: 'der' })),
    },
  };
}

/**
 * A member's identity: a new key, and a certificate that names the role (OU) and carries the attributes.
 *
 * Its validity is the root's own: a certificate that begins before its root is refused by a real MSP for ever.
 *
 * @throws {CertificateError} `ERR_CERTIFICATE` if the common name is empty or longer than 64 characters
 */
export function issueIdentity(request: IdentityRequest): KeyPairPem {
  const { authority, commonName, attributes } = request;
  if (commonName.length === 0 || commonName.length > COMMON_NAME_CHARS_MAX) {
    throw new CertificateError({
      what: `identity of ${authority.mspId}`,
      reason: `commonName: expected 1 to ${COMMON_NAME_CHARS_MAX} characters, got ${commonName.length}`,
    });
  }
  const extensions = [];
  if (attributes !== undefined) {
    const json = Buffer.from(JSON.stringify({ attrs: attributes }), 'utf8');
    extensions.push(extension(OID.fabricAttributes, false, json));
  }
  return issueLeaf(authority, {
    subject: distinguishedName([
      [OID.organisationalUnit, request.organisationalUnit ?? 'client'],
      [OID.commonName, commonName],
    ]),
    extensions,
  });
}

/** A TLS server certificate for the given DNS names and IPv4 addresses. */
export function issueServerCertificate(
  authority: CertificateAuthority,
  options: Readonly<{ commonName: string; hosts: readonly string[] }>,
): KeyPairPem {
  const names = options.hosts.map((host) =>
    /^\d+(\.\d+){3}$/.test(host)
      ? der.implicit(7, Buffer.from(host.split('.').map(Number)))
      : der.implicit(2, Buffer.from(host, 'latin1')),
  );
  const purposes = der.sequence(
    der.objectIdentifier(OID.serverAuth),
    der.objectIdentifier(OID.clientAuth),
  );
  return issueLeaf(authority, {
    subject: distinguishedName([[OID.commonName, options.commonName]]),
    extensions: [
      extension(OID.extendedKeyUsage, false, purposes),
      extension(OID.subjectAltName, false, der.sequence(...names)),
    ],
  });
}

function issueLeaf(
  authority: CertificateAuthority,
  options: Readonly<{ subject: Buffer; extensions: readonly Buffer[] }>,
): KeyPairPem {
  const pair = newKeyPair();
  const { key, subject, validity, keyId } = authority.parsed;
  const certificatePem = certify({
    subject: options.subject,
    issuer: subject,
    validity,
    spki: pair.spki,
    signingKey: key,
    extensions: [
      extension(OID.keyUsage, true, keyUsage(USAGE_SIGN)),
      extension(OID.basicConstraints, true, der.sequence()),
      extension(OID.authorityKeyId, false, der.sequence(der.implicit(0, keyId))),
      ...options.extensions,
    ],
  });
  return { certificatePem, privateKeyPem: pair.privateKeyPem };
}

interface Certificate {
  readonly subject: Buffer;
  readonly issuer: Buffer;
  readonly validity: Buffer;
  readonly spki: Buffer;
  readonly signingKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

/** The serial number is derived from the new key: unique without a counter or a random source of our own. */
function certify(certificate: Certificate): string {
  const algorithm = der.sequence(der.objectIdentifier(OID.ecdsaWithSha256));
  const serial = createHash('sha256').update(certificate.spki).digest().subarray(0, 16);
  const toBeSigned = der.sequence(
    der.explicit(0, der.smallInteger(2)),
    der.unsignedInteger(serial),
    algorithm,
    certificate.issuer,
    certificate.validity,
    certificate.subject,
    certificate.spki,
    der.explicit(3, der.sequence(...certificate.extensions)),
  );
  const signature = signLowS(toBeSigned, certificate.signingKey);
  return pemOf('CERTIFICATE', der.sequence(toBeSigned, algorithm, der.bitString(signature)));
}

interface NewKeyPair {
  readonly privateKey: KeyObject;
  readonly privateKeyPem: string;
  readonly spki: Buffer;
}

function newKeyPair(): NewKeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    privateKey,
    privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    spki: publicKey.export({ type: 'spki', format: 'der' }),
  };
}

/** RFC 5280 §4.2.1.2, method 1 uses the key bits; hashing the whole SPKI is as good, the value is opaque. */
function keyIdOf(spki: Uint8Array): Buffer {
  return createHash('sha256').update(spki).digest().subarray(0, 20);
}

function distinguishedName(parts: readonly (readonly [oid: string, value: string])[]): Buffer {
  return der.sequence(
    ...parts.map(([oid, value]) =>
      der.set(der.sequence(der.objectIdentifier(oid), der.utf8String(value))),
    ),
  );
}

function extension(oid: string, critical: boolean, value: Uint8Array): Buffer {
  const flag = critical ? [der.boolean(true)] : [];
  return der.sequence(der.objectIdentifier(oid), ...flag, der.octetString(value));
}

function keyUsage(usage: Readonly<{ bits: number; unused: number }>): Buffer {
  return der.bitString(Buffer.of(usage.bits), usage.unused);
}

function pemOf(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** What a signer needs of its own certificate, as the DER that it is (RFC 5280 §4.1.2). */
function certificateFields(
  raw: Uint8Array,
): { subject: Buffer; validity: Buffer; subjectKeyId: Buffer | null } | null {
  const outer = der.readElement(raw);
  const toBeSigned = outer === null ? null : der.readElement(outer.content);
  const fields = toBeSigned === null ? null : der.readElements(toBeSigned.content);
  const validity = fields?.[4]?.bytes;
  const subject = fields?.[5]?.bytes;
  if (fields === null || validity === undefined || subject === undefined) return null;
  const list = fields.find(({ tag }) => tag === 0xa3); // [3] Extensions
  const extensions = list === undefined ? null : der.readElement(list.content);
  const name = der.objectIdentifier(OID.subjectKeyId);
  for (const each of der.readElements(extensions?.content ?? Buffer.alloc(0)) ?? []) {
    const parts = der.readElements(each.content);
    if (parts?.[0]?.bytes.equals(name) !== true) continue;
    // The value is an octet string that holds an octet string.
    const keyId = der.readElement(parts.at(-1)!.content);
    return { subject, validity, subjectKeyId: keyId === null ? null : Buffer.from(keyId.content) };
  }
  return { subject, validity, subjectKeyId: null };
}

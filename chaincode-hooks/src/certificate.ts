/**
 * What the ledger side needs from an X.509 certificate: the DER bytes of issuer and subject, and Fabric's attributes.
 *
 * The walk is RFC 5280 §4.1, thirty lines of DER instead of a parser: the chaincode runs it once per certificate, and
 * `node:crypto` prints names as text but does not give their bytes.
 * @module
 */
import { createHash } from 'node:crypto';

import { contentCache } from './content-cache.js';
import { ChaincodeError } from './errors.js';

export interface CertificateFacts {
  /** DER of the subject's and the issuer's Name, tag and length included. */
  readonly subject: Uint8Array;
  readonly issuer: Uint8Array;
  /** Fabric's extension 1.2.3.4.5.6.7.8.1: `{"attrs": {…}}`; no extension, no attributes. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** OID 1.2.3.4.5.6.7.8.1 with tag and length. */
const ATTRIBUTES_OID = Uint8Array.of(0x06, 0x08, 0x2a, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x01);
const SEQUENCE = 0x30;
const OCTET_STRING = 0x04;
const VERSION_TAG = 0xa0;
const EXTENSIONS_TAG = 0xa3;
const UNIT_SEPARATOR = Uint8Array.of(0x1f);

/**
 * The ledger's name of an actor: the first 32 hex digits of
 * SHA-256(MSP id ‖ 0x1F ‖ DER(subject) ‖ 0x1F ‖ DER(issuer)).
 *
 * It names the person and not the key, so a re-enrolled person stays the same actor.
 *
 * @throws {ChaincodeError} `ERR_CERTIFICATE` if the text is not a PEM certificate
 */
export function actorOf(mspId: string, certificatePem: string): string {
  const { subject, issuer } = certificateFacts(certificatePem);
  return createHash('sha256')
    .update(mspId)
    .update(UNIT_SEPARATOR)
    .update(subject)
    .update(UNIT_SEPARATOR)
    .update(issuer)
    .digest('hex')
    .slice(0, 32);
}

const cache = contentCache<CertificateFacts>(4096);

/** Decodes a PEM certificate; remembered by its text, which binds everything in it. */
export function certificateFacts(certificatePem: string): CertificateFacts {
  return cache(certificatePem, () => decodeCertificate(certificatePem));
}

interface Element {
  readonly tag: number;
  /** Offsets in the certificate: the element with its header, and its content. */
  readonly start: number;
  readonly content: number;
  readonly end: number;
}

function decodeCertificate(pem: string): CertificateFacts {
  const der = derOf(pem);
  const certificate = elementAt(der, 0);
  const toBeSigned = elementAt(der, certificate.content);
  const fields = childrenOf(der, toBeSigned);
  const first = fields[0]?.tag === VERSION_TAG ? 1 : 0;
  // version?, serialNumber, signature, issuer, validity, subject, …
  const issuer = fields[first + 2];
  const subject = fields[first + 4];
  if (issuer?.tag !== SEQUENCE || subject?.tag !== SEQUENCE)
    throw malformed('no issuer or subject');
  return {
    issuer: der.slice(issuer.start, issuer.end),
    subject: der.slice(subject.start, subject.end),
    attributes: attributesOf(
      der,
      fields.find((field) => field.tag === EXTENSIONS_TAG),
    ),
  };
}

function attributesOf(
  der: Uint8Array,
  extensions: Element | undefined,
): Readonly<Record<string, string>> {
  if (extensions === undefined) return {};
  for (const extension of childrenOf(der, elementAt(der, extensions.content))) {
    const parts = childrenOf(der, extension);
    const oid = parts[0];
    const value = parts.at(-1);
    if (oid === undefined || value?.tag !== OCTET_STRING) continue;
    if (Buffer.compare(der.subarray(oid.start, oid.end), ATTRIBUTES_OID) !== 0) continue;
    return readAttributes(Buffer.from(der.subarray(value.content, value.end)).toString('utf8'));
  }
  return {};
}

function readAttributes(text: string): Readonly<Record<string, string>> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new ChaincodeError('ERR_CERTIFICATE', 'attributes are not JSON', {}, { cause });
  }
  const attributes = (parsed as { attrs?: unknown } | null)?.attrs;
  if (typeof attributes !== 'object' || attributes === null) return {};
  return Object.fromEntries(
    Object.entries(attributes).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
}

function derOf(pem: string): Uint8Array {
  const begin = '-----BEGIN CERTIFICATE-----';
  const from = pem.indexOf(begin);
  const to = pem.indexOf('-----END CERTIFICATE-----');
  if (from < 0 || to < from) throw malformed('no PEM frame');
  return Buffer.from(pem.slice(from + begin.length, to), 'base64');
}

function elementAt(der: Uint8Array, start: number): Element {
  const tag = der[start];
  const short = der[start + 1];
  if (tag === undefined || short === undefined) throw malformed('cut short');
  let content = start + 2;
  let length = short;
  if (short >= 0x80) {
    const lengthBytes = short - 0x80;
    if (lengthBytes === 0 || lengthBytes > 3) throw malformed('length');
    length = 0;
    for (let i = 0; i < lengthBytes; i++) length = length * 256 + (der[content + i] ?? 0);
    content += lengthBytes;
  }
  if (content + length > der.length) throw malformed('cut short');
  return { tag, start, content, end: content + length };
}

function childrenOf(der: Uint8Array, parent: Element): readonly Element[] {
  const children: Element[] = [];
  for (let at = parent.content; at < parent.end;) {
    const child = elementAt(der, at);
    children.push(child);
    at = child.end;
  }
  return children;
}

function malformed(why: string): ChaincodeError {
  return new ChaincodeError('ERR_CERTIFICATE', `expected a PEM certificate, got ${why}`);
}

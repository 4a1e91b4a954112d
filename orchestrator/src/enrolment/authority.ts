/**
 * The federation's certificate authority. It names nodes and the orchestrator's own server by URI, and nothing else;
 * it is apart from the Fabric authorities of the hospitals. Made at first start, kept in its folder, mode 0600.
 * @module
 */
// @peculiar/x509 does not load without it, and it must come first.
import 'reflect-metadata';
import { createHash, createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { OrchestratorError } from '../errors.js';
import { isName, nodeUri, orchestratorUri, SERVER_NAME } from '../protocol/identifiers.js';

x509.cryptoProvider.set(webcrypto);

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
const CA_LIFE_MS = 10 * 365 * DAY_MS;
/** Renewed at two thirds. */
export const NODE_LIFE_MS: number = 30 * DAY_MS;
const SERVER_LIFE_MS = 90 * DAY_MS;
/** A certificate is valid a little before it is made, so that clocks which differ a little do not refuse it. */
const BACKDATE_MS = 5 * 60_000;

/** PEM texts. */
export interface IssuedIdentity {
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
}

export interface Authority {
  readonly certificatePem: string;
  /** SHA-256 of the authority's public key (SPKI DER), lower-case hex: the pin of an invitation. */
  readonly spkiSha256: string;
  /** A new key and a certificate for a node of the federation. */
  issueNode(nodeId: string, nowMs: number): Promise<IssuedIdentity>;
  /**
   * A certificate for the key of a PKCS#10 request (DER). Whatever names the request asks for, only the node's own
   * URI is certified.
   * @throws {OrchestratorError} `ERR_CSR` for a malformed request, a wrong signature or a key that is not P-256
   */
  signRequest(csr: Uint8Array, nodeId: string, nowMs: number): Promise<string>;
  /** The orchestrator's own server certificate for these host names and addresses. */
  issueServer(hosts: readonly string[], nowMs: number): Promise<IssuedIdentity>;
}

/**
 * Opens the authority in `folder`, or makes it.
 * @throws {OrchestratorError} `ERR_CA` if certificate and key do not belong together
 */
export async function openAuthority(
  o: Readonly<{ folder: string; federationId: string; nowMs: number }>,
): Promise<Authority> {
  const certificateFile = join(o.folder, 'ca.pem');
  const keyFile = join(o.folder, 'ca-key.pem');
  if (!existsSync(certificateFile)) await makeAuthority(o, certificateFile, keyFile);
  const certificatePem = readFileSync(certificateFile, 'utf8');
  const privateKeyPem = readFileSync(keyFile, 'utf8');
  const certificate = new x509.X509Certificate(certificatePem);
  const key = await importPrivateKey(privateKeyPem);
  if (!new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(privateKeyPem))) {
    throw new OrchestratorError('ERR_CA', `authority in ${o.folder}: the key is of another one`);
  }
  return new FileAuthority(o.folder, o.federationId, certificate, certificatePem, key);
}

async function makeAuthority(
  o: Readonly<{ folder: string; federationId: string; nowMs: number }>,
  certificateFile: string,
  keyFile: string,
): Promise<void> {
  const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${o.federationId} federation authority`,
    notBefore: new Date(o.nowMs - BACKDATE_MS),
    notAfter: new Date(o.nowMs + CA_LIFE_MS),
    serialNumber: newSerial(),
    signingAlgorithm: P256,
    keys: keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  mkdirSync(join(o.folder, 'issued'), { recursive: true, mode: 0o700 });
  // The key first: a certificate on disk means that its key is there too.
  writeSecret(keyFile, await exportPrivateKey(keys.privateKey));
  writeFileSync(`${certificateFile}.tmp`, pem(certificate));
  renameSync(`${certificateFile}.tmp`, certificateFile);
}

class FileAuthority implements Authority {
  readonly certificatePem: string;
  readonly spkiSha256: string;
  readonly #folder: string;
  readonly #federationId: string;
  readonly #certificate: x509.X509Certificate;
  readonly #key: webcrypto.CryptoKey;

  constructor(
    folder: string,
    federationId: string,
    certificate: x509.X509Certificate,
    certificatePem: string,
    key: webcrypto.CryptoKey,
  ) {
    this.#folder = folder;
    this.#federationId = federationId;
    this.#certificate = certificate;
    this.certificatePem = certificatePem;
    this.#key = key;
    this.spkiSha256 = createHash('sha256')
      .update(new Uint8Array(certificate.publicKey.rawData))
      .digest('hex');
  }

  async issueNode(nodeId: string, nowMs: number): Promise<IssuedIdentity> {
    const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
    const certificate = await this.#certifyNode(keys.publicKey, nodeId, nowMs);
    return {
      ca: this.certificatePem,
      certificate,
      privateKey: await exportPrivateKey(keys.privateKey),
    };
  }

  async signRequest(csr: Uint8Array, nodeId: string, nowMs: number): Promise<string> {
    const key = await keyOfRequest(csr);
    return this.#certifyNode(key, nodeId, nowMs);
  }

  async issueServer(hosts: readonly string[], nowMs: number): Promise<IssuedIdentity> {
    const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
    const certificate = await this.#certify({
      publicKey: keys.publicKey,
      commonName: 'orchestrator',
      names: [
        { type: 'url', value: orchestratorUri(this.#federationId) },
        { type: 'dns', value: SERVER_NAME },
        ...hosts.map((host) => ({ type: isIP(host) === 0 ? 'dns' : 'ip', value: host }) as const),
      ],
      usage: x509.ExtendedKeyUsage.serverAuth,
      lifeMs: SERVER_LIFE_MS,
      nowMs,
    });
    return {
      ca: this.certificatePem,
      certificate,
      privateKey: await exportPrivateKey(keys.privateKey),
    };
  }

  #certifyNode(key: webcrypto.CryptoKey, nodeId: string, nowMs: number): Promise<string> {
    if (!isName(nodeId)) {
      throw new OrchestratorError(
        'ERR_NODE_NAME',
        `nodeId: expected 1 to 64 of letters, digits, . _ -, got ${JSON.stringify(nodeId.slice(0, 80))}`,
      );
    }
    return this.#certify({
      publicKey: key,
      commonName: nodeId,
      names: [{ type: 'url', value: nodeUri(this.#federationId, nodeId) }],
      usage: x509.ExtendedKeyUsage.clientAuth,
      lifeMs: NODE_LIFE_MS,
      nowMs,
    });
  }

  async #certify(
    o: Readonly<{
      publicKey: webcrypto.CryptoKey;
      commonName: string;
      names: x509.JsonGeneralNames;
      usage: x509.ExtendedKeyUsage;
      lifeMs: number;
      nowMs: number;
    }>,
  ): Promise<string> {
    const serial = newSerial();
    const certificate = await x509.X509CertificateGenerator.create({
      subject: `CN=${o.commonName},O=${this.#federationId}`,
      issuer: this.#certificate.subject,
      notBefore: new Date(o.nowMs - BACKDATE_MS),
      notAfter: new Date(o.nowMs + o.lifeMs),
      serialNumber: serial,
      signingAlgorithm: P256,
      publicKey: o.publicKey,
      signingKey: this.#key,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([o.usage], true),
        new x509.SubjectAlternativeNameExtension(o.names, false),
        await x509.AuthorityKeyIdentifierExtension.create(this.#certificate),
      ],
    });
    const text = pem(certificate);
    mkdirSync(join(this.#folder, 'issued'), { recursive: true, mode: 0o700 });
    writeFileSync(join(this.#folder, 'issued', `${serial}.pem`), text);
    return text;
  }
}

/**
 * Public key (SPKI DER) of a PKCS#10 request whose signature checks.
 * @throws {OrchestratorError} `ERR_CSR`
 */
export async function spkiOfRequest(csr: Uint8Array): Promise<Uint8Array> {
  const key = await keyOfRequest(csr);
  return new Uint8Array(await webcrypto.subtle.exportKey('spki', key));
}

async function keyOfRequest(csr: Uint8Array): Promise<webcrypto.CryptoKey> {
  const refuse = (what: string, cause?: unknown): OrchestratorError =>
    new OrchestratorError('ERR_CSR', `certificate request: ${what}`, {}, cause);
  let request: x509.Pkcs10CertificateRequest;
  try {
    request = new x509.Pkcs10CertificateRequest(new Uint8Array(csr));
    if (!(await request.verify())) throw refuse('its signature does not check');
    const algorithm = request.publicKey.algorithm as webcrypto.EcKeyAlgorithm;
    if (algorithm.name !== 'ECDSA' || algorithm.namedCurve !== 'P-256') {
      throw refuse(`expected a P-256 key, got ${algorithm.name}`);
    }
    return (await request.publicKey.export()) as webcrypto.CryptoKey;
  } catch (cause) {
    if (cause instanceof OrchestratorError) throw cause;
    throw refuse('expected PKCS#10 in DER', cause);
  }
}

/** 127 random bits, so that DER never shows it as negative. */
function newSerial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0]! &= 0x7f;
  bytes[0]! |= 0x40;
  return Buffer.from(bytes).toString('hex');
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

async function exportPrivateKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`;
}

function importPrivateKey(text: string): Promise<webcrypto.CryptoKey> {
  const der = Buffer.from(text.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  return webcrypto.subtle.importKey('pkcs8', der, P256, true, ['sign']);
}

/** Writes a file that only its owner can read, whole or not at all. */
export function writeSecret(file: string, text: string): void {
  writeFileSync(`${file}.tmp`, text, { mode: 0o600 });
  chmodSync(`${file}.tmp`, 0o600);
  renameSync(`${file}.tmp`, file);
}

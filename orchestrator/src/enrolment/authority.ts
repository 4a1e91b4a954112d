/**
 * The federation's certificate authority. It names nodes and the orchestrator's own server by URI, and nothing else;
 * it is apart from the Fabric authorities of the hospitals. Made at first start, kept in its folder, mode 0600.
 * @module
 */
// @peculiar/x509 does not load without it, and it must come first.
import 'reflect-metadata';
import { createHash, createPrivateKey, webcrypto, X509Certificate } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { OrchestratorError } from '../errors.js';
import {
  isName,
  nodeOfSubjectAltName,
  nodeUri,
  orchestratorUri,
  SERVER_NAME,
} from '../protocol/identifiers.js';

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
  /** The authority that certifies now. */
  readonly certificatePem: string;
  /** Everything that is accepted: the one that certifies, and while one takes over from another, that one too. */
  readonly bundlePem: string;
  /** SHA-256 of the certifying authority's public key (SPKI DER), lower-case hex: the pin of an invitation. */
  readonly spkiSha256: string;
  /** A new key and a certificate for a node of the federation. */
  issueNode(nodeId: string, nowMs: number): Promise<IssuedIdentity>;
  /**
   * A certificate for the key of a PKCS#10 request (DER). Only the node's own URI is certified.
   * @throws {OrchestratorError} `ERR_CSR` for a malformed request, a wrong signature, a key that is not P-256, or
   *   another name than the node's
   */
  signRequest(csr: Uint8Array, nodeId: string, nowMs: number): Promise<string>;
  /** The orchestrator's own server certificate for these host names and addresses. */
  issueServer(hosts: readonly string[], nowMs: number): Promise<IssuedIdentity>;
  /** Serial numbers (upper-case hex) of all certificates that a node was ever given. */
  serialsOf(nodeId: string): readonly string[];
  /** When the newest certificate of each node ends. */
  expiriesMs(): ReadonlyMap<string, number>;
}

/**
 * Opens the authority in `folder`, or makes it. The files are read again at each use: another process of ours may have
 * made a successor meanwhile (`succession.ts`).
 * @throws {OrchestratorError} `ERR_CA` if certificate and key do not belong together
 */
export async function openAuthority(
  o: Readonly<{ folder: string; federationId: string; nowMs: number }>,
): Promise<Authority> {
  if (!existsSync(join(o.folder, CERTIFICATE_FILE))) {
    writeAuthority(o.folder, ISSUING, await makeAuthority({ ...o, generation: 1 }));
  }
  const authority = new FileAuthority(o.folder, o.federationId);
  await authority.load();
  return authority;
}

/** The pair of files of an authority: the one that certifies, and the one that will. */
export interface AuthorityFiles {
  readonly certificate: string;
  readonly key: string;
}
const CERTIFICATE_FILE = 'ca.pem';
export const ISSUING: AuthorityFiles = { certificate: CERTIFICATE_FILE, key: 'ca-key.pem' };
export const NEXT: AuthorityFiles = { certificate: 'next.pem', key: 'next-key.pem' };
/** Certificates of authorities that certify no more but whose certificates are still good. */
export const RETIRED = 'retired';

/** A self-signed authority; nothing is written. */
export async function makeAuthority(
  o: Readonly<{ federationId: string; nowMs: number; generation: number }>,
): Promise<Readonly<{ certificate: string; privateKey: string }>> {
  const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  // Two authorities of one federation must not share a name: a verifier looks issuers up by it.
  const name = `${o.federationId} federation authority${o.generation === 1 ? '' : ` ${o.generation}`}`;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
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
  return { certificate: pem(certificate), privateKey: await exportPrivateKey(keys.privateKey) };
}

/** The key first: a certificate on disk means that its key is there too. */
export function writeAuthority(
  folder: string,
  files: AuthorityFiles,
  made: Readonly<{ certificate: string; privateKey: string }>,
): void {
  mkdirSync(join(folder, 'issued'), { recursive: true, mode: 0o700 });
  writeSecret(join(folder, files.key), made.privateKey);
  const file = join(folder, files.certificate);
  writeFileSync(`${file}.tmp`, made.certificate);
  renameSync(`${file}.tmp`, file);
}

interface Issuer {
  readonly pem: string;
  readonly certificate: x509.X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

class FileAuthority implements Authority {
  readonly #folder: string;
  readonly #federationId: string;
  #issuer: Issuer | null = null;

  constructor(folder: string, federationId: string) {
    this.#folder = folder;
    this.#federationId = federationId;
  }

  get certificatePem(): string {
    return this.#read(ISSUING.certificate);
  }

  get bundlePem(): string {
    const retired = join(this.#folder, RETIRED);
    const others = existsSync(retired)
      ? readdirSync(retired)
          .sort()
          .map((name) => this.#read(join(RETIRED, name)))
      : [];
    const next = existsSync(join(this.#folder, NEXT.certificate))
      ? [this.#read(NEXT.certificate)]
      : [];
    return [this.certificatePem, ...next, ...others].join('');
  }

  get spkiSha256(): string {
    const spki = new X509Certificate(this.certificatePem).publicKey.export({
      type: 'spki',
      format: 'der',
    });
    return createHash('sha256').update(spki).digest('hex');
  }

  /** The issuer on disk; another one than the last time if a successor has taken over. */
  async load(): Promise<Issuer> {
    const text = this.certificatePem;
    if (this.#issuer?.pem === text) return this.#issuer;
    const privateKey = this.#read(ISSUING.key);
    if (!new X509Certificate(text).checkPrivateKey(createPrivateKey(privateKey))) {
      throw new OrchestratorError(
        'ERR_CA',
        `authority in ${this.#folder}: the key is of another one`,
      );
    }
    this.#issuer = {
      pem: text,
      certificate: new x509.X509Certificate(text),
      key: await importPrivateKey(privateKey),
    };
    return this.#issuer;
  }

  serialsOf(nodeId: string): readonly string[] {
    return this.#issued()
      .filter((each) => nodeOfSubjectAltName(each.subjectAltName, this.#federationId) === nodeId)
      .map((each) => each.serialNumber);
  }

  expiriesMs(): ReadonlyMap<string, number> {
    const newest = new Map<string, number>();
    for (const { subjectAltName, validTo } of this.#issued()) {
      const nodeId = nodeOfSubjectAltName(subjectAltName, this.#federationId);
      if (nodeId === null) continue;
      newest.set(nodeId, Math.max(Date.parse(validTo), newest.get(nodeId) ?? 0));
    }
    return newest;
  }

  #issued(): readonly X509Certificate[] {
    const folder = join(this.#folder, 'issued');
    if (!existsSync(folder)) return [];
    return readdirSync(folder)
      .filter((name) => name.endsWith('.pem'))
      .map((name) => new X509Certificate(readFileSync(join(folder, name))));
  }

  #read(name: string): string {
    return readFileSync(join(this.#folder, name), 'utf8');
  }

  async issueNode(nodeId: string, nowMs: number): Promise<IssuedIdentity> {
    const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
    const certificate = await this.#certifyNode(keys.publicKey, nodeId, nowMs);
    return {
      ca: this.bundlePem,
      certificate,
      privateKey: await exportPrivateKey(keys.privateKey),
    };
  }

  async signRequest(csr: Uint8Array, nodeId: string, nowMs: number): Promise<string> {
    const key = await keyOfRequest(csr, this.#federationId, nodeId);
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
      ca: this.bundlePem,
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
    const issuer = await this.load();
    const certificate = await x509.X509CertificateGenerator.create({
      subject: `CN=${o.commonName},O=${this.#federationId}`,
      issuer: issuer.certificate.subject,
      notBefore: new Date(o.nowMs - BACKDATE_MS),
      notAfter: new Date(o.nowMs + o.lifeMs),
      serialNumber: serial,
      signingAlgorithm: P256,
      publicKey: o.publicKey,
      signingKey: issuer.key,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([o.usage], true),
        new x509.SubjectAlternativeNameExtension(o.names, false),
        await x509.AuthorityKeyIdentifierExtension.create(issuer.certificate),
      ],
    });
    const text = pem(certificate);
    mkdirSync(join(this.#folder, 'issued'), { recursive: true, mode: 0o700 });
    writeFileSync(join(this.#folder, 'issued', `${serial}.pem`), text);
    return text;
  }
}

/**
 * Public key (SPKI DER) of a PKCS#10 request whose signature checks and that names nobody but this node.
 * @throws {OrchestratorError} `ERR_CSR`
 */
export async function spkiOfRequest(
  csr: Uint8Array,
  o: Readonly<{ federationId: string; nodeId: string }>,
): Promise<Uint8Array> {
  const key = await keyOfRequest(csr, o.federationId, o.nodeId);
  return new Uint8Array(await webcrypto.subtle.exportKey('spki', key));
}

async function keyOfRequest(
  csr: Uint8Array,
  federationId: string,
  nodeId: string,
): Promise<webcrypto.CryptoKey> {
  const refuse = (what: string, cause?: unknown): OrchestratorError =>
    new OrchestratorError('ERR_CSR', `certificate request: ${what}`, {}, cause);
  try {
    const request = new x509.Pkcs10CertificateRequest(new Uint8Array(csr));
    if (!(await request.verify())) throw refuse('its signature does not check');
    const algorithm = request.publicKey.algorithm as webcrypto.EcKeyAlgorithm;
    if (algorithm.name !== 'ECDSA' || algorithm.namedCurve !== 'P-256') {
      throw refuse(`expected a P-256 key, got ${algorithm.name}`);
    }
    const prefix = nodeUri(federationId, '');
    const uris = request.extensions
      .filter((each) => each instanceof x509.SubjectAlternativeNameExtension)
      .flatMap((each) => each.names.items)
      .filter((each) => each.type === 'url')
      .map(({ value }) => (value.startsWith(prefix) ? value.slice(prefix.length) : value));
    const other = [...request.subjectName.getField('CN'), ...uris].find((each) => each !== nodeId);
    if (other !== undefined) throw refuse(`expected the name ${nodeId}, got ${other.slice(0, 80)}`);
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

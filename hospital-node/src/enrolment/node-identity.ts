/**
 * The three files with which a node is known in the federation: authority, certificate, key. They change together or not
 * at all: the new ones are written whole into a folder beside them, one rename of that folder decides, and whoever comes
 * next finishes moving them.
 *
 * | killed …                         | what the next reader finds                        |
 * |----------------------------------|---------------------------------------------------|
 * | while the new files are written  | the old identity; the unfinished folder is emptied |
 * | after the rename                 | the new identity: the move is finished first       |
 * @module
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { nodeOfSubjectAltName } from '@bhschain/orchestrator/protocol';
import { EnrolmentError, HospitalNodeError } from '../errors.js';
import { syncFolder } from '../store/durable-file.js';

/** PEM texts. */
export interface NodeIdentity {
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
}

/** Where they stand; all in one folder. */
export interface IdentityFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const PARTS = ['ca', 'cert', 'key'] as const;
const UNFINISHED = '.identity-unfinished';
const DECIDED = '.identity-decided';

/** @throws {EnrolmentError} `ERR_IDENTITY_FILES` if the three do not stand in one folder: then no rename can decide */
export function installIdentity(files: IdentityFiles, identity: NodeIdentity): void {
  const folder = folderOf(files);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  settleIdentity(files);
  const unfinished = join(folder, UNFINISHED);
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  const texts = { ca: identity.ca, cert: identity.certificate, key: identity.privateKey };
  for (const part of PARTS) {
    const file = join(unfinished, part);
    writeFileSync(file, texts[part], { mode: part === 'key' ? 0o600 : 0o644, flush: true });
    if (part === 'key') chmodSync(file, 0o600);
  }
  syncFolder(unfinished);
  renameSync(unfinished, join(folder, DECIDED));
  syncFolder(folder);
  settleIdentity(files);
}

/** Finishes a decided change. Everybody who reads the files calls it first; mostly it finds nothing to do. */
export function settleIdentity(files: IdentityFiles): void {
  const folder = dirname(files.cert);
  const decided = join(folder, DECIDED);
  if (!existsSync(decided)) return;
  for (const part of PARTS) {
    const source = join(decided, part);
    if (existsSync(source)) renameSync(source, files[part]);
  }
  syncFolder(folder);
  rmSync(decided, { recursive: true, force: true });
}

/** @throws {HospitalNodeError} `ERR_FILE` */
export function readIdentityFiles(files: IdentityFiles): NodeIdentity {
  settleIdentity(files);
  return { ca: read(files.ca), certificate: read(files.cert), privateKey: read(files.key) };
}

/**
 * Whether what the federation sent is for us: our key, our name, its authority.
 * @throws {EnrolmentError} `ERR_CERTIFICATE_FOREIGN` saying which of the three does not hold
 */
export function assertOurs(
  identity: NodeIdentity,
  o: { readonly federationId: string; readonly nodeId: string },
): X509Certificate {
  const refuse = (what: string): EnrolmentError =>
    new EnrolmentError('ERR_CERTIFICATE_FOREIGN', `the certificate that came ${what}`, {
      nodeId: o.nodeId,
    });
  const certificate = new X509Certificate(identity.certificate);
  if (!certificate.checkPrivateKey(createPrivateKey(identity.privateKey)))
    throw refuse('is not for the key that was made here');
  const named = nodeOfSubjectAltName(certificate.subjectAltName, o.federationId);
  if (named !== o.nodeId)
    throw refuse(`names ${named ?? 'no node of this federation'}, not ${o.nodeId}`);
  if (!certificatesOf(identity.ca).some((ca) => certificate.verify(ca.publicKey)))
    throw refuse('is not of the authority that came with it');
  return certificate;
}

/** Every certificate of a PEM bundle. */
export function certificatesOf(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

function folderOf(files: IdentityFiles): string {
  const folder = dirname(files.cert);
  if (dirname(files.key) === folder && dirname(files.ca) === folder) return folder;
  throw new EnrolmentError(
    'ERR_IDENTITY_FILES',
    `federation.tls: ca, cert and key must stand in one folder, so that they can change together; got ${files.ca}, ${files.cert}, ${files.key}`,
    { folder },
  );
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new HospitalNodeError('ERR_FILE', `${file} cannot be read`, { file }, cause);
  }
}

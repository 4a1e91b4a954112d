/**
 * The one line that an administrator hands to a hospital, `bhs1:…`, and the digits that two people compare.
 * @module
 */
import { createHash } from 'node:crypto';
import { FederationError } from '../errors.js';
import { encodeCanonical } from './canonical.js';
import { isName } from './identifiers.js';
import { parseCanonical, readDigest, readFields, readString, StrictError } from './strict.js';

export interface Invitation {
  /** `host:port` of the enrolment service. */
  readonly address: string;
  readonly federationId: string;
  readonly nodeId: string;
  /** 32 hexadecimal digits; single use. */
  readonly token: string;
  /** SHA-256 of the authority's public key (SPKI DER). */
  readonly caSpkiSha256: string;
}

const PREFIX = 'bhs1:';

export function encodeInvitation(invitation: Invitation): string {
  return PREFIX + Buffer.from(encodeCanonical(invitation)).toString('base64url');
}

/** @throws {FederationError} `ERR_REQUEST` for anything but a line that `encodeInvitation` made */
export function decodeInvitation(line: string): Invitation {
  try {
    if (!line.startsWith(PREFIX)) throw new StrictError('invitation: expected bhs1:…');
    const bytes = Buffer.from(line.slice(PREFIX.length).trim(), 'base64url');
    const fields = readFields(parseCanonical(bytes), 'invitation', [
      'address',
      'caSpkiSha256',
      'federationId',
      'nodeId',
      'token',
    ]);
    const token = readString(fields.token, 'invitation.token', 32);
    const nodeId = readString(fields.nodeId, 'invitation.nodeId', 64);
    if (!/^[0-9a-f]{32}$/.test(token))
      throw new StrictError('invitation.token: expected 32 digits');
    if (!isName(nodeId)) throw new StrictError('invitation.nodeId: expected a name');
    return {
      address: readString(fields.address, 'invitation.address'),
      federationId: readString(fields.federationId, 'invitation.federationId', 64),
      nodeId,
      token,
      caSpkiSha256: readDigest(fields.caSpkiSha256, 'invitation.caSpkiSha256'),
    };
  } catch (cause) {
    if (!(cause instanceof StrictError)) throw cause;
    throw new FederationError('ERR_REQUEST', cause.message, { cause });
  }
}

/**
 * Six groups of five digits out of a public key (SPKI DER): 99 bits, short enough for the telephone.
 */
export function keyFingerprint(spki: Uint8Array): string {
  const digest = createHash('sha256').update('bhs-fingerprint-v1').update(spki).digest();
  return Array.from({ length: 6 }, (_, group) =>
    String(digest.readUIntBE(group * 5, 5) % 100_000).padStart(5, '0'),
  ).join(' ');
}

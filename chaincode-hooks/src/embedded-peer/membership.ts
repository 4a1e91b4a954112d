/**
 * Who is a member: a serialized identity is checked against the roots of its MSP once, then remembered by its bytes.
 *
 * As in a real MSP with node OUs: the chain is checked at the certificate's own notBefore, and the organisational unit
 * says what the holder may do. The clock is asked only where a request comes in, never when a block is validated,
 * since a block must be judged the same for ever.
 * @module
 */
import { X509Certificate, type KeyObject } from 'node:crypto';
import { msp } from '@hyperledger/fabric-protos';
import { IdentityRefusedError, type IdentityRefusal } from './errors.js';
import { decode } from './messages.js';
import { verifyLowS } from './signature.js';

export type MemberRole = 'client' | 'peer' | 'admin';

export interface Member {
  readonly mspId: string;
  readonly role: MemberRole;
  readonly publicKey: KeyObject;
  readonly validFromMs: number;
  readonly validToMs: number;
}

export interface MembershipOrganisation {
  readonly mspId: string;
  readonly rootPem: string;
  readonly active: boolean;
}

export interface Membership {
  /** @throws {IdentityRefusedError} */
  memberOf(serializedIdentity: Uint8Array): Member;
  /** Like `memberOf`, and the certificate must be valid at `nowMs`. */
  currentMemberOf(serializedIdentity: Uint8Array, nowMs: number): Member;
}

const ROLES: readonly MemberRole[] = ['client', 'peer', 'admin'];
const CACHED_IDENTITIES_MAX = 20_000;

export function createMembership(organisations: readonly MembershipOrganisation[]): Membership {
  const roots = new Map(
    organisations.map(({ mspId, rootPem, active }) => {
      const root = new X509Certificate(rootPem);
      return [mspId, { root, key: root.publicKey, active }] as const;
    }),
  );
  const known = new Map<string, Member | IdentityRefusedError>();

  function check(serializedIdentity: Uint8Array): Member {
    let mspId = '';
    const refuse = (refusal: IdentityRefusal, detail: string): never => {
      throw new IdentityRefusedError({ mspId, refusal, detail });
    };
    let pem: Buffer;
    try {
      const identity = decode(msp.SerializedIdentity, serializedIdentity, 'identity');
      mspId = identity.getMspid();
      pem = Buffer.from(identity.getIdBytes_asU8());
    } catch {
      return refuse('malformed', 'the serialized identity is not decodable');
    }
    const organisation = roots.get(mspId);
    if (organisation === undefined) return refuse('unknown-msp', `MSP ${mspId} is unknown`);
    if (!organisation.active) {
      return refuse('inactive-msp', `MSP ${mspId} is provisioned, but not active on this channel`);
    }
    let certificate: X509Certificate;
    try {
      certificate = new X509Certificate(pem);
    } catch {
      return refuse('malformed', 'the certificate is not decodable');
    }
    const { root, key } = organisation;
    const validFromMs = Date.parse(certificate.validFrom);
    const validToMs = Date.parse(certificate.validTo);
    const signed = certificate.checkIssued(root) && certificate.verify(key);
    if (!signed) return refuse('untrusted-chain', 'certificate signed by unknown authority');
    if (validFromMs < Date.parse(root.validFrom) || validFromMs > Date.parse(root.validTo)) {
      return refuse('untrusted-chain', 'the certificate begins outside the validity of its root');
    }
    const roles = organisationalUnits(certificate).filter((unit): unit is MemberRole =>
      (ROLES as readonly string[]).includes(unit),
    );
    if (certificate.ca || roles.length !== 1) {
      return refuse('no-role', 'expected exactly one organisational unit client, peer or admin');
    }
    const { publicKey } = certificate;
    if (publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
      return refuse('malformed', 'the key is not on P-256');
    }
    return { mspId, role: roles[0]!, publicKey, validFromMs, validToMs };
  }

  function memberOf(serializedIdentity: Uint8Array): Member {
    const name = Buffer.from(
      serializedIdentity.buffer,
      serializedIdentity.byteOffset,
      serializedIdentity.byteLength,
    ).toString('latin1');
    let verdict = known.get(name);
    if (verdict === undefined) {
      try {
        verdict = check(serializedIdentity);
      } catch (error) {
        if (!(error instanceof IdentityRefusedError)) throw error;
        verdict = error;
      }
      if (known.size >= CACHED_IDENTITIES_MAX) known.clear();
      known.set(name, verdict);
    }
    if (verdict instanceof IdentityRefusedError) throw verdict;
    return verdict;
  }

  return {
    memberOf,
    currentMemberOf(serializedIdentity, nowMs) {
      const member = memberOf(serializedIdentity);
      const { mspId } = member;
      if (nowMs > member.validToMs) {
        throw new IdentityRefusedError({
          mspId,
          refusal: 'expired',
          detail: 'certificate expired',
        });
      }
      if (nowMs < member.validFromMs) {
        const detail = 'certificate not yet valid';
        throw new IdentityRefusedError({ mspId, refusal: 'not-yet-valid', detail });
      }
      return member;
    },
  };
}

/** True iff the member signed `data`. */
export function memberSigned(member: Member, data: Uint8Array, signature: Uint8Array): boolean {
  return verifyLowS(data, member.publicKey, signature);
}

function organisationalUnits(certificate: X509Certificate): string[] {
  return certificate.subject
    .split('\n')
    .filter((line) => line.startsWith('OU='))
    .map((line) => line.slice('OU='.length));
}

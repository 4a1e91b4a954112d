import { createAuthority, issueIdentity } from '../../src/embedded-peer/certificate-authority.js';
import { describe, expect, it } from 'vitest';
import { IdentityRefusedError, type IdentityRefusal } from '../../src/embedded-peer/errors.js';
import { createMembership } from '../../src/embedded-peer/membership.js';
import { serializeIdentity } from '../../src/embedded-peer/messages.js';

const nowMs = Date.now();
const YEAR_MS = 366 * 86_400_000;
const h1 = createAuthority({ mspId: 'H1MSP', nowMs });
const h2 = createAuthority({ mspId: 'H2MSP', nowMs });
const spare = createAuthority({ mspId: 'H3MSP', nowMs });
const membership = createMembership([
  { mspId: 'H1MSP', rootPem: h1.certificatePem, active: true },
  { mspId: 'H2MSP', rootPem: h2.certificatePem, active: true },
  { mspId: 'H3MSP', rootPem: spare.certificatePem, active: false },
]);

const client = issueIdentity({ authority: h1, commonName: 'alice' });
const identity = serializeIdentity('H1MSP', client.certificatePem);

function refusalOf(work: () => unknown): IdentityRefusal {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(IdentityRefusedError);
    return (error as IdentityRefusedError).refusal;
  }
  throw new Error('expected a refusal');
}

describe('membership', () => {
  it('knows a member by its certificate, and its role by the organisational unit', () => {
    expect(membership.memberOf(identity)).toMatchObject({ mspId: 'H1MSP', role: 'client' });
    const peer = issueIdentity({ authority: h2, commonName: 'p', organisationalUnit: 'peer' });
    const serialized = serializeIdentity('H2MSP', peer.certificatePem);
    expect(membership.memberOf(serialized).role).toBe('peer');
  });

  it('remembers a verdict, good or bad', () => {
    expect(membership.memberOf(identity)).toBe(membership.memberOf(Buffer.from(identity)));
  });

  it.each<[string, IdentityRefusal, Uint8Array]>([
    ['bytes that are no identity', 'malformed', Buffer.from('ffffff', 'hex')],
    ['a certificate that is none', 'malformed', serializeIdentity('H1MSP', 'no certificate')],
    ['an unknown MSP', 'unknown-msp', serializeIdentity('H9MSP', client.certificatePem)],
    ['a spare hospital', 'inactive-msp', serializeIdentity('H3MSP', client.certificatePem)],
    ['another root', 'untrusted-chain', serializeIdentity('H2MSP', client.certificatePem)],
    ['the root itself', 'no-role', serializeIdentity('H1MSP', h1.certificatePem)],
  ])('refuses %s', (_, refusal, serialized) => {
    expect(refusalOf(() => membership.memberOf(serialized))).toBe(refusal);
  });

  it('refuses a root of the same name with another key', () => {
    const impostor = createAuthority({ mspId: 'H1MSP', nowMs });
    const { certificatePem } = issueIdentity({ authority: impostor, commonName: 'alice' });
    const serialized = serializeIdentity('H1MSP', certificatePem);
    expect(refusalOf(() => membership.memberOf(serialized))).toBe('untrusted-chain');
  });

  it('asks the clock only at the door', () => {
    const later = nowMs + 11 * YEAR_MS;
    expect(refusalOf(() => membership.currentMemberOf(identity, later))).toBe('expired');
    const earlier = nowMs - YEAR_MS;
    expect(refusalOf(() => membership.currentMemberOf(identity, earlier))).toBe('not-yet-valid');
    expect(membership.currentMemberOf(identity, nowMs)).toBe(membership.memberOf(identity));
  });
});

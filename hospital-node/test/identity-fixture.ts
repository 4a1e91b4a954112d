/**
 * A consortium's certificate authorities, and identities from them.
 * @module
 */
import { issueIdentity, provisionConsortium } from '@bhschain/chaincode-hooks/embedded-peer';
import { temporaryFolder } from './review-fixture.js';

export function consortium(): ReturnType<typeof provisionConsortium> {
  return provisionConsortium({ dir: temporaryFolder(), hospitals: 2, nowMs: Date.now() });
}

export function identityOf(
  world: ReturnType<typeof consortium>,
  o: Readonly<{ mspId: string; name: string; attributes: Record<string, string> }>,
): { certificatePem: string; privateKeyPem: string } {
  return issueIdentity({
    authority: world.authority(o.mspId),
    commonName: o.name,
    attributes: o.attributes,
  });
}

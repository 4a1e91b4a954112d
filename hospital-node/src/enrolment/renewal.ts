/**
 * A new key and a new certificate for the same node, over the connection that the old ones open. The old pair stays good
 * for a day, so a round that is open is not disturbed.
 * @module
 */
import { createEnrolmentKey, type FederationClient } from '@bhschain/orchestrator/protocol';
import type { AuditLog } from '../audit/audit-log.js';
import type { NodeConfig } from '../config.js';
import { assertOurs, installIdentity } from './node-identity.js';

export interface Renewal {
  readonly serial: string;
  /** ISO 8601 */
  readonly notAfter: string;
  /** Six groups of five digits, for whoever wants to compare. */
  readonly fingerprint: string;
}

/**
 * Nothing is replaced before the new certificate is here and checked; the swap itself is one rename.
 * @throws {FederationError} what the orchestrator answered
 * @throws {EnrolmentError} `ERR_CERTIFICATE_FOREIGN`, `ERR_IDENTITY_FILES`
 */
export async function renewIdentity(
  config: NodeConfig,
  o: {
    readonly client: Pick<FederationClient, 'renewCertificate'>;
    readonly audit: AuditLog;
    readonly by: string;
  },
): Promise<Renewal> {
  const { nodeId, federation } = config;
  const key = await createEnrolmentKey({ federationId: federation.id, nodeId });
  const { certificate, ca } = await o.client.renewCertificate({ csr: key.csr });
  const identity = { ca, certificate, privateKey: key.privateKey };
  const issued = assertOurs(identity, { federationId: federation.id, nodeId });
  installIdentity(federation.tls, identity);
  const renewal = {
    serial: issued.serialNumber,
    notAfter: new Date(issued.validTo).toISOString(),
    fingerprint: key.fingerprint,
  };
  o.audit.append({ kind: 'certificate-renewed', by: o.by, body: { ...renewal } });
  return renewal;
}

/**
 * Takes a node out of the federation: its certificates are listed as revoked, and an open round goes on without it.
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyEvent } from '../apply-event.js';
import { OrchestratorError } from '../errors.js';
import { nodeOfSubjectAltName } from '../protocol/identifiers.js';
import type { FederationStore } from '../store/store.js';

/** Serial numbers (upper-case hex) of all certificates that the authority in `caDir` ever gave to a node. */
export function serialsOf(caDir: string, federationId: string, nodeId: string): readonly string[] {
  const folder = join(caDir, 'issued');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.pem'))
    .map((name) => new X509Certificate(readFileSync(join(folder, name))))
    .filter((each) => nodeOfSubjectAltName(each.subjectAltName, federationId) === nodeId)
    .map((each) => each.serialNumber);
}

/**
 * @returns the epoch of the revocation list afterwards
 * @throws {OrchestratorError} `ERR_NODE_NAME` for a node that is not on record
 */
export async function revokeNode(
  o: Readonly<{
    store: FederationStore;
    nodeId: string;
    serials: readonly string[];
    reason: string;
    by: string;
    nowMs: number;
  }>,
): Promise<number> {
  const { store, nodeId, nowMs } = o;
  if ((await store.roster.find(nodeId)) === null) {
    throw new OrchestratorError('ERR_NODE_NAME', `node: ${nodeId} is not on record`);
  }
  await store.roster.setState(nodeId, 'revoked');
  for (const serial of o.serials) {
    await store.roster.revoke({ serial, nodeId, atMs: nowMs, reason: o.reason });
  }
  await store.audit.append('revoked', nowMs, { nodeId, reason: o.reason, by: o.by });
  const open = await store.rounds.findOpen();
  if (open !== null) {
    await applyEvent(store.rounds, open.round.id, { kind: 'node-revoked', nodeId, atMs: nowMs });
  }
  return (await store.roster.revocations()).at(-1)?.epoch ?? 0;
}

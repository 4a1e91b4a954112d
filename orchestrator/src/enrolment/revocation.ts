/**
 * Takes a node out of the federation: its certificates are listed as revoked, and an open round goes on without it.
 * @module
 */
import { applyEvent } from '../apply-event.js';
import { OrchestratorError } from '../errors.js';
import type { FederationStore } from '../store/store.js';

/**
 * @param o.state - `revoked` by the federation, or `left` by its own wish
 * @param o.serials - of all certificates that the node was ever given
 * @returns the epoch of the revocation list afterwards
 * @throws {OrchestratorError} `ERR_NODE_NAME` for a node that is not on record
 */
export async function withdrawNode(
  o: Readonly<{
    store: FederationStore;
    nodeId: string;
    state: 'revoked' | 'left';
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
  await store.roster.setState(nodeId, o.state);
  for (const serial of o.serials) {
    await store.roster.revoke({ serial, nodeId, atMs: nowMs, reason: o.reason });
  }
  await store.audit.append(o.state, nowMs, { nodeId, reason: o.reason, by: o.by });
  const open = await store.rounds.findOpen();
  if (open !== null) {
    await applyEvent(store.rounds, open.round.id, { kind: 'node-revoked', nodeId, atMs: nowMs });
  }
  return (await store.roster.revocations()).at(-1)?.epoch ?? 0;
}

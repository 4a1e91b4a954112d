/**
 * Who is a member. The configuration names those that the federation starts with; whoever is invited and approved later
 * stands in the store only, so that joining changes nothing for others and needs no restart.
 * @module
 */
import { FederationError } from '../errors.js';
import type { Hospital } from '../federation.js';
import { compareNodeIds } from '../protocol/identifiers.js';
import type { FederationStore, NodeRow } from '../store/store.js';

/** A certificate that was renewed stays good for a day. */
export const OVERLAP_MS = 86_400_000;

/** Puts the members of the configuration on record; harmless when they are there. */
export async function recordFounders(
  store: FederationStore,
  hospitals: readonly Hospital[],
): Promise<void> {
  for (const { nodeId, mspId, mspRoot } of hospitals) {
    // The channel counts the hospitals that it was configured with.
    await store.roster.ensure({
      nodeId,
      mspId,
      mspRoot: mspRoot ?? '',
      state: 'active',
      admitted: true,
    });
  }
}

/** Those that rounds are scheduled with, in node order. */
export async function activeMembers(store: FederationStore): Promise<readonly NodeRow[]> {
  return membersIn(store, ['active']);
}

/** Members of the federation, whether they take part at the moment or not. */
export async function standingMembers(store: FederationStore): Promise<readonly NodeRow[]> {
  return membersIn(store, ['active', 'paused']);
}

async function membersIn(
  store: FederationStore,
  states: readonly NodeRow['state'][],
): Promise<readonly NodeRow[]> {
  return (await store.roster.list())
    .filter((each) => states.includes(each.state))
    .toSorted((a, b) => compareNodeIds(a.nodeId, b.nodeId));
}

/** PEM of the MSP roots of all members, by MSP id. */
export async function mspRoots(store: FederationStore): Promise<ReadonlyMap<string, string>> {
  const members = await store.roster.list();
  return new Map(
    members.filter((each) => each.mspRoot !== '').map((each) => [each.mspId, each.mspRoot]),
  );
}

/**
 * Whether the caller may speak for its node; asked on every call, since a connection outlives the answer.
 * @param serial - of the certificate, hexadecimal
 * @throws {FederationError} `ERR_IDENTITY_UNKNOWN`, `ERR_CERTIFICATE_REVOKED`
 */
export async function authoriseNode(
  store: FederationStore,
  nodeId: string,
  serial: string,
  nowMs: number,
): Promise<void> {
  const node = await store.roster.find(nodeId);
  if (node === null || node.state === 'invited') {
    throw new FederationError('ERR_IDENTITY_UNKNOWN', `${nodeId} is not of this federation`);
  }
  const withdrawn =
    node.state === 'revoked' ||
    node.state === 'left' ||
    (await store.roster.isWithdrawn(serial.toUpperCase(), nowMs - OVERLAP_MS));
  if (withdrawn) {
    throw new FederationError(
      'ERR_CERTIFICATE_REVOKED',
      node.state === 'left'
        ? `${nodeId} has left the federation; join again with a new invitation`
        : `the certificate of ${nodeId} is revoked`,
    );
  }
}

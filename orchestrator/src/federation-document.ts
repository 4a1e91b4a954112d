/**
 * What the members have agreed on, as every node reads it: roster, policy, plan, what leaves a hospital,
 * layout, replay mode. Canonical JSON.
 * @module
 */
import { standingMembers } from './enrolment/roster.js';
import type { Federation } from './federation.js';
import { encodeCanonical } from './protocol/canonical.js';
import { SCORE_HISTOGRAM } from './protocol/releases.js';
import type { FederationStore } from './store/store.js';

/** The document as it stands now: the roster may have grown since the process started. */
export async function federationDocument(
  federation: Federation,
  store: FederationStore,
): Promise<Uint8Array> {
  const members = await standingMembers(store);
  return encodeCanonical({
    federationId: federation.federationId,
    hospitals: members.map(({ nodeId, mspId }) => ({ nodeId, mspId })),
    layoutHash: federation.layoutHash,
    planHash: federation.plan.hash,
    policy: federation.policy,
    releases: ['update', ...(federation.plan.histogram === null ? [] : [SCORE_HISTOGRAM])],
    replay: federation.replay,
  });
}

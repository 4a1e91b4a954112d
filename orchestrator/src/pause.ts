/**
 * Pausing the rounds: the slots of a pause are skipped, and say so.
 * @module
 */
import type { FederationStore } from './store/store.js';

export async function setPaused(
  store: FederationStore,
  o: Readonly<{ paused: boolean; by: string; nowMs: number }>,
): Promise<void> {
  await store.setFact('paused', String(o.paused));
  await store.audit.append(o.paused ? 'pause' : 'resume', o.nowMs, { by: o.by });
}

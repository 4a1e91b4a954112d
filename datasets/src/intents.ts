/**
 * Call intents of events, and the ledger names that they need. Here names come from a seed, so that a run can be repeated;
 * a hospital in production draws them at random and keeps the map to itself.
 * @module
 */

import { createHash } from 'node:crypto';
import {
  homeOf,
  intentFromEvent,
  type AccessEvent,
  type CallIntent,
  type LedgerNames,
} from '@bhschain/models/features';
import { randomStream } from './random-stream.js';

/** Names drawn from (seed, kind, name): equal seeds give equal names, whatever the order of asking. */
export function createLedgerNames(
  options: Readonly<{ seed: number; nodeId: string }>,
): LedgerNames {
  const { seed, nodeId } = options;
  const records = new Map<string, string>();
  const sessions = new Map<string, string>();
  const drawn = (
    known: Map<string, string>,
    kind: string,
    name: string,
    prefix: string,
  ): string => {
    let handle = known.get(name);
    if (handle === undefined) {
      handle = prefix + randomStream(seed, 'ledger name', kind, name).hex(16);
      known.set(name, handle);
    }
    return handle;
  };
  return {
    recordHandle: (patient) => drawn(records, 'record', patient, `${homeOf(patient) ?? nodeId}-`),
    sessionHandle: (session) => drawn(sessions, 'session', session, ''),
    digestOf: (text) => createHash('sha256').update(text).digest('hex'),
  };
}

/** The call intents of events, in their order; events that ask nothing of the ledger are passed over. */
export function* intentsOf(
  events: Iterable<AccessEvent>,
  names: LedgerNames,
): Iterable<CallIntent> {
  for (const event of events) {
    const intent = intentFromEvent(event, names);
    if (intent !== null) yield intent;
  }
}

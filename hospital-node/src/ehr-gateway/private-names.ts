/**
 * The private map between what a hospital calls a record or a session and the random handle that the ledger sees. A
 * handle is assigned once and for ever; a hash instead would let every member of the channel run a dictionary.
 * @module
 */
import { createHmac, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { homeOf, type LedgerNames } from '@bhschain/models/features';
import { openDurableLines } from './durable-lines.js';

type Entry =
  | { readonly kind: 'key'; readonly handle: string }
  | { readonly kind: 'record' | 'session'; readonly of: string; readonly handle: string };

export interface PrivateNames {
  of(nodeId: string): LedgerNames;
  /** Resolves when all handles given out so far are on the disk: before any of them is used. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export async function openPrivateNames(stateDir: string): Promise<PrivateNames> {
  const { file, lines } = await openDurableLines<Entry>(join(stateDir, 'handles.jsonl'));
  const known = new Map<string, string>();
  let key = '';
  let settled: Promise<void> = Promise.resolve();
  for (const entry of lines) {
    if (entry.kind === 'key') key = entry.handle;
    else known.set(`${entry.kind} ${entry.of}`, entry.handle);
  }
  if (key === '') {
    key = randomBytes(32).toString('hex');
    settled = file.append({ kind: 'key', handle: key } satisfies Entry);
  }
  const handleOf = (kind: 'record' | 'session', of: string, prefix: string): string => {
    const name = `${kind} ${of}`;
    let handle = known.get(name);
    if (handle === undefined) {
      handle = prefix + randomBytes(8).toString('hex');
      known.set(name, handle);
      settled = file.append({ kind, of, handle } satisfies Entry);
    }
    return handle;
  };
  return {
    of: (nodeId) => ({
      recordHandle: (patient) => {
        const home = homeOf(patient) ?? nodeId;
        // A patient without a home prefix is known under her own hospital's name only.
        const name = homeOf(patient) === null ? `${nodeId} ${patient}` : patient;
        return handleOf('record', name, `${home}-`);
      },
      sessionHandle: (session) => handleOf('session', `${nodeId} ${session}`, ''),
      digestOf: (text) => createHmac('sha256', key).update(text).digest('hex'),
    }),
    settled: () => settled,
    close: () => file.close(),
  };
}

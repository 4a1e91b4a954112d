/** What the hospitals' own stores say, held against their logs and the channel. @module */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Claims } from './claims.js';
import { openReadOnly, type Row } from './database.js';
import type { LedgerView } from './ledger-view.js';

export interface NodeFiles {
  readonly hospitals: readonly string[];
  hospitalDir(nodeId: string): string;
  log(nodeId: string): string;
}

/** Each node read its hospital's log to the end, line for line, and cut windows from it. */
export async function logClaims(claims: Claims, files: NodeFiles): Promise<void> {
  for (const nodeId of files.hospitals) {
    try {
      const lines = await countLines(files.log(nodeId));
      using database = openReadOnly(join(files.hospitalDir(nodeId), 'node.sqlite'));
      const position = database.rows('select * from log_position')[0] ?? {};
      const windows = Number(database.rows('select count(*) as n from training_window')[0]?.['n']);
      const counted = Number(position['counted_lines']);
      claims.add(
        'logs',
        `${nodeId} read its log to the end and cut windows from it`,
        counted === lines && windows > 0,
        `${counted} of ${lines} lines read, ${Number(position['malformed_lines'])} malformed, ${Number(position['late_events'])} late, ${windows} windows kept`,
      );
    } catch (error) {
      claims.add(
        'logs',
        `${nodeId} read its log to the end and cut windows from it`,
        false,
        error instanceof Error ? error.message : String(error),
      );
    }
  }
}

/** The label of every decided hold is the finding on the channel. */
export function labelClaims(claims: Claims, files: NodeFiles, view: LedgerView): void {
  const decided = new Map<string, { state: string; finding: string; mspId: string }>();
  for (const [key, value] of view.state) {
    const [type = ''] = key.split('~');
    if (type !== 'q' && type !== 'rev') continue;
    const record = JSON.parse(Buffer.from(value).toString('utf8')) as {
      txId: string;
      mspId: string;
      state: string;
      proposal: { finding: string } | null;
    };
    if (record.state === 'released' || record.state === 'rejected') {
      decided.set(record.txId, {
        state: record.state,
        finding: record.proposal?.finding ?? '',
        mspId: record.mspId,
      });
    }
  }
  claims.attempt(
    'labels',
    'every decision on the channel is a label in its hospital, with the same finding',
    () => {
      let found = 0;
      let confirmed = 0;
      const wrong: string[] = [];
      for (const nodeId of files.hospitals) {
        using database = openReadOnly(join(files.hospitalDir(nodeId), 'node.sqlite'));
        const labels = new Map<string, Row>(
          database.rows('select * from label').map((row) => [String(row['hold']), row]),
        );
        for (const [txId, decision] of decided) {
          if (decision.mspId !== `${nodeId}MSP`) continue;
          const label = labels.get(txId);
          const attack = decision.finding === 'attack' || decision.finding === 'policy-breach';
          const expected = attack ? 'confirmed' : 'released';
          if (label?.['finding'] === decision.finding && label['state'] === expected) found++;
          else wrong.push(`${nodeId} ${txId.slice(0, 12)}…`);
          if (attack) confirmed++;
        }
      }
      return {
        ok: decided.size > 0 && wrong.length === 0 && found === decided.size,
        detail: `${found} of ${decided.size} decisions are labels (${confirmed} confirmed, which never train)${wrong.length === 0 ? '' : `; missing: ${wrong.join(', ')}`}`,
      };
    },
  );
}

async function countLines(file: string): Promise<number> {
  let count = 0;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (line !== '') count++;
  }
  return count;
}

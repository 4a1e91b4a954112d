/**
 * `bhs-node rotate` and `leave`: a new key for this node, or no place in the federation any more.
 * @module
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openAuditLog } from '../audit/audit-log.js';
import type { NodeConfig } from '../config.js';
import { sentenceOf } from '../doctor/federation-fault.js';
import { renewIdentity } from '../enrolment/renewal.js';
import { codeOf } from '../errors.js';
import { openFederation } from '../parts/federation-connection.js';
import { storePlaceOf } from '../parts/store-place.js';
import { foldReleases, readLedger } from '../privacy-ledger/index.js';
import { openNodeDatabase, setPaused } from '../store/index.js';
import type { CommandOutcome } from './outcome.js';

export interface Operator {
  readonly by: string;
  readonly nowMs: () => number;
}

/** A running node notices the new certificate by itself. */
export async function rotateCommand(config: NodeConfig, o: Operator): Promise<CommandOutcome> {
  const client = openFederation({ config, nowMs: o.nowMs });
  try {
    const audit = openAuditLog({ stateDir: config.stateDir, now: o.nowMs });
    const renewal = await renewIdentity(config, { client, audit, by: o.by });
    return {
      exitCode: 0,
      facts: renewal,
      sentences: [
        `New key and certificate, good until ${renewal.notAfter}; fingerprint ${renewal.fingerprint}.`,
        'The old certificate stays good for a day, so an open round is not disturbed; a running node goes on with the new one by itself.',
      ],
    };
  } catch (error) {
    return refusal(error, config);
  } finally {
    client.close();
  }
}

/** How long a round that has been paid for gets to arrive before the node leaves. */
const FINISH_WAIT_MS = 60_000;
const LOOK_MS = 500;

/** Declines rounds from now on, lets a paid one arrive, then gives the place up. Ledger and audit log stay. */
export async function leaveCommand(
  config: NodeConfig,
  o: Operator & { readonly reason: string },
): Promise<CommandOutcome> {
  const audit = openAuditLog({ stateDir: config.stateDir, now: o.nowMs });
  const database = await openNodeDatabase(storePlaceOf(config));
  try {
    await setPaused(database, true);
  } finally {
    await database.destroy();
  }
  const untilMs = o.nowMs() + FINISH_WAIT_MS;
  let underWay = releasesUnderWay(config);
  while (underWay > 0 && o.nowMs() < untilMs) {
    await delay(LOOK_MS);
    underWay = releasesUnderWay(config);
  }
  const client = openFederation({ config, nowMs: o.nowMs });
  try {
    await client.setParticipation('leaving');
  } catch (error) {
    return refusal(error, config);
  } finally {
    client.close();
  }
  audit.append({ kind: 'left', by: o.by, body: { reason: o.reason, underWay } });
  return {
    exitCode: 0,
    facts: { state: 'left', underWay },
    sentences: [
      `${config.nodeId} has left ${config.federation.id}; its certificates are revoked.`,
      ...(underWay > 0
        ? [`${underWay} update was paid for and not sent; what it cost stays spent.`]
        : []),
      `Privacy ledger and audit log stay in ${config.stateDir}: keep them, a later \`bhs-node rejoin\` goes on with them.`,
    ],
  };
}

/** Debited and neither sent nor given up. */
function releasesUnderWay({ stateDir }: NodeConfig): number {
  const { records } = readLedger(join(stateDir, 'privacy-ledger.jsonl'));
  return [...foldReleases(records).values()].filter(({ stage }) =>
    ['debited', 'released', 'sent'].includes(stage),
  ).length;
}

function refusal(error: unknown, config: NodeConfig): CommandOutcome {
  const sentence = sentenceOf(error, config);
  return { exitCode: 2, facts: { code: codeOf(error), message: sentence }, sentences: [sentence] };
}

/**
 * `bhs-node status`, `pause`, `resume`: from the state directory alone, so they work whether or not the node runs.
 * @module
 */
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { openAuditLog } from '../audit/audit-log.js';
import type { NodeConfig } from '../config.js';
import { readIdentityFiles } from '../enrolment/node-identity.js';
import { storePlaceOf } from '../parts/store-place.js';
import { foldReleases, readLedger, spendOf, type SpendReport } from '../privacy-ledger/index.js';
import { secondLineFacts, secondLineSentence } from '../second-line/day-list.js';
import {
  isPaused,
  openNodeDatabase,
  setPaused,
  stateLockOf,
  type NodeDatabase,
} from '../store/index.js';
import type { Operator } from './identity-commands.js';
import type { CommandOutcome } from './outcome.js';

const DAY_MS = 86_400_000;
/** A certificate is renewed long before; this late somebody has to look. */
const CERTIFICATE_WARN_DAYS = 10;

export async function statusCommand(config: NodeConfig, nowMs: number): Promise<CommandOutcome> {
  const database = await openNodeDatabase({ ...storePlaceOf(config), readOnly: true });
  try {
    return await describe(config, nowMs, database);
  } finally {
    await database.destroy();
  }
}

async function describe(
  config: NodeConfig,
  nowMs: number,
  database: NodeDatabase,
): Promise<CommandOutcome> {
  const { records, tornBytes } = readLedger(join(config.stateDir, 'privacy-ledger.jsonl'));
  const releases = [...foldReleases(records).values()];
  const last = releases[releases.length - 1];
  const spent = spendOf(releases, config.privacy.ceilings, null);
  const running = stateLockOf(config.stateDir).held;
  const paused = await isPaused(database);
  const position = await database.selectFrom('log_position').selectAll().executeTakeFirst();
  const detector =
    (await database
      .selectFrom('attestation')
      .selectAll()
      .orderBy('version', 'desc')
      .executeTakeFirst()) ?? null;
  const secondLine = await secondLineFacts(database);
  const certificateDays = daysLeft(readIdentityFiles(config.federation.tls).certificate, nowMs);
  const sentences = [
    `${config.nodeId} of federation ${config.federation.id}: ${running ? 'running' : 'not running'}${paused ? ', paused' : ''}.`,
    last === undefined
      ? 'No round yet.'
      : `Last round: slot ${last.roundId.slotIndex}, ${last.stage}${last.included === null ? '' : last.included ? ', part of the model' : ', not part of the model'}${last.reason === null ? '' : ` (${last.reason})`}.`,
    spentSentence(spent),
    position === undefined
      ? 'The log has not been read yet.'
      : `Log: ${position.counted_lines} lines read, ${position.malformed_lines} malformed, ${position.late_events} late.`,
    secondLineSentence(secondLine),
    detector === null
      ? 'No detector has been looked at yet.'
      : `Detector ${detector.version}: ${detector.verdict}${detector.reason === null ? '' : ` – ${detector.reason}`}.`,
    `The node certificate has ${certificateDays} days left.`,
    ...(tornBytes > 0 ? ['The privacy ledger ends in an unfinished record.'] : []),
  ];
  const warns = !running || certificateDays < CERTIFICATE_WARN_DAYS || tornBytes > 0;
  return {
    exitCode: warns ? 1 : 0,
    sentences,
    facts: {
      nodeId: config.nodeId,
      federationId: config.federation.id,
      running,
      paused,
      lastRound: last ?? null,
      privacy: spent,
      log: position ?? null,
      detector,
      secondLine,
      certificateDays,
      tornBytes,
    },
  };
}

function spentSentence(spent: SpendReport): string {
  if (spent.rounds === 0) return 'Nothing has been spent yet.';
  return `Spent in ${spent.rounds} rounds at δ = 1e-${spent.deltaExponent}: ε ${spent.windowEpsilon.toFixed(3)} a window, ${spent.actorEpsilonPld.toFixed(3)} an actor active in all of them (lifetime ${spent.actorEpsilonLifetimePld.toFixed(3)}); the filter stands at ${spent.actorEpsilonRdp.toFixed(3)} of ${spent.actorCeiling} in ${spent.actorHorizonDays} days.`;
}

export async function pauseCommand(
  config: NodeConfig,
  { paused, by, nowMs }: Operator & { readonly paused: boolean },
): Promise<CommandOutcome> {
  const database = await openNodeDatabase(storePlaceOf(config));
  try {
    await setPaused(database, paused);
  } finally {
    await database.destroy();
  }
  openAuditLog({ stateDir: config.stateDir, now: nowMs }).append({
    kind: paused ? 'paused' : 'resumed',
    by,
  });
  return {
    exitCode: 0,
    facts: { paused },
    sentences: [
      paused
        ? 'Paused: rounds are declined until `bhs-node resume`; review and attestation go on.'
        : 'Resumed: the next round is taken.',
    ],
  };
}

function daysLeft(certificate: string, nowMs: number): number {
  return Math.floor((Date.parse(new X509Certificate(certificate).validTo) - nowMs) / DAY_MS);
}

/**
 * What became of each debit: the ledger's records folded by release. A release is what a node says about one interval
 * under one plan from one base model; attempts of a round share it, and with it the bytes.
 * @module
 */
import {
  canonicalJson,
  debitsOf,
  decodePlan,
  sha256Hex,
  type JsonObject,
  type LedgerRecord,
  type PrivacyEvent,
  type PrivacyPlan,
} from '@bhschain/dp';
import type { RoundId } from '@bhschain/orchestrator/protocol';
import type { Interval } from '../access-log/index.js';

/** In the order in which a release passes through them; `abandoned` ends it without any byte having left. */
export type ReleaseStage =
  'debited' | 'released' | 'sent' | 'acknowledged' | 'settled' | 'abandoned';

export interface ReleaseState {
  readonly key: string;
  readonly roundId: RoundId;
  readonly planHash: string;
  readonly layoutHash: string;
  readonly baseModel: string;
  readonly interval: Interval;
  readonly windowsPerActor: number;
  readonly deltaExponent: number;
  readonly event: PrivacyEvent;
  readonly debitedAt: string;
  readonly stage: ReleaseStage;
  /** SHA-256 of the update bytes, once they are on disk. */
  readonly digest: string | null;
  readonly byteCount: number;
  /** What the envelope says about the data; null where the record does not. */
  readonly dataCommitment: string | null;
  readonly sentAt: string | null;
  readonly verdict: string | null;
  /** Whether the round's manifest names the update, once it is known. */
  readonly included: boolean | null;
  readonly reason: string | null;
}

/** What identifies a release: not the attempt. */
export interface ReleaseIdentity {
  readonly federationId: string;
  readonly slotIndex: number;
  readonly planHash: string;
  readonly baseModel: string;
  readonly interval: Interval;
}

/** 64 hex characters. */
export function releaseKeyOf(identity: ReleaseIdentity): string {
  const { federationId, slotIndex, planHash, baseModel, interval } = identity;
  return sha256Hex(
    canonicalJson({
      federationId,
      slotIndex,
      planHash,
      baseModel,
      interval: { fromMs: interval.fromMs, toMs: interval.toMs },
    }),
  );
}

/** Folds verified records; records of kinds that speak of no release pass by. */
export function foldReleases(records: readonly LedgerRecord[]): Map<string, ReleaseState> {
  const releases = new Map<string, ReleaseState>();
  for (const record of records) applyRecord(releases, record);
  return releases;
}

export function applyRecord(releases: Map<string, ReleaseState>, record: LedgerRecord): void {
  const body = record.body as JsonObject & { readonly release?: string };
  const key = body.release;
  if (typeof key !== 'string') return;
  if (record.kind === 'debited') {
    releases.set(key, debitOf(key, record));
    return;
  }
  const before = releases.get(key);
  if (before === undefined) return;
  releases.set(key, { ...before, ...changeOf(record) });
}

/** @throws {LedgerRecordError} `ERR_DP_LEDGER_RECORD` for what the accountant cannot count, as dp's `debitsOf` */
function debitOf(key: string, record: LedgerRecord): ReleaseState {
  const { interval, event } = debitsOf([record])[0]!;
  const body = record.body as unknown as {
    readonly roundId: RoundId;
    readonly planHash: string;
    readonly layoutHash: string;
    readonly baseModel: string;
    readonly windowsPerActor: number;
    readonly deltaExponent: number;
  };
  return {
    key,
    roundId: body.roundId,
    planHash: body.planHash,
    layoutHash: body.layoutHash,
    baseModel: body.baseModel,
    interval,
    windowsPerActor: body.windowsPerActor,
    deltaExponent: body.deltaExponent,
    event,
    debitedAt: record.at,
    stage: 'debited',
    digest: null,
    byteCount: 0,
    dataCommitment: null,
    sentAt: null,
    verdict: null,
    included: null,
    reason: null,
  };
}

function changeOf(record: LedgerRecord): Partial<ReleaseState> {
  const { body } = record;
  switch (record.kind) {
    case 'released':
      return {
        stage: 'released',
        digest: textOf(body, 'digest'),
        byteCount: Number(body['byteCount']),
        dataCommitment: textOf(body, 'dataCommitment') || null,
      };
    case 'sent':
      return { stage: 'sent', sentAt: record.at };
    case 'acknowledged':
      return { stage: 'acknowledged', verdict: textOf(body, 'verdict') };
    case 'settled':
      return { stage: 'settled', included: body['included'] === true };
    case 'abandoned':
      return { stage: 'abandoned', reason: textOf(body, 'reason') };
    default:
      return {};
  }
}

/** The plan of this hash as it was approved here; null if it never was. */
export function planOf(records: readonly LedgerRecord[], hash: string): PrivacyPlan | null {
  const approved = records.find(
    ({ kind, body }) => kind === 'plan-approved' && textOf(body, 'planHash') === hash,
  );
  return approved === undefined ? null : decodePlan(Buffer.from(textOf(approved.body, 'plan')));
}

/** The plan that was approved last, or null. */
export function latestPlanOf(records: readonly LedgerRecord[]): PrivacyPlan | null {
  const record = records.findLast((each) => each.kind === 'plan-approved');
  const text = record === undefined ? '' : textOf(record.body, 'plan');
  return text === '' ? null : decodePlan(Buffer.from(text));
}

/** A text of a verified record's body; '' where there is none. */
export function textOf(body: JsonObject, name: string): string {
  const value = body[name];
  return typeof value === 'string' ? value : '';
}

/**
 * The hospital's own account of what left it and what that cost. Every method that changes anything returns after the
 * record is on disk; nothing lowers a spend.
 * @module
 */
import {
  canonicalJson,
  encodeEvent,
  encodePlan,
  planHash,
  type JsonObject,
  type LedgerHead,
  type LedgerRecord,
  type PrivacyPlan,
} from '@bhschain/dp';
import type { RoundId } from '@bhschain/orchestrator/protocol';
import type { Interval } from '../access-log/index.js';
import type { Ceilings } from '../config.js';
import { LedgerFileError, RoundRefusedError } from '../errors.js';
import { assertAffordable } from './ceilings.js';
import { DebitReceipt } from './debit-receipt.js';
import { openLedgerFile, type LedgerFile, type TornTail } from './ledger-file.js';
import {
  applyRecord,
  foldReleases,
  latestPlanOf,
  releaseKeyOf,
  textOf,
  type ReleaseStage,
  type ReleaseState,
} from './release-history.js';
import { spendOf, type SpendReport } from './spend-report.js';

export interface DebitRequest {
  readonly roundId: RoundId;
  readonly plan: PrivacyPlan;
  readonly planHash: string;
  readonly layoutHash: string;
  readonly baseModel: string;
  readonly interval: Interval;
}

/** What is known of an update once its bytes are on disk. */
export interface ReleasedFacts {
  readonly digest: string;
  readonly byteCount: number;
  /** Both or neither: a release adopted after a crash has lost its salt. */
  readonly dataCommitment?: string;
  readonly dataSalt?: string;
}

export interface PrivacyLedger {
  readonly head: LedgerHead;
  readonly tornTail: TornTail | null;
  readonly recordCount: number;
  /** Hash of the record with this number, or null if there is none yet. */
  hashAt(seq: number): string | null;
  releaseOf(key: string): ReleaseState | null;
  /** In the order of their debits. */
  releases(): readonly ReleaseState[];
  /** End of the newest spent interval, log time; null before the first. */
  readonly spentThroughMs: number | null;
  /** Whether this plan may run here; a plan within the ceilings is recorded when it is first seen. */
  approvePlan(plan: PrivacyPlan, approvedPlans: readonly string[] | null): void;
  /** The plan that was approved last, or null. */
  readonly latestPlan: PrivacyPlan | null;
  /** The checks of `debit` without its effect. */
  assertDebitable(request: DebitRequest): void;
  /**
   * Spends. Durable when it returns; only then does the noise pool hand anything out.
   * @throws {RoundRefusedError} `ERR_INTERVAL_SPENT`, `ERR_BUDGET_EXHAUSTED`
   */
  debit(request: DebitRequest): DebitReceipt;
  /** @param facts.dataSalt - opens the commitment; stays in this file */
  released(key: string, facts: ReleasedFacts): void;
  sent(key: string): void;
  acknowledged(key: string, facts: { readonly verdict: string; readonly receipt: string }): void;
  settled(key: string, facts: { readonly included: boolean; readonly manifest: string }): void;
  /** Nothing of it left or will leave; it stays spent. */
  abandoned(key: string, reason: string): void;
  spent(plan: PrivacyPlan | null): SpendReport;
  close(): void;
}

/**
 * @param o.now - Unix milliseconds, for the records
 * @throws {LedgerFileError} `ERR_LEDGER_CORRUPT`, `ERR_LEDGER_IO`, `ERR_LEDGER_OWNER` if the file is another node's
 * @throws {LedgerRecordError} `ERR_DP_LEDGER_RECORD` for a debit that the accountant cannot count
 */
export function openPrivacyLedger(o: {
  readonly file: string;
  readonly nodeId: string;
  readonly ceilings: Ceilings;
  readonly now: () => number;
}): PrivacyLedger {
  const file = openLedgerFile(o.file, o.now);
  try {
    begin(file, o.nodeId, o.ceilings);
    return new FiledPrivacyLedger(file, o.ceilings);
  } catch (error) {
    file.close();
    throw error;
  }
}

function begin(file: LedgerFile, nodeId: string, ceilings: Ceilings): void {
  const wanted = ceilingsBody(ceilings);
  const first = file.records[0];
  if (first === undefined) {
    file.append('opened', { node: nodeId, ceilings: wanted });
    return;
  }
  if (first.body['node'] !== nodeId) {
    throw new LedgerFileError(
      'ERR_LEDGER_OWNER',
      `${file.file} belongs to node ${textOf(first.body, 'node')}, not to ${nodeId}`,
      { file: file.file, nodeId },
    );
  }
  const latest = file.records.findLast(
    (record) => record.kind === 'opened' || record.kind === 'ceiling-changed',
  );
  if (canonicalJson(latest?.body['ceilings'] ?? null) !== canonicalJson(wanted)) {
    file.append('ceiling-changed', { ceilings: wanted });
  }
}

/** Micro-units, since canonical JSON knows integers only. */
function ceilingsBody(ceilings: Ceilings): JsonObject {
  return {
    epsilonPerRoundMicro: Math.round(ceilings.epsilonPerRound * 1e6),
    actorEpsilonMicro: Math.round(ceilings.actorEpsilon * 1e6),
    actorHorizonDays: ceilings.actorHorizonDays,
    windowsPerActorMax: ceilings.windowsPerActorMax,
  };
}

class FiledPrivacyLedger implements PrivacyLedger {
  readonly #file: LedgerFile;
  readonly #ceilings: Ceilings;
  readonly #releases: Map<string, ReleaseState>;
  readonly #approved: Set<string>;
  #latestPlan: PrivacyPlan | null;
  /** The question that was answered last with yes. */
  #admitted: {
    readonly plan: PrivacyPlan;
    readonly fromMs: number;
    readonly toMs: number;
    readonly debits: number;
  } | null = null;
  /** The accountant takes a while and the status is polled. */
  #spent: { readonly key: string; readonly report: SpendReport } | null = null;

  constructor(file: LedgerFile, ceilings: Ceilings) {
    this.#file = file;
    this.#ceilings = ceilings;
    this.#releases = foldReleases(file.records);
    this.#latestPlan = latestPlanOf(file.records);
    this.#approved = new Set(
      file.records
        .filter((record) => record.kind === 'plan-approved')
        .map((record) => textOf(record.body, 'planHash')),
    );
  }

  get head(): LedgerHead {
    return this.#file.head!;
  }

  get tornTail(): TornTail | null {
    return this.#file.tornTail;
  }

  get recordCount(): number {
    return this.#file.records.length;
  }

  get spentThroughMs(): number | null {
    let through: number | null = null;
    for (const { interval } of this.#releases.values()) {
      through = Math.max(through ?? 0, interval.toMs);
    }
    return through;
  }

  hashAt(seq: number): string | null {
    return this.#file.records[seq]?.hash ?? null;
  }

  releaseOf(key: string): ReleaseState | null {
    return this.#releases.get(key) ?? null;
  }

  releases(): readonly ReleaseState[] {
    return [...this.#releases.values()];
  }

  get latestPlan(): PrivacyPlan | null {
    return this.#latestPlan;
  }

  approvePlan(plan: PrivacyPlan, approvedPlans: readonly string[] | null): void {
    const hash = planHash(plan);
    if (approvedPlans !== null && !approvedPlans.includes(hash)) {
      throw new RoundRefusedError(
        'ERR_PLAN_NOT_APPROVED',
        `plan ${hash.slice(0, 12)}… is not among the plans this hospital approved`,
        'local-policy',
        { planHash: hash },
      );
    }
    if (this.#approved.has(hash)) return;
    this.#file.append('plan-approved', {
      planHash: hash,
      by: approvedPlans === null ? 'within-ceilings' : 'configuration',
      plan: Buffer.from(encodePlan(plan)).toString('utf8'),
    });
    this.#approved.add(hash);
    this.#latestPlan = plan;
  }

  assertDebitable(request: DebitRequest): void {
    const { interval } = request;
    const through = this.spentThroughMs;
    if (through !== null && interval.fromMs < through) {
      throw new RoundRefusedError(
        'ERR_INTERVAL_SPENT',
        `log interval ${interval.fromMs}–${interval.toMs} begins before ${through}, up to which this log is spent`,
        'local-policy',
        { fromMs: interval.fromMs, toMs: interval.toMs, spentThroughMs: through },
      );
    }
    // The accountant takes a while; the same question about the same debits has the same answer.
    const known = this.#admitted;
    if (
      known?.plan === request.plan &&
      known.fromMs === interval.fromMs &&
      known.toMs === interval.toMs &&
      known.debits === this.#releases.size
    ) {
      return;
    }
    assertAffordable(this.#ceilings, request.plan, interval, {
      records: this.#file.records,
      releases: this.releases(),
    });
    this.#admitted = {
      plan: request.plan,
      fromMs: interval.fromMs,
      toMs: interval.toMs,
      debits: this.#releases.size,
    };
  }

  debit(request: DebitRequest): DebitReceipt {
    this.assertDebitable(request);
    const { roundId, plan, interval } = request;
    const key = releaseKeyOf({ ...request, ...roundId });
    const record = this.#append('debited', {
      release: key,
      roundId: {
        federationId: roundId.federationId,
        slotIndex: roundId.slotIndex,
        attempt: roundId.attempt,
      },
      planHash: request.planHash,
      layoutHash: request.layoutHash,
      baseModel: request.baseModel,
      interval: { fromMs: interval.fromMs, toMs: interval.toMs },
      unit: plan.unit,
      adjacency: plan.adjacency,
      windowsPerActor: plan.windowing.windowsPerActorMax,
      deltaExponent: plan.spec.deltaExponent,
      event: encodeEvent(plan.event),
    });
    return new DebitReceipt(key, record);
  }

  released(key: string, facts: ReleasedFacts): void {
    this.#move(key, ['debited'], 'released', { ...facts });
  }

  sent(key: string): void {
    this.#move(key, ['released'], 'sent', {});
  }

  acknowledged(key: string, facts: { readonly verdict: string; readonly receipt: string }): void {
    this.#move(key, ['released', 'sent'], 'acknowledged', facts);
  }

  settled(key: string, facts: { readonly included: boolean; readonly manifest: string }): void {
    this.#move(key, ['released', 'sent', 'acknowledged'], 'settled', facts);
  }

  abandoned(key: string, reason: string): void {
    this.#move(key, ['debited'], 'abandoned', { reason });
  }

  spent(plan: PrivacyPlan | null): SpendReport {
    const key = `${this.recordCount}/${plan === null ? '' : planHash(plan)}`;
    if (this.#spent?.key !== key)
      this.#spent = { key, report: spendOf(this.releases(), this.#ceilings, plan) };
    return this.#spent.report;
  }

  close(): void {
    this.#file.close();
  }

  /** A record about a release that is not where it should be is a defect of ours and must not reach the disk. */
  #move(key: string, from: readonly ReleaseStage[], kind: ReleaseStage, facts: JsonObject): void {
    const release = this.#releases.get(key);
    if (release === undefined || !from.includes(release.stage)) {
      throw new LedgerFileError(
        'ERR_LEDGER_ORDER',
        `release ${key.slice(0, 12)}…: '${kind}' cannot follow '${release?.stage ?? 'nothing'}'`,
        { release: key, kind, stage: release?.stage ?? null },
      );
    }
    this.#append(kind, { release: key, ...facts });
  }

  #append(kind: ReleaseStage, body: JsonObject): LedgerRecord {
    const record = this.#file.append(kind, body);
    applyRecord(this.#releases, record);
    return record;
  }
}

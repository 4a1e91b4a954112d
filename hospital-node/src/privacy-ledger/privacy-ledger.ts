/**
 * The hospital's own account of what left it and what that cost. Every method that changes anything returns after the
 * record is on disk; nothing lowers a spend.
 * @module
 */
import {
  canonicalJson,
  encodeEvent,
  type JsonObject,
  type LedgerHead,
  type PrivacyPlan,
} from '@bhschain/dp';
import type { RoundId } from '@bhschain/orchestrator/protocol';
import type { Interval } from '../access-log/index.js';
import type { Ceilings } from '../config.js';
import { LedgerFileError, RoundRefusedError } from '../errors.js';
import { actorEpsilonOf, assertAffordable, roundsLeft, type Affordability } from './ceilings.js';
import { DebitReceipt } from './debit-receipt.js';
import { openLedgerFile, type LedgerFile, type TornTail } from './ledger-file.js';
import {
  applyRecord,
  foldReleases,
  releaseKeyOf,
  type ReleaseStage,
  type ReleaseState,
} from './release-history.js';

export interface DebitRequest {
  readonly roundId: RoundId;
  readonly plan: PrivacyPlan;
  readonly planHash: string;
  readonly layoutHash: string;
  readonly baseModel: string;
  readonly interval: Interval;
}

/** ε so far. Window: any window, over all history; actor: one who was active in every round. */
export interface SpendReport {
  readonly rounds: number;
  readonly deltaExponent: number;
  /** Largest over the rounds, since intervals never overlap (parallel composition). PLD. */
  readonly windowEpsilon: number;
  readonly actorEpsilonRdp: number;
  readonly actorEpsilonPld: number;
  readonly actorEpsilonLifetimePld: number;
  readonly actorCeiling: number;
  readonly actorHorizonDays: number;
  readonly roundsLeft: number | null;
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
  approvePlan(planHash: string, approvedPlans: readonly string[] | null): void;
  /** The checks of `debit` without its effect. */
  assertDebitable(request: DebitRequest): Affordability;
  /**
   * Spends. Durable when it returns; only then does the noise pool hand anything out.
   * @throws {RoundRefusedError} `ERR_INTERVAL_SPENT`, `ERR_BUDGET_EXHAUSTED`
   */
  debit(request: DebitRequest): DebitReceipt;
  released(key: string, facts: { readonly digest: string; readonly byteCount: number }): void;
  sent(key: string): void;
  acknowledged(key: string, facts: { readonly verdict: string; readonly receipt: string }): void;
  settled(key: string, facts: { readonly included: boolean; readonly manifest: string }): void;
  /** Nothing of it left or will leave; it stays spent. */
  abandoned(key: string, reason: string): void;
  spent(plan: PrivacyPlan | null): SpendReport;
  close(): void;
}

const DAY_MS = 86_400_000;
const DEFAULT_DELTA_EXPONENT = 5;

/**
 * @param o.now - Unix milliseconds, for the records
 * @throws {LedgerFileError} `ERR_LEDGER_CORRUPT`, `ERR_LEDGER_IO`, `ERR_LEDGER_OWNER` if the file is another node's
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
  } catch (error) {
    file.close();
    throw error;
  }
  return new FiledPrivacyLedger(file, o.ceilings);
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
      `${file.file} belongs to node ${String(first.body['node'])}, not to ${nodeId}`,
      { file: file.file, nodeId },
    );
  }
  const latest = file.records
    .filter((record) => record.kind === 'opened' || record.kind === 'ceiling-changed')
    .at(-1)!;
  if (canonicalJson(latest.body['ceilings'] ?? null) !== canonicalJson(wanted)) {
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

  constructor(file: LedgerFile, ceilings: Ceilings) {
    this.#file = file;
    this.#ceilings = ceilings;
    this.#releases = foldReleases(file.records);
    this.#approved = new Set(
      file.records
        .filter((record) => record.kind === 'plan-approved')
        .map((record) => String(record.body['planHash'])),
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

  approvePlan(planHash: string, approvedPlans: readonly string[] | null): void {
    if (approvedPlans !== null && !approvedPlans.includes(planHash)) {
      throw new RoundRefusedError(
        'ERR_PLAN_NOT_APPROVED',
        `plan ${planHash.slice(0, 12)}… is not among the plans this hospital approved`,
        'local-policy',
        { planHash },
      );
    }
    if (this.#approved.has(planHash)) return;
    this.#file.append('plan-approved', {
      planHash,
      by: approvedPlans === null ? 'within-ceilings' : 'configuration',
    });
    this.#approved.add(planHash);
  }

  assertDebitable(request: DebitRequest): Affordability {
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
    return assertAffordable(this.#ceilings, request.plan, interval, this.releases());
  }

  debit(request: DebitRequest): DebitReceipt {
    this.assertDebitable(request);
    const { roundId, plan, interval } = request;
    const key = releaseKeyOf({ ...request, ...roundId });
    this.#append('debited', {
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
    return new DebitReceipt(key);
  }

  released(key: string, facts: { readonly digest: string; readonly byteCount: number }): void {
    this.#move(key, ['debited'], 'released', facts);
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
    const releases = this.releases();
    const newest = releases.at(-1);
    const deltaExponent = newest?.deltaExponent ?? DEFAULT_DELTA_EXPONENT;
    const delta = 10 ** -deltaExponent;
    const atMs = this.spentThroughMs ?? 0;
    const horizonMs = this.#ceilings.actorHorizonDays * DAY_MS;
    const actor = (accountant: 'rdp' | 'pld', horizon: number): number =>
      actorEpsilonOf(releases, { atMs, horizonMs: horizon, delta, accountant });
    return {
      rounds: releases.length,
      deltaExponent,
      windowEpsilon: releases.reduce(
        (most, release) =>
          Math.max(
            most,
            actorEpsilonOf([{ ...release, windowsPerActor: 1 }], {
              atMs,
              horizonMs: Infinity,
              delta,
              accountant: 'pld',
            }),
          ),
        0,
      ),
      actorEpsilonRdp: actor('rdp', horizonMs),
      actorEpsilonPld: actor('pld', horizonMs),
      actorEpsilonLifetimePld: actor('pld', Infinity),
      actorCeiling: this.#ceilings.actorEpsilon,
      actorHorizonDays: this.#ceilings.actorHorizonDays,
      roundsLeft: plan === null ? null : roundsLeft(this.#ceilings, plan, releases, atMs),
    };
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

  #append(kind: ReleaseStage, body: JsonObject): void {
    applyRecord(this.#releases, this.#file.append(kind, body));
  }
}

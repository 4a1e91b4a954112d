/**
 * What the orchestrator answers under `/api/v1`, as far as the pages read it.
 * @module
 */
export interface Wait {
  readonly kind: string;
  readonly about: string;
  readonly awaited: string;
  readonly from: readonly string[];
  readonly sinceMs: number | null;
  readonly untilMs: number | null;
  readonly then: string;
}

export interface Overview {
  readonly federationId: string;
  readonly nowMs: number;
  readonly replay: boolean;
  readonly paused: boolean;
  readonly plan: Readonly<{ hash: string; unit: string; epsilonMicro: number }>;
  readonly rounds: Readonly<{ sealed: number; skipped: number; aborted: number }>;
  readonly publication: Readonly<{
    activeVersion: number | null;
    activeDetector: string;
    backlog: number;
    waiting: string;
  }>;
  readonly nextSlotAtMs: number;
  readonly waits: readonly Wait[];
}

export interface Lane {
  readonly nodeId: string;
  readonly state: string;
  readonly reason: string;
  readonly atMs: number | null;
}

export interface TimelineRound {
  readonly round: string;
  readonly slotIndex: number;
  readonly attempt: number;
  readonly phase: string;
  readonly outcome: string | null;
  readonly accepted: readonly string[];
  readonly quorum: number;
  readonly interval: Readonly<{ fromMs: number; toMs: number }>;
  readonly resultModel: string;
  readonly manifest: string;
  readonly startedAtMs: number;
  readonly boundMs: number;
  readonly endedAtMs: number | null;
  readonly phases: readonly Readonly<{ phase: string; fromMs: number; toMs: number | null }>[];
  readonly lanes: readonly Lane[];
}

export interface Timeline {
  readonly nowMs: number;
  readonly rounds: readonly TimelineRound[];
}

export interface Privacy {
  readonly differentiallyPrivate: boolean;
  readonly unit: string;
  readonly adjacency: string;
  readonly epsilonMicro: number;
  readonly deltaExponent: number;
  readonly mechanism: string;
  readonly accountant: string;
}

export interface ReviewOfUpdate {
  readonly nodeId: string;
  readonly person: string;
  readonly mspId: string;
  readonly disposition: string;
  readonly reason: string;
  readonly atMs: number;
}

export interface RoundPage extends TimelineRound {
  readonly policy: Readonly<Record<string, unknown>>;
  readonly policyHash: string;
  readonly planHash: string;
  readonly layoutHash: string;
  readonly baseModel: string;
  readonly events: readonly Readonly<{ kind: string; atMs: number | null; what: string }>[];
  readonly receipts: readonly Readonly<{
    nodeId: string;
    verdict: string;
    reason: string;
    atMs: number;
    update: string;
    envelope: string;
  }>[];
  readonly reviews: readonly ReviewOfUpdate[];
  readonly sealed: Readonly<{
    digest: string;
    previous: string;
    signature: string;
    signerCertificate: string;
    checks: boolean;
    problem: string;
    contributions: readonly Readonly<{
      nodeId: string;
      verdict: string;
      reason: string;
      weight: number;
      influencePpm: number;
    }>[];
    privacy: Privacy;
    document: unknown;
  }> | null;
  readonly replay: Readonly<{ node: string; orchestrator: string }>;
}

export interface NodeView {
  readonly nodeId: string;
  readonly mspId: string;
  readonly state: string;
  readonly admitted: boolean;
  readonly lastSeenMs: number | null;
  readonly clockOffsetMs: number | null;
  readonly software: string;
  readonly kernelHash: string;
  readonly ledgerSeq: number | null;
  readonly certificateExpiresMs: number | null;
  readonly outcomes: readonly Readonly<{ slotIndex: number; attempt: number; state: string }>[];
}

export interface RequestView {
  readonly requestId: string;
  readonly nodeId: string;
  readonly state: string;
  readonly fingerprint: string;
  readonly reason: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

export interface PrivacyView {
  readonly plan: Privacy;
  readonly sealedRounds: number;
  readonly nodes: readonly Readonly<{
    nodeId: string;
    contributed: number;
    cohorts: number;
    declinedForBudget: number;
    declared: Readonly<{
      spentMicro: number;
      ceilingMicro: number;
      horizonDays: number;
      deltaExponent: number;
      roundsLeft: number;
      ledgerSeq: number;
      atMs: number;
    }> | null;
  }>[];
}

/** A vote on the channel that went through this dashboard. */
export interface ChannelVote {
  readonly transactionId: string;
  readonly action: string;
  readonly about: string;
  readonly mspId: string;
  readonly person: string;
  readonly reason: string;
  readonly atMs: number;
}

export interface PlanView {
  readonly hash: string;
  readonly words: readonly (readonly [what: string, value: string])[];
  readonly needed: number;
  readonly approvers: readonly string[] | null;
  readonly problem: string;
  readonly votes: readonly ChannelVote[];
}

export interface ModelView {
  readonly digest: string;
  readonly sequence: number;
  readonly parent: string;
  readonly state: string;
  readonly isBase: boolean;
  readonly provenance: Readonly<{
    round: string;
    slotIndex: number;
    attempt: number;
    manifest: string;
    planHash: string;
    interval: Readonly<{ fromMs: number; toMs: number }>;
    contributors: readonly Readonly<{ nodeId: string; influencePpm: number }>[];
    rule: string;
    privacy: Privacy;
  }> | null;
  readonly publication: Readonly<{
    state: string;
    version: number | null;
    detector: string;
    reason: string;
    tries: number;
    proposedAtMs: number | null;
  }> | null;
}

export interface RollbackView {
  readonly active: number | null;
  readonly needed: number;
  readonly hospitals: readonly string[];
  readonly candidates: readonly Readonly<{ version: number; detector: string; model: string }>[];
  readonly votes: readonly ChannelVote[];
}

export interface Updates {
  readonly waiting: readonly Readonly<{
    nodeId: string;
    reason: string;
    update: string;
    slotIndex: number;
    attempt: number;
    deadlineMs: number | null;
    reviews: readonly ReviewOfUpdate[];
  }>[];
  readonly setAside: readonly Readonly<{
    nodeId: string;
    state: string;
    reason: string;
    update: string;
    slotIndex: number;
    attempt: number;
  }>[];
}

export interface AuditRecord {
  readonly sequence: number;
  readonly atMs: number;
  readonly kind: string;
  readonly body: string;
  readonly previous: string;
  readonly hash: string;
}

export interface MetricsView {
  readonly nowMs: number;
  readonly metrics: readonly Readonly<{
    name: string;
    help: string;
    type: string;
    values: readonly Readonly<{
      value: number;
      metricName?: string;
      labels: Readonly<Record<string, string | number>>;
    }>[];
  }>[];
}

/** Columns: values of each series at the moments of `atMs`. */
export interface MetricsHistory {
  readonly everyMs: number;
  readonly keptMs: number;
  readonly atMs: readonly number[];
  readonly series: Readonly<Record<string, Readonly<Record<string, readonly (number | null)[]>>>>;
}

/** A refusal of the orchestrator: `message` is its sentence. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, body: Record<string, unknown>) {
    super(typeof body['detail'] === 'string' ? body['detail'] : 'The orchestrator did not answer.');
    this.status = status;
    this.code = typeof body['code'] === 'string' ? body['code'] : 'ERR_NETWORK';
  }
}

export async function ask<T>(
  path: string,
  o: Readonly<{ method?: 'POST' | 'DELETE'; body?: object; csrf?: string }> = {},
): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method: o.method ?? 'GET',
      headers: {
        ...(o.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(o.csrf === undefined ? {} : { 'x-csrf-token': o.csrf }),
      },
      ...(o.body === undefined ? {} : { body: JSON.stringify(o.body) }),
    });
  } catch {
    throw new Problem(0, { detail: 'The orchestrator does not answer. Is it running?' });
  }
  const text = await response.text();
  const value: unknown = text === '' ? {} : JSON.parse(text);
  if (!response.ok) throw new Problem(response.status, value as Record<string, unknown>);
  return value as T;
}

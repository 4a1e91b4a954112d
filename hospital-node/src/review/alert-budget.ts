/**
 * What another alert budget α would have meant, from the scores that are stored; nothing is judged anew and θ stays where it
 * is. A score is s = 1 − p^γ with γ = ln(1 − θ) / ln α, so a call that α judged with score s would be held at α′ exactly if
 * s ≥ 1 − α′^γ: for α′ = α that is θ itself.
 * @module
 */
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import type { AlertBudget, AlertRate, BudgetOption, BudgetProposal } from '../http/answers.js';
import { KEPT_CALLS_MS, PLACES_IN_BLOCK } from './call-intake.js';

/** What is asked beside the one in force: half to double are a change of degree, the rest is for the eye. */
const LADDER_PPM = [5_000, 10_000, 20_000, 32_000, 50_000, 80_000];
const MISSED_SHOWN = 50;
const RATE_DAYS = 7;
/** From an hour of calls nobody should compute a day. */
const RATE_DAYS_MIN = 0.25;
const DAY_MS = 86_400_000;

/** The score from which a call is held at `alphaPpm`, if `judgedAtPpm` gave it. */
export function thresholdAt(
  alphaPpm: number,
  o: Readonly<{ judgedAtPpm: number; theta: number }>,
): number {
  const gamma = Math.log(1 - o.theta / 1e6) / Math.log(o.judgedAtPpm / 1e6);
  return Math.round(1e6 * (1 - (alphaPpm / 1e6) ** gamma));
}

/** @param o.alphaPpm - one more to ask for, 1 … 500,000; null: the usual ones only */
export function alertBudget(
  database: DatabaseSyncInstance,
  o: Readonly<{ mspId: string; theta: number; nowMs: number; alphaPpm: number | null }>,
): AlertBudget {
  const sinceMs = o.nowMs - KEPT_CALLS_MS;
  const total = database
    .prepare(
      `SELECT count(*) AS calls, count(score) AS scored, min(filed_ms) AS first FROM guarded_call WHERE filed_ms >= ?`,
    )
    .get(sinceMs) as { calls: number; scored: number; first: number | null };
  const alphas = database
    .prepare(
      `SELECT DISTINCT alpha_ppm AS alpha FROM guarded_call WHERE filed_ms >= ? AND alpha_ppm IS NOT NULL`,
    )
    .all(sinceMs) as { alpha: number }[];
  const newest = database
    .prepare(
      'SELECT alpha_ppm AS alpha FROM guarded_call WHERE alpha_ppm IS NOT NULL ORDER BY place DESC LIMIT 1',
    )
    .get() as { alpha: number } | undefined;
  const anyway = database
    .prepare(
      `SELECT count(*) AS n FROM hold WHERE msp_id = ? AND filed_ms >= ? AND cause <> 'score'`,
    )
    .get(o.mspId, sinceMs) as { n: number };
  const confirmed = confirmedHolds(database, o.mspId, sinceMs);
  const fromMs = total.first ?? o.nowMs;
  const coveredMs = Math.max(1, o.nowMs - fromMs);
  const above = database.prepare(
    'SELECT count(*) AS n FROM guarded_call WHERE filed_ms >= ? AND alpha_ppm = ? AND score >= ?',
  );
  const optionOf = (alphaPpm: number): BudgetOption => {
    let holds = 0;
    for (const { alpha } of alphas) {
      const from = thresholdAt(alphaPpm, { judgedAtPpm: alpha, theta: o.theta });
      holds += (above.get(sinceMs, alpha, from) as { n: number }).n;
    }
    const missed = confirmed.filter(
      ({ score, alpha }) => score < thresholdAt(alphaPpm, { judgedAtPpm: alpha, theta: o.theta }),
    );
    return {
      alphaPpm,
      holds,
      holdsPerDay: (holds * DAY_MS) / coveredMs,
      heldPerThousand: total.scored === 0 ? 0 : (holds * 1_000) / total.scored,
      found: confirmed.length - missed.length,
      missed: missed.slice(0, MISSED_SHOWN).map(({ number }) => `H-${number}`),
      missedCount: missed.length,
    };
  };
  const asked = new Set([
    ...LADDER_PPM,
    ...(newest === undefined ? [] : [newest.alpha]),
    ...(o.alphaPpm === null ? [] : [o.alphaPpm]),
  ]);
  return {
    fromAt: iso(fromMs),
    toAt: iso(o.nowMs),
    theta: o.theta,
    coveredMs,
    scoredCalls: total.scored,
    unscoredCalls: total.calls - total.scored,
    heldAnyway: anyway.n,
    currentAlphaPpm: newest?.alpha ?? null,
    confirmed: confirmed.length,
    options: [...asked].sort((a, b) => a - b).map(optionOf),
  };
}

/** θ with what it means in work: the promise for normal calls, and what came of it. Cheap enough to be told to every page. */
export function alertRate(
  database: DatabaseSyncInstance,
  o: Readonly<{ mspId: string; theta: number; nowMs: number }>,
): AlertRate {
  const day = database
    .prepare(`SELECT count(score) AS scored FROM guarded_call WHERE filed_ms >= ?`)
    .get(o.nowMs - DAY_MS) as { scored: number };
  const newest = database
    .prepare(
      'SELECT alpha_ppm AS alpha FROM guarded_call WHERE alpha_ppm IS NOT NULL ORDER BY place DESC LIMIT 1',
    )
    .get() as { alpha: number } | undefined;
  const held = database
    .prepare(
      `SELECT count(*) AS held, count(CASE WHEN cause = 'score' THEN 1 END) AS forScore
       FROM hold WHERE msp_id = ? AND filed_ms >= ?`,
    )
    .get(o.mspId, o.nowMs - DAY_MS) as { held: number; forScore: number };
  const first = database.prepare('SELECT min(filed_ms) AS ms FROM guarded_call').get() as {
    ms: number | null;
  };
  const sinceMs = Math.max(o.nowMs - RATE_DAYS * DAY_MS, first.ms ?? o.nowMs);
  const days = (o.nowMs - sinceMs) / DAY_MS;
  const week = database
    .prepare('SELECT count(*) AS n FROM hold WHERE msp_id = ? AND filed_ms >= ?')
    .get(o.mspId, sinceMs) as { n: number };
  return {
    theta: o.theta,
    alphaPpm: newest?.alpha ?? null,
    scoredCalls: day.scored,
    heldForScore: held.forScore,
    held: held.held,
    heldPerDay: days < RATE_DAYS_MIN ? null : week.n / days,
  };
}

interface ConfirmedHold {
  readonly number: number;
  readonly score: number;
  readonly alpha: number;
}

/** What no budget may lose sight of: two people called these harmful. */
function confirmedHolds(
  database: DatabaseSyncInstance,
  mspId: string,
  sinceMs: number,
): readonly ConfirmedHold[] {
  return database
    .prepare(
      `SELECT h.number, h.score, c.alpha_ppm AS alpha FROM hold h
       JOIN label l ON l.hold = h.tx_id AND l.state = 'confirmed'
       JOIN guarded_call c ON c.place = h.block * ${PLACES_IN_BLOCK} + h.position
       WHERE h.msp_id = ? AND h.filed_ms >= ? AND h.cause = 'score' AND h.score IS NOT NULL
         AND c.alpha_ppm IS NOT NULL
       ORDER BY h.number`,
    )
    .all(mspId, sinceMs) as ConfirmedHold[];
}

/** A proposal on paper: the ledger takes no notice of it until the federation calibrates. Newest first. */
export function budgetProposals(database: DatabaseSyncInstance): readonly BudgetProposal[] {
  const rows = database
    .prepare('SELECT * FROM alert_budget_proposal ORDER BY id DESC LIMIT 20')
    .all() as unknown as {
    id: number;
    alpha_ppm: number;
    reason: string;
    figures: string;
    owner: string;
    at_ms: number;
  }[];
  return rows.map((row) => ({
    id: row.id,
    alphaPpm: row.alpha_ppm,
    reason: row.reason,
    figures: JSON.parse(row.figures) as BudgetProposal['figures'],
    owner: row.owner,
    at: iso(row.at_ms),
  }));
}

export function addBudgetProposal(
  database: DatabaseSyncInstance,
  o: Omit<BudgetProposal, 'id' | 'at'> & { readonly atMs: number },
): number {
  const { lastInsertRowid } = database
    .prepare(
      'INSERT INTO alert_budget_proposal (alpha_ppm, reason, figures, owner, at_ms) VALUES (?, ?, ?, ?, ?)',
    )
    .run(o.alphaPpm, o.reason, JSON.stringify(o.figures), o.owner, o.atMs);
  return Number(lastInsertRowid);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

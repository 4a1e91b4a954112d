/**
 * What another alert budget α would have meant, from the scores that are stored; nothing is judged anew and θ stays where it
 * is. A score is s = 1 − p^γ with γ = ln(1 − θ) / ln α, so a call that α judged with score s would be held at α′ exactly if
 * s ≥ 1 − α′^γ: for α′ = α that is θ itself.
 * @module
 */
import { sql } from 'kysely';
import type { AlertBudget, AlertRate, BudgetOption, BudgetProposal } from '../http/answers.js';
import { PLACES_IN_BLOCK } from '../fabric/block-checkpoint.js';
import { oneRow, rowOf, rowsOf, type NodeDatabase } from '../store/index.js';
import { KEPT_CALLS_MS } from './call-intake.js';

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
export async function alertBudget(
  database: NodeDatabase,
  o: Readonly<{ mspId: string; theta: number; nowMs: number; alphaPpm: number | null }>,
): Promise<AlertBudget> {
  const sinceMs = o.nowMs - KEPT_CALLS_MS;
  const total = await oneRow(
    database,
    sql<{ calls: number; scored: number; first: number | null }>`
      SELECT count(*) AS calls, count(score) AS scored, min(filed_ms) AS first
      FROM guarded_call WHERE filed_ms >= ${sinceMs}`,
  );
  const alphas = await rowsOf(
    database,
    sql<{ alpha: number }>`SELECT DISTINCT alpha_ppm AS alpha FROM guarded_call
      WHERE filed_ms >= ${sinceMs} AND alpha_ppm IS NOT NULL`,
  );
  const newest = await newestAlpha(database);
  const anyway = await oneRow(
    database,
    sql<{ n: number }>`SELECT count(*) AS n FROM hold
      WHERE msp_id = ${o.mspId} AND filed_ms >= ${sinceMs} AND cause <> 'score'`,
  );
  const confirmed = await confirmedHolds(database, o.mspId, sinceMs);
  const fromMs = total.first ?? o.nowMs;
  const coveredMs = Math.max(1, o.nowMs - fromMs);
  const above = async (alpha: number, score: number): Promise<number> => {
    const row = await oneRow(
      database,
      sql<{ n: number }>`SELECT count(*) AS n FROM guarded_call
        WHERE filed_ms >= ${sinceMs} AND alpha_ppm = ${alpha} AND score >= ${score}`,
    );
    return row.n;
  };
  const optionOf = async (alphaPpm: number): Promise<BudgetOption> => {
    let holds = 0;
    for (const { alpha } of alphas) {
      holds += await above(alpha, thresholdAt(alphaPpm, { judgedAtPpm: alpha, theta: o.theta }));
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
    ...(newest === null ? [] : [newest]),
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
    currentAlphaPpm: newest,
    confirmed: confirmed.length,
    options: await Promise.all([...asked].sort((a, b) => a - b).map(optionOf)),
  };
}

/** θ with what it means in work: the promise for normal calls, and what came of it. Cheap enough to be told to every page. */
export async function alertRate(
  database: NodeDatabase,
  o: Readonly<{ mspId: string; theta: number; nowMs: number }>,
): Promise<AlertRate> {
  const day = await oneRow(
    database,
    sql<{ scored: number }>`
      SELECT count(score) AS scored FROM guarded_call WHERE filed_ms >= ${o.nowMs - DAY_MS}`,
  );
  const held = await oneRow(
    database,
    sql<{ held: number; for_score: number }>`
      SELECT count(*) AS held, count(*) FILTER (WHERE cause = 'score') AS for_score
      FROM hold WHERE msp_id = ${o.mspId} AND filed_ms >= ${o.nowMs - DAY_MS}`,
  );
  const first = await oneRow(
    database,
    sql<{ ms: number | null }>`SELECT min(filed_ms) AS ms FROM guarded_call`,
  );
  const sinceMs = Math.max(o.nowMs - RATE_DAYS * DAY_MS, first.ms ?? o.nowMs);
  const days = (o.nowMs - sinceMs) / DAY_MS;
  const week = await oneRow(
    database,
    sql<{ n: number }>`
      SELECT count(*) AS n FROM hold WHERE msp_id = ${o.mspId} AND filed_ms >= ${sinceMs}`,
  );
  return {
    theta: o.theta,
    alphaPpm: await newestAlpha(database),
    scoredCalls: day.scored,
    heldForScore: held.for_score,
    held: held.held,
    heldPerDay: days < RATE_DAYS_MIN ? null : week.n / days,
  };
}

interface ConfirmedHold {
  readonly number: number;
  readonly score: number;
  readonly alpha: number;
}

/** Of the newest scored call. */
async function newestAlpha(database: NodeDatabase): Promise<number | null> {
  const row = await rowOf(
    database,
    sql<{ alpha: number }>`SELECT alpha_ppm AS alpha FROM guarded_call
      WHERE alpha_ppm IS NOT NULL ORDER BY place DESC LIMIT 1`,
  );
  return row?.alpha ?? null;
}

/** What no budget may lose sight of: two people called these harmful. */
function confirmedHolds(
  database: NodeDatabase,
  mspId: string,
  sinceMs: number,
): Promise<readonly ConfirmedHold[]> {
  return rowsOf(
    database,
    sql<ConfirmedHold>`SELECT h.number, h.score, c.alpha_ppm AS alpha FROM hold h
      JOIN label l ON l.hold = h.tx_id AND l.state = 'confirmed'
      JOIN guarded_call c ON c.place = h.block * ${PLACES_IN_BLOCK} + h.position
      WHERE h.msp_id = ${mspId} AND h.filed_ms >= ${sinceMs} AND h.cause = 'score' AND h.score IS NOT NULL
        AND c.alpha_ppm IS NOT NULL
      ORDER BY h.number`,
  );
}

/** A proposal on paper: the ledger takes no notice of it until the federation calibrates. Newest first. */
export async function budgetProposals(database: NodeDatabase): Promise<readonly BudgetProposal[]> {
  const rows = await rowsOf(
    database,
    sql<ProposalRow>`SELECT * FROM alert_budget_proposal ORDER BY id DESC LIMIT 20`,
  );
  return rows.map((row) => ({
    id: row.id,
    alphaPpm: row.alpha_ppm,
    reason: row.reason,
    figures: JSON.parse(row.figures) as BudgetProposal['figures'],
    owner: row.owner,
    at: iso(row.at_ms),
  }));
}

interface ProposalRow {
  readonly id: number;
  readonly alpha_ppm: number;
  readonly reason: string;
  readonly figures: string;
  readonly owner: string;
  readonly at_ms: number;
}

/** @returns its number */
export async function addBudgetProposal(
  database: NodeDatabase,
  o: Omit<BudgetProposal, 'id' | 'at'> & { readonly atMs: number },
): Promise<number> {
  const row = await oneRow(
    database,
    sql<{ id: number }>`INSERT INTO alert_budget_proposal (alpha_ppm, reason, figures, owner, at_ms)
      VALUES (${o.alphaPpm}, ${o.reason}, ${JSON.stringify(o.figures)}, ${o.owner}, ${o.atMs})
      RETURNING id`,
  );
  return row.id;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

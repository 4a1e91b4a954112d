/**
 * What an actor did around a held call: her calls on the ledger, as this node read them, and her other holds.
 * @module
 */
import { sql } from 'kysely';
import { PLACES_IN_BLOCK } from '../fabric/block-checkpoint.js';
import type { ReviewState, Timeline as TimelineAnswer } from '../http/answers.js';
import { rowsOf, type NodeDatabase } from '../store/index.js';

export interface TimelineCall extends Omit<TimelineAnswer['calls'][number], 'at'> {
  readonly atMs: number;
}

export interface Timeline extends Omit<TimelineAnswer, 'fromAt' | 'toAt' | 'calls'> {
  readonly fromMs: number;
  readonly toMs: number;
  readonly calls: readonly TimelineCall[];
}

const SHOWN_MAX = 100;
const AFTER_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** @param o.days - how far back, from an hour after the call */
export async function actorTimeline(
  database: NodeDatabase,
  o: Readonly<{ actor: string; atMs: number; days: 1 | 7 }>,
): Promise<Timeline> {
  const fromMs = o.atMs - o.days * DAY_MS;
  const toMs = o.atMs + AFTER_MS;
  const rows = await rowsOf(
    database,
    sql<Row>`SELECT c.at_ms, c.function, c.held, c.score, h.number, h.tx_id, h.state, l.finding
      FROM guarded_call c
      LEFT JOIN hold h ON c.held = 1 AND h.block = c.place / ${PLACES_IN_BLOCK}
        AND h.position = c.place % ${PLACES_IN_BLOCK} AND h.actor = c.actor
      LEFT JOIN label l ON l.hold = h.tx_id
      WHERE c.actor = ${o.actor} AND c.at_ms BETWEEN ${fromMs} AND ${toMs}
      ORDER BY c.at_ms DESC, c.place DESC LIMIT ${SHOWN_MAX + 1}`,
  );
  const hours = Array<number>(24).fill(0);
  const byHour = await rowsOf(
    database,
    sql<{ hour: number; n: number }>`SELECT (at_ms / 3600000) % 24 AS hour, count(*) AS n
      FROM guarded_call WHERE actor = ${o.actor} GROUP BY (at_ms / 3600000) % 24`,
  );
  for (const { hour, n } of byHour) hours[hour] = n;
  return {
    fromMs,
    toMs,
    calls: rows.slice(0, SHOWN_MAX).reverse().map(callOf),
    more: rows.length > SHOWN_MAX,
    usualHours: hours,
  };
}

interface Row {
  readonly at_ms: number;
  readonly function: string;
  readonly held: number;
  readonly score: number | null;
  readonly number: number | null;
  readonly tx_id: string | null;
  readonly state: ReviewState | null;
  readonly finding: string | null;
}

function callOf(row: Row): TimelineCall {
  return {
    atMs: row.at_ms,
    function: row.function,
    held: row.held === 1,
    scoreMillionths: row.score,
    hold: row.number === null ? null : `H-${row.number}`,
    txId: row.tx_id,
    state: row.state,
    finding: row.finding,
  };
}

/**
 * Which holds a list shows: filters as they stand in the address, and the statement that finds them. Each state is walked
 * along its own index in the order of deadlines, so a page costs the same at a hundred thousand holds.
 * @module
 */
import {
  QUARANTINE_CAUSES,
  REVIEW_STATES,
  type ReviewState,
} from '@bhschain/chaincode-hooks/events';
import { sql, type RawBuilder } from 'kysely';
import type { Engine } from '../store/index.js';
import { ReviewError } from './errors.js';
import { matching } from './hold-search.js';
import { isDeferred } from './suppressions.js';

export interface HoldFilter {
  readonly states: readonly ReviewState[];
  readonly kind?: 'quarantine' | 'review';
  readonly cause?: string;
  /** Without the contract's name. */
  readonly function?: string;
  /** Millionths, inclusive. */
  readonly scoreFrom?: number;
  /** Deadline before this, Unix milliseconds. */
  readonly dueBeforeMs?: number;
  /** Actor id of the person who holds it. */
  readonly holder?: string;
  /** Proposed by somebody else than this actor. */
  readonly notProposedBy?: string;
  /** Kept at the back of the queue by a suppression, or not; `nowMs` says which are in force. */
  readonly deferred?: { readonly only: boolean; readonly nowMs: number };
  /** Each word begins a word of the hold: its number (H-12), actor (P-71), role, ward, function or transaction id. */
  readonly text?: string;
}

export interface HoldQuery extends HoldFilter {
  readonly mspId: string;
  readonly limit: number;
  readonly after: Readonly<{ deadlineMs: number; number: number }> | null;
}

/** The query string as it came; its shape was checked at the door. */
export interface HoldQueryText {
  readonly state?: string;
  readonly kind?: string;
  readonly cause?: string;
  readonly function?: string;
  readonly scoreFrom?: string;
  readonly dueWithinMinutes?: string;
  readonly holder?: string;
  readonly needs?: string;
  readonly deferred?: string;
  readonly text?: string;
}

const UNDECIDED: readonly ReviewState[] = ['open', 'claimed', 'proposed', 'escalated'];

/** @throws {ReviewError} `ERR_REQUEST` naming the filter, what came and what was expected */
export function filterOf(
  query: HoldQueryText,
  o: Readonly<{ actor: string; nowMs: number }>,
): HoldFilter {
  const { kind, cause } = query;
  if (kind !== undefined && kind !== 'quarantine' && kind !== 'review') {
    refuse('kind', kind, 'quarantine or review');
  }
  if (cause !== undefined && !(QUARANTINE_CAUSES as readonly string[]).includes(cause)) {
    refuse('cause', cause, QUARANTINE_CAUSES.join(', '));
  }
  if (query.holder !== undefined && query.holder !== 'me') refuse('holder', query.holder, 'me');
  if (query.needs !== undefined && query.needs !== 'me') refuse('needs', query.needs, 'me');
  const { deferred } = query;
  if (deferred !== undefined && deferred !== 'no' && deferred !== 'only') {
    refuse('deferred', deferred, 'no or only');
  }
  return {
    states: query.needs === undefined ? statesOf(query.state) : ['proposed'],
    ...(kind === undefined ? {} : { kind: kind }),
    ...(cause === undefined ? {} : { cause }),
    ...(query.function === undefined ? {} : { function: query.function }),
    ...(query.scoreFrom === undefined ? {} : { scoreFrom: Number(query.scoreFrom) }),
    ...(query.dueWithinMinutes === undefined
      ? {}
      : { dueBeforeMs: o.nowMs + Number(query.dueWithinMinutes) * 60_000 }),
    ...(query.holder === undefined ? {} : { holder: o.actor }),
    ...(query.needs === undefined ? {} : { notProposedBy: o.actor }),
    ...(deferred === undefined ? {} : { deferred: { only: deferred === 'only', nowMs: o.nowMs } }),
    ...(query.text === undefined ? {} : { text: query.text }),
  };
}

function statesOf(text: string | undefined): readonly ReviewState[] {
  if (text === undefined) return UNDECIDED;
  const wanted = [...new Set(text.split(','))];
  const states = REVIEW_STATES.filter((state) => wanted.includes(state));
  if (states.length !== wanted.length) {
    refuse('state', text, `some of ${REVIEW_STATES.join(', ')}`);
  }
  return states;
}

function refuse(name: string, got: string, expected: string): never {
  throw new ReviewError('ERR_REQUEST', `${name}: expected ${expected}, got ${got}`);
}

/** Rows of the page, due first. */
export function pageStatement<R>(query: HoldQuery, engine: Engine): RawBuilder<R> {
  return sql<R>`${perState(query, sql`*`, engine)} ORDER BY deadline_ms, number LIMIT ${query.limit}`;
}

/** How many rows the filter has, `upTo` at most. */
export function countStatement(
  filter: HoldFilter & { readonly mspId: string },
  upTo: number,
  engine: Engine,
): RawBuilder<{ n: number }> {
  const rows = perState({ ...filter, limit: upTo, after: null }, sql`number`, engine);
  return sql`SELECT count(*) AS n FROM (${rows} LIMIT ${upTo}) AS counted`;
}

/** Each state's own first rows. */
function perState(
  query: HoldQuery,
  columns: RawBuilder<unknown>,
  engine: Engine,
): RawBuilder<unknown> {
  const after = query.after ?? { deadlineMs: -1, number: -1 };
  const filters = sql.join([sql``, ...conditionsOf(query, engine)], sql` AND `);
  return sql.join(
    query.states.map(
      (
        state,
      ) => sql`SELECT * FROM (SELECT ${columns} FROM hold WHERE msp_id = ${query.mspId} AND state = ${state}
        AND (deadline_ms, number) > (${after.deadlineMs}, ${after.number})${filters}
        ORDER BY deadline_ms, number LIMIT ${query.limit}) AS of_state`,
    ),
    sql` UNION ALL `,
  );
}

function conditionsOf(query: HoldFilter, engine: Engine): readonly RawBuilder<unknown>[] {
  const parts: RawBuilder<unknown>[] = [];
  if (query.kind !== undefined) parts.push(sql`kind = ${query.kind}`);
  if (query.cause !== undefined) parts.push(sql`cause = ${query.cause}`);
  if (query.function !== undefined) parts.push(sql`operation = ${query.function}`);
  if (query.scoreFrom !== undefined) parts.push(sql`score >= ${query.scoreFrom}`);
  if (query.dueBeforeMs !== undefined) parts.push(sql`deadline_ms < ${query.dueBeforeMs}`);
  if (query.holder !== undefined) parts.push(sql`holder = ${query.holder}`);
  if (query.notProposedBy !== undefined) parts.push(sql`proposer <> ${query.notProposedBy}`);
  if (query.deferred !== undefined) {
    const { only, nowMs } = query.deferred;
    parts.push(only ? isDeferred(nowMs) : sql`NOT ${isDeferred(nowMs)}`);
  }
  if (query.text !== undefined) parts.push(matching(query.text, engine));
  return parts;
}

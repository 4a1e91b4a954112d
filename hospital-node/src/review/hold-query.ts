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
import { ReviewError } from './errors.js';
import { DEFERRED_SQL } from './suppressions.js';

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

export interface Statement {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

/** Rows of the page, due first. */
export function pageStatement(query: HoldQuery): Statement {
  return perState(query, '*', query.limit);
}

/** How many rows the filter has, `upTo` at most. */
export function countStatement(
  filter: HoldFilter & { readonly mspId: string },
  upTo: number,
): Statement {
  const { sql, values } = perState(
    { ...filter, limit: upTo, after: null },
    'deadline_ms, number',
    upTo,
  );
  return { sql: `SELECT count(*) AS n FROM (${sql})`, values };
}

function perState(query: HoldQuery, columns: string, limit: number): Statement {
  const filters = filtersOf(query);
  const after = query.after ?? { deadlineMs: -1, number: -1 };
  const one = `SELECT * FROM (SELECT ${columns} FROM hold WHERE msp_id = ? AND state = ?
    AND (deadline_ms, number) > (?, ?)${filters.sql} ORDER BY deadline_ms, number LIMIT ?)`;
  return {
    sql: `${query.states.map(() => one).join(' UNION ALL ')} ORDER BY deadline_ms, number LIMIT ?`,
    values: [
      ...query.states.flatMap((state) => [
        query.mspId,
        state,
        after.deadlineMs,
        after.number,
        ...filters.values,
        limit,
      ]),
      limit,
    ],
  };
}

function filtersOf(query: HoldFilter): Statement {
  const parts: string[] = [];
  const values: (string | number)[] = [];
  const add = (sql: string, ...more: (string | number)[]): void => {
    parts.push(` AND ${sql}`);
    values.push(...more);
  };
  if (query.kind !== undefined) add('kind = ?', query.kind);
  if (query.cause !== undefined) add('cause = ?', query.cause);
  if (query.function !== undefined) add("function LIKE '%:' || ?", query.function);
  if (query.scoreFrom !== undefined) add('score >= ?', query.scoreFrom);
  if (query.dueBeforeMs !== undefined) add('deadline_ms < ?', query.dueBeforeMs);
  if (query.holder !== undefined) add('holder = ?', query.holder);
  if (query.notProposedBy !== undefined) add('proposer <> ?', query.notProposedBy);
  if (query.deferred !== undefined) {
    const { only, nowMs } = query.deferred;
    add(only ? DEFERRED_SQL : `NOT ${DEFERRED_SQL}`, nowMs, nowMs);
  }
  if (query.text !== undefined) {
    add('number IN (SELECT rowid FROM hold_search WHERE hold_search MATCH ?)', matchOf(query.text));
  }
  return { sql: parts.join(''), values };
}

/** Every word as the beginning of one, in the language of SQLite's FTS5; a text without a word finds nothing. */
function matchOf(text: string): string {
  const words = text.match(/[\p{L}\p{N}-]+/gu) ?? [];
  return words.length === 0 ? '""' : words.map((word) => `"${word}"*`).join(' ');
}

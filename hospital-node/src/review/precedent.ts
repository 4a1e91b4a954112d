/**
 * Seen before: earlier holds that were decided, of the same role and operation, the ones with the most reasons in common
 * first. It says why two are alike, since a bare "similar" teaches nobody anything.
 * @module
 */
import type { QuarantineRecord } from '@bhschain/chaincode-hooks/events';
import { decodeQuarantineRecord } from '@bhschain/chaincode-hooks/events';
import { sql } from 'kysely';
import type { Precedent as PrecedentAnswer } from '../http/answers.js';
import { rowsOf, type NodeDatabase } from '../store/index.js';

export interface Precedent extends Omit<PrecedentAnswer, 'at'> {
  readonly atMs: number;
}

export interface Precedents {
  /** The most alike, at most five. */
  readonly nearest: readonly Precedent[];
  /** Finding → how many of those that were looked at. */
  readonly findings: Readonly<Record<string, number>>;
  readonly lookedAt: number;
}

const LOOKED_AT_MAX = 200;
const NEAREST_MAX = 5;

interface Row {
  readonly number: number;
  readonly tx_id: string;
  readonly actor: string;
  readonly at_ms: number;
  readonly record: string;
}

/** @param hold - the hold in question; only holds filed before it count */
export async function precedentsOf(
  database: NodeDatabase,
  hold: Readonly<{ number: number; mspId: string; role: string; record: QuarantineRecord }>,
): Promise<Precedents> {
  const rows = await rowsOf(
    database,
    sql<Row>`SELECT number, tx_id, actor, at_ms, record FROM hold
      WHERE msp_id = ${hold.mspId} AND role = ${hold.role} AND function = ${hold.record.function}
        AND number < ${hold.number} AND state IN ('released', 'rejected', 'closed')
      ORDER BY number DESC LIMIT ${LOOKED_AT_MAX}`,
  );
  const reasons = new Set(hold.record.reasons.map(({ column }) => column));
  const findings: Record<string, number> = {};
  const found = rows.map((row): Precedent => {
    const record = decodeQuarantineRecord(Buffer.from(row.record));
    const finding = record.proposal?.finding ?? null;
    findings[finding ?? 'undetermined'] = (findings[finding ?? 'undetermined'] ?? 0) + 1;
    return {
      id: `H-${row.number}`,
      txId: row.tx_id,
      state: record.state,
      finding,
      atMs: row.at_ms,
      sharedReasons: record.reasons.map(({ column }) => column).filter((name) => reasons.has(name)),
      sameActor: row.actor === hold.record.actor,
    };
  });
  const alike = (each: Precedent): number => each.sharedReasons.length + (each.sameActor ? 1 : 0);
  return {
    // The sort is stable, so of two that are equally alike the later one comes first.
    nearest: found.toSorted((a, b) => alike(b) - alike(a)).slice(0, NEAREST_MAX),
    findings,
    lookedAt: rows.length,
  };
}

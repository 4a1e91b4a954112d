/**
 * The growing wait after wrong passwords. It belongs to the name that was typed, whether or not somebody has it: who
 * could be told apart by her wait would be known to have an account. Kept under the name's hash, since people type
 * passwords into the wrong field.
 * @module
 */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { rowOf, run, transact, type NodeDatabase } from '../store/index.js';

/**
 * Names that are remembered; the one that failed longest ago is forgotten first, known or not. Pushing one out takes as
 * many runs of scrypt, minutes of them, and no wait is longer than half a minute.
 */
export const NAMES_MAX = 4_096;

const FREE_FAILURES = 3;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/** Milliseconds until this name may be tried again; 0 or less: now. */
export async function waitLeftMs(
  database: NodeDatabase,
  name: string,
  nowMs: number,
): Promise<number> {
  const row = await rowOf(
    database,
    sql<{ failures: number; failed_at_ms: number }>`
      SELECT failures, failed_at_ms FROM sign_in_failure WHERE name_hash = ${hashOf(name)}`,
  );
  return row === undefined ? 0 : row.failed_at_ms + delayMs(row.failures) - nowMs;
}

export async function noteFailure(
  database: NodeDatabase,
  name: string,
  nowMs: number,
): Promise<void> {
  await transact(database, async (transaction) => {
    await run(
      transaction,
      sql`INSERT INTO sign_in_failure (name_hash, failures, failed_at_ms)
        VALUES (${hashOf(name)}, 1, ${nowMs})
        ON CONFLICT (name_hash) DO UPDATE SET failures = sign_in_failure.failures + 1,
          failed_at_ms = excluded.failed_at_ms`,
    );
    await run(
      transaction,
      sql`DELETE FROM sign_in_failure WHERE name_hash NOT IN
        (SELECT name_hash FROM sign_in_failure ORDER BY failed_at_ms DESC LIMIT ${NAMES_MAX})`,
    );
  });
}

/** Inside a transaction of the caller. */
export function forgetFailures(transaction: NodeDatabase, name: string): Promise<void> {
  return run(transaction, sql`DELETE FROM sign_in_failure WHERE name_hash = ${hashOf(name)}`);
}

function delayMs(failures: number): number {
  if (failures < FREE_FAILURES) return 0;
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - FREE_FAILURES));
}

function hashOf(name: string): string {
  return createHash('sha256').update(name).digest('hex');
}

/**
 * Two writers, one row: what both engines call it, and the one answer.
 * @module
 */

/** SQLite says it in words, PostgreSQL by SQLSTATE: 23505 unique violation, 40001 and 40P01 for a lost transaction. */
export function isConflict(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  const { code } = cause as Error & { code?: unknown };
  return (
    code === '23505' ||
    code === '40001' ||
    code === '40P01' ||
    cause.message.includes('UNIQUE constraint failed')
  );
}

const TRIES_MAX = 20;

/** Runs a read-then-insert transaction again when another writer took the number first. */
export async function againOnConflict<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (cause) {
      if (!isConflict(cause) || tries === TRIES_MAX) throw cause;
    }
  }
}

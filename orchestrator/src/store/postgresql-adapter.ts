/**
 * PostgreSQL in the shape that Kysely's dialect expects: guarded parameters, int8 as number, bounded waits.
 * @module
 */
import { PostgresDialect, type Dialect } from 'kysely';
import pg from 'pg';
import { StoreError } from '../errors.js';
import { guardValues } from './value-guard.js';

const INT8_OID = 20;

/**
 * @param o.url - `postgresql://user:password@host:port/database`; comes from the environment, never from a file
 */
export function createPostgresPool(
  o: Readonly<{ url: string; connectionsMax?: number; failed?: (cause: Error) => void }>,
): pg.Pool {
  const types = new pg.TypeOverrides();
  types.setTypeParser(INT8_OID, parseInt8);
  const pool = new pg.Pool({
    connectionString: o.url,
    max: o.connectionsMax ?? 8,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 30_000,
    idle_in_transaction_session_timeout: 30_000,
    types,
  });
  // A connection that breaks while idle is replaced at the next query; without a listener it would end the process.
  pool.on('error', (cause) => o.failed?.(cause));
  return pool;
}

export function postgresDialect(pool: pg.Pool): Dialect {
  return new PostgresDialect({
    pool: {
      connect: async () => {
        const client = await pool.connect();
        return {
          query: (query: string | object, parameters?: readonly unknown[]) =>
            typeof query === 'string'
              ? client.query(query, guardValues(parameters ?? []))
              : client.query(query as never),
          release: () => {
            client.release();
          },
        } as never;
      },
      end: () => pool.end(),
    },
  });
}

/** @throws {StoreError} `ERR_STORE_VALUE` for an integer that a number cannot hold */
function parseInt8(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new StoreError('ERR_STORE_VALUE', `int8: expected a safe integer, got ${text}`);
}

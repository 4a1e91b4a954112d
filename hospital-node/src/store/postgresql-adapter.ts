/**
 * PostgreSQL in the shape that Kysely's dialect expects: guarded parameters, int8 as number, bounded waits, and one error
 * for everything that means "not now".
 * @module
 */
import type { PostgresPool } from 'kysely';
import pg from 'pg';
import { StoreError } from '../errors.js';
import { guardValues } from './value-guard.js';

const INT8_OID = 20;
const CONNECTIONS_MAX = 8;
const CONNECT_MS_MAX = 3_000;
/** A page that takes longer is worth nothing to its reader; a step of the schema may take what it takes. */
const STATEMENT_MS_MAX = 30_000;

export interface ServerPlace {
  /** `postgresql://user@host:port/database`, without a password. */
  readonly url: string;
  readonly password: string | null;
}

export function openPool(o: ServerPlace & { readonly readOnly: boolean }): pg.Pool {
  const types = new pg.TypeOverrides();
  types.setTypeParser(INT8_OID, safeInteger);
  const pool = new pg.Pool({
    connectionString: o.url,
    ...(o.password === null ? {} : { password: o.password }),
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    statement_timeout: STATEMENT_MS_MAX,
    idle_in_transaction_session_timeout: STATEMENT_MS_MAX,
    ...(o.readOnly ? { options: '-c default_transaction_read_only=on' } : {}),
    application_name: 'bhs-node',
    types,
  });
  // An idle connection that breaks is replaced at the next query; without a listener it would end the process.
  pool.on('error', () => undefined);
  return pool;
}

/** What Kysely's dialect asks of a pool. */
export function adaptPool(pool: pg.Pool): PostgresPool {
  return {
    connect: async () => {
      const client = await pool.connect().catch((cause: unknown) => {
        throw storeFault(cause);
      });
      // The query in flight is told as well; this keeps the event from ending the process.
      const heard = (): void => undefined;
      client.on('error', heard);
      return {
        query: (text: string, parameters: readonly unknown[]) =>
          client.query(text, [...guardValues(parameters)]).catch((cause: unknown) => {
            throw storeFault(cause);
          }),
        release: () => {
          client.off('error', heard);
          client.release();
        },
      } as never;
    },
    end: () => pool.end(),
  };
}

/** SQLSTATE classes: connection, resources (too many clients, memory, disk), operator (shutdown, timeouts), serialisation. */
const PASSING_CLASSES: readonly string[] = ['08', '53', '57', '40'];
const PASSING_CODES: readonly string[] = [
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['ENOTFOUND', 'EAI_AGAIN', '25P03', '55P03'],
];
/** What the driver says without a code. */
const PASSING_WORDS = /connection terminated|timeout|not queryable|connection error/i;

/** @returns `ERR_STORE_UNAVAILABLE` for what passes by itself, anything else as it came */
export function storeFault(cause: unknown): unknown {
  if (!(cause instanceof Error)) return cause;
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  const passes =
    PASSING_CODES.includes(code) ||
    (code.length === 5 && PASSING_CLASSES.includes(code.slice(0, 2))) ||
    (code === '' && PASSING_WORDS.test(cause.message));
  if (!passes) return cause;
  return new StoreError(
    'ERR_STORE_UNAVAILABLE',
    'The database does not answer now.',
    { reason: code === '' ? cause.message : code },
    cause,
  );
}

function safeInteger(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new TypeError(`int8: expected a safe integer, got ${text}`);
}

/**
 * PostgreSQL in the shape that Kysely's dialect expects: guarded parameters, int8 as number, bounded waits, and one error
 * for everything that means "not now".
 * @module
 */
import type { PostgresPool } from 'kysely';
import pg from 'pg';
import { codeOf, StoreError } from '../errors.js';
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

/** A connection that breaks is noticed by its query; without a listener its event would end the process. */
const heard = (): void => undefined;

export interface PoolOptions extends ServerPlace {
  readonly readOnly: boolean;
  /** Before the first statement of each connection; what it throws closes the connection again. */
  readonly admit?: ((client: pg.ClientBase) => Promise<void>) | undefined;
}

export function openPool(o: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    ...connectionOf(o),
    max: CONNECTIONS_MAX,
    ...(o.readOnly ? { options: '-c default_transaction_read_only=on' } : {}),
    // Its types are older than it is: what is returned is waited for.
    // eslint-disable-next-line @typescript-eslint/no-misused-promises
    ...(o.admit === undefined ? {} : { onConnect: o.admit }),
  });
  pool.on('error', heard);
  return pool;
}

/** One connection of its own, for what belongs to a session. Each query is answered soon or fails. */
export async function openClient(place: ServerPlace): Promise<pg.Client> {
  const client = new pg.Client({ ...connectionOf(place), query_timeout: CONNECT_MS_MAX });
  client.on('error', heard);
  await client.connect();
  return client;
}

function connectionOf({ url, password }: ServerPlace): pg.ClientConfig {
  const types = new pg.TypeOverrides();
  types.setTypeParser(INT8_OID, safeInteger);
  return {
    connectionString: password === null ? url : withPassword(url, password),
    connectionTimeoutMillis: CONNECT_MS_MAX,
    statement_timeout: STATEMENT_MS_MAX,
    idle_in_transaction_session_timeout: STATEMENT_MS_MAX,
    application_name: 'bhs-node',
    types,
  };
}

/** The driver lets an address without a password win over a password beside it; so it is put in. */
function withPassword(url: string, password: string): string {
  const address = new URL(url);
  address.password = encodeURIComponent(password);
  return address.href;
}

/** What Kysely's dialect asks of a pool. */
export function adaptPool(pool: pg.Pool): PostgresPool {
  return {
    connect: async () => {
      const client = await pool.connect().catch((cause: unknown) => {
        throw storeFault(cause);
      });
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

/** Why a server's database was not opened: it is away, or it said no. */
export function openingFault(cause: unknown, url: string): unknown {
  const fault = storeFault(cause);
  const away = codeOf(fault) === 'ERR_STORE_UNAVAILABLE';
  if (fault instanceof StoreError && !away) return fault;
  const reason = reasonOf(cause);
  return away
    ? new StoreError(
        'ERR_STORE_UNAVAILABLE',
        `${url} does not answer now: ${reason}`,
        { url, reason },
        cause,
      )
    : new StoreError(
        'ERR_STORE_OPEN',
        `${url} cannot be opened as a database: ${(cause as Error).message}`,
        { url, reason },
        cause,
      );
}

/** The code of the server or of the system, or else what the driver says. */
function reasonOf(cause: unknown): string {
  if (cause instanceof StoreError) return String(cause.facts['reason'] ?? cause.message);
  const code = codeOf(cause);
  return code === 'ERR_INTERNAL' && cause instanceof Error ? cause.message : code;
}

function safeInteger(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new TypeError(`int8: expected a safe integer, got ${text}`);
}

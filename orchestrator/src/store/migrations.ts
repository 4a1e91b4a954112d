/**
 * Forward-only migrations. A step, once released, is never edited; the next change is a new step.
 * @module
 */
import { sql, type Kysely } from 'kysely';
import { StoreError } from '../errors.js';
import type { Tables } from './schema.js';

export type Engine = 'sqlite' | 'postgresql';

interface Migration {
  readonly version: number;
  readonly name: string;
  readonly statements: (words: EngineWords) => readonly string[];
}

/** Where the two engines use different words. */
interface EngineWords {
  readonly integer: string;
  readonly bytes: string;
  /** STRICT makes SQLite refuse 1.5 in an integer column, as PostgreSQL does anyway. */
  readonly strict: string;
}

const WORDS: Readonly<Record<Engine, EngineWords>> = {
  sqlite: { integer: 'integer', bytes: 'blob', strict: ' strict' },
  postgresql: { integer: 'bigint', bytes: 'bytea', strict: '' },
};

const MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    name: 'rounds, models, publications, nodes, audit',
    statements: ({ integer, bytes, strict }) => [
      `create table federation (key text primary key, value text not null)${strict}`,
      `create table round (
        slot ${integer} not null, attempt ${integer} not null, phase text not null,
        version ${integer} not null, state text not null, manifest text not null,
        result_model text not null, primary key (slot, attempt))${strict}`,
      `create index round_phase on round (phase)`,
      `create table round_event (
        slot ${integer} not null, attempt ${integer} not null, version ${integer} not null,
        kind text not null, event text not null, at_ms ${integer} not null,
        primary key (slot, attempt, version),
        foreign key (slot, attempt) references round (slot, attempt))${strict}`,
      `create table submission (
        slot ${integer} not null, attempt ${integer} not null, node_id text not null,
        update_digest text not null, envelope_digest text not null, envelope ${bytes} not null,
        signature ${bytes} not null, certificate ${bytes} not null, receipt ${bytes} not null,
        receipt_signature ${bytes} not null, receipt_signer text not null,
        at_ms ${integer} not null, primary key (slot, attempt, node_id),
        foreign key (slot, attempt) references round (slot, attempt))${strict}`,
      `create index submission_update on submission (update_digest)`,
      `create table outbox (
        effect_key text primary key, slot ${integer} not null, attempt ${integer} not null,
        kind text not null, done ${integer} not null, tries ${integer} not null,
        due_at_ms ${integer} not null, error text not null)${strict}`,
      `create index outbox_due on outbox (done, due_at_ms)`,
      `create table manifest (
        slot ${integer} not null, attempt ${integer} not null, digest text not null unique,
        previous text not null, result_model text not null, bytes ${bytes} not null,
        signature ${bytes} not null, signer text not null, primary key (slot, attempt))${strict}`,
      `create table model (
        digest text not null, sequence ${integer} primary key, parent text not null,
        slot ${integer} not null, attempt ${integer} not null, manifest text not null,
        state text not null, reason text not null)${strict}`,
      `create index model_digest on model (digest)`,
      `create table publication (
        sequence ${integer} primary key, slot ${integer} not null, attempt ${integer} not null,
        model text not null, manifest text not null, state text not null, version ${integer},
        detector text not null, calibration text not null, reason text not null,
        tries ${integer} not null, due_at_ms ${integer} not null,
        proposed_at_ms ${integer})${strict}`,
      `create table node (
        node_id text primary key, msp_id text not null, state text not null,
        last_seen_ms ${integer} not null, clock_offset_ms ${integer} not null,
        ledger_seq ${integer} not null, ledger_hash text not null, software text not null,
        kernel_hash text not null)${strict}`,
      `create table revocation (
        epoch ${integer} primary key, serial text not null unique, node_id text not null,
        at_ms ${integer} not null, reason text not null)${strict}`,
      `create table audit (
        sequence ${integer} primary key, at_ms ${integer} not null, kind text not null,
        body text not null, previous text not null, hash text not null)${strict}`,
      `create table object (
        digest text primary key, object_bytes ${integer} not null, chunk_digests text not null,
        complete ${integer} not null)${strict}`,
      `create table object_chunk (
        digest text not null references object (digest), position ${integer} not null,
        bytes ${bytes} not null, primary key (digest, position))${strict}`,
    ],
  },
  {
    version: 2,
    name: 'enrolment, reviews of updates',
    statements: ({ integer, bytes, strict }) => [
      `create table invite (
        token_hash text primary key, node_id text not null, expires_at_ms ${integer} not null,
        tries ${integer} not null, tries_since_ms ${integer} not null,
        request_id text not null)${strict}`,
      `create table enrolment_request (
        request_id text primary key, node_id text not null, csr ${bytes} not null,
        fingerprint text not null, state text not null, reason text not null,
        certificate text not null, created_at_ms ${integer} not null,
        expires_at_ms ${integer} not null)${strict}`,
      `create table review (
        slot ${integer} not null, attempt ${integer} not null, node_id text not null,
        person text not null, msp_id text not null, disposition text not null,
        reason text not null, statement ${bytes} not null, signature ${bytes} not null,
        certificate text not null, at_ms ${integer} not null,
        primary key (slot, attempt, node_id, person))${strict}`,
    ],
  },
  {
    version: 3,
    name: 'server optimisers, a roster that grows, renewed certificates',
    statements: ({ integer, strict }) => [
      `alter table model add column optimiser_state text not null default ''`,
      `alter table node add column msp_root text not null default ''`,
      `alter table node add column admitted ${integer} not null default 0`,
      `create table replaced_certificate (
        serial text primary key, node_id text not null,
        replaced_at_ms ${integer} not null)${strict}`,
    ],
  },
  {
    version: 4,
    name: 'operators who sign in to the dashboard',
    statements: ({ integer, strict }) => [
      `create table operator (
        name text primary key, password text not null,
        created_at_ms ${integer} not null)${strict}`,
      `create table operator_session (
        id_hash text primary key, name text not null, csrf text not null,
        created_at_ms ${integer} not null, seen_at_ms ${integer} not null)${strict}`,
    ],
  },
  {
    version: 5,
    name: 'roles and fresh sign-ins, votes cast here, declared budgets, history of the metrics',
    statements: ({ integer, strict }) => [
      `alter table operator add column role text not null default 'operator'`,
      `alter table operator_session add column role text not null default 'operator'`,
      `alter table operator_session add column method text not null default 'password'`,
      `alter table operator_session add column agent text not null default ''`,
      `alter table operator_session add column fresh_at_ms ${integer} not null default 0`,
      `create table channel_vote (
        transaction_id text primary key, action text not null, about text not null,
        msp_id text not null, person text not null, reason text not null,
        at_ms ${integer} not null)${strict}`,
      `create table declared_budget (
        node_id text primary key, declaration text not null, at_ms ${integer} not null)${strict}`,
      `create table metric_sample (
        resolution_ms ${integer} not null, at_ms ${integer} not null, series text not null,
        primary key (resolution_ms, at_ms))${strict}`,
    ],
  },
];

/** Names the lock of migrations to PostgreSQL; any number that nothing else of ours takes. */
const MIGRATION_LOCK = 20_261_123;

/** The newest version that this binary knows. */
export const SCHEMA_VERSION: number = MIGRATIONS[MIGRATIONS.length - 1]!.version;

/**
 * Brings a database up to `SCHEMA_VERSION`, each step in its own transaction.
 * @throws {StoreError} `ERR_STORE_NEWER` if a newer binary has written it
 */
export async function migrate(
  database: Kysely<Tables>,
  engine: Engine,
  nowMs: number,
): Promise<void> {
  if (engine === 'sqlite') return migrateAlone(database, engine, nowMs);
  await database.connection().execute(async (connection) => {
    // Several processes may start on one database at the same moment. Whoever fails closes its connection, which ends its lock.
    await sql`select pg_advisory_lock(${MIGRATION_LOCK}::bigint)`.execute(connection);
    await migrateAlone(connection, engine, nowMs);
    await sql`select pg_advisory_unlock(${MIGRATION_LOCK}::bigint)`.execute(connection);
  });
}

async function migrateAlone(
  database: Kysely<Tables>,
  engine: Engine,
  nowMs: number,
): Promise<void> {
  const words = WORDS[engine];
  await sql
    .raw(
      `create table if not exists schema_migration (version ${words.integer} primary key, applied_at_ms ${words.integer} not null)${words.strict}`,
    )
    .execute(database);
  const current = await assertNotNewer(database);
  for (const migration of MIGRATIONS.filter((each) => each.version > current)) {
    await database.transaction().execute(async (transaction) => {
      for (const statement of migration.statements(words)) {
        await sql.raw(statement).execute(transaction);
      }
      await transaction
        .insertInto('schema_migration')
        .values({ version: migration.version, applied_at_ms: nowMs })
        .execute();
    });
  }
}

/** The version on disk; refuses one that this binary does not know. */
export async function assertNotNewer(database: Kysely<Tables>): Promise<number> {
  const row = await database
    .selectFrom('schema_migration')
    .select((e) => e.fn.max<number | null>('version').as('version'))
    .executeTakeFirst();
  const found = row?.version ?? 0;
  if (found > SCHEMA_VERSION) {
    throw new StoreError(
      'ERR_STORE_NEWER',
      `database: expected schema ${SCHEMA_VERSION} or older, got ${found}; a newer release wrote it`,
      { found, known: SCHEMA_VERSION },
    );
  }
  return found;
}

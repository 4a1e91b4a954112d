/**
 * What the orchestrator remembers. One implementation over Kysely serves the embedded SQLite and PostgreSQL; queries
 * use what both understand.
 * @module
 */
import { Kysely, type Dialect } from 'kysely';
import { AuditStore } from './audit-store.js';
import { BudgetStore } from './budget-store.js';
import { EnrolmentStore } from './enrolment-store.js';
import { LineageStore } from './lineage-store.js';
import { MetricStore } from './metric-store.js';
import { assertNotNewer, migrate, type Engine } from './migrations.js';
import { OperatorStore } from './operator-store.js';
import { PublicationStore } from './publication-store.js';
import { ReviewStore } from './review-store.js';
import { RosterStore } from './roster-store.js';
import { RoundStore } from './round-store.js';
import type { Tables } from './schema.js';
import { VoteStore } from './vote-store.js';

export type { AuditRecord, AuditStore } from './audit-store.js';
export type { BudgetStore, DeclaredBudget } from './budget-store.js';
export type { MetricSample, MetricStore } from './metric-store.js';
export type { ChannelVote, VoteStore } from './vote-store.js';
export type { EnrolmentRequest, EnrolmentStore, Invite } from './enrolment-store.js';
export type { Operator, OperatorSession, OperatorStore, SignInMethod } from './operator-store.js';
export type { Review, ReviewStore } from './review-store.js';
export type { LineageStore, ModelRow, ModelState, StoredManifest } from './lineage-store.js';
export type { Publication, PublicationState, PublicationStore } from './publication-store.js';
export type { NodeRow, NodeStanding, RosterStore } from './roster-store.js';
export type { RoundKey } from './round-key.js';
export type {
  OpenEffect,
  RoundStore,
  StoredRound,
  StoredTransition,
  Submission,
} from './round-store.js';

/** All tables of one federation, by subject. */
export interface FederationStore {
  readonly rounds: RoundStore;
  readonly lineage: LineageStore;
  readonly publications: PublicationStore;
  readonly roster: RosterStore;
  readonly enrolment: EnrolmentStore;
  readonly reviews: ReviewStore;
  readonly audit: AuditStore;
  readonly operators: OperatorStore;
  readonly votes: VoteStore;
  readonly budgets: BudgetStore;
  readonly metrics: MetricStore;
  /** For object rows, which share the database. */
  readonly database: Kysely<Tables>;
  /** Fails if the database does not answer. */
  ping(): Promise<void>;
  /** Single facts, such as the first slot. */
  fact(key: string): Promise<string | null>;
  setFact(key: string, value: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a database and brings its schema up to date.
 * @throws {StoreError} `ERR_STORE_NEWER` if a newer release has written it
 */
export async function openStore(
  o: Readonly<{ dialect: Dialect; engine: Engine; nowMs: number; readOnly?: boolean }>,
): Promise<FederationStore> {
  const database = new Kysely<Tables>({ dialect: o.dialect });
  try {
    if (o.readOnly === true) await assertNotNewer(database);
    else await migrate(database, o.engine, o.nowMs);
  } catch (cause) {
    await database.destroy();
    throw cause;
  }
  return {
    rounds: new RoundStore(database),
    lineage: new LineageStore(database),
    publications: new PublicationStore(database),
    roster: new RosterStore(database),
    enrolment: new EnrolmentStore(database),
    reviews: new ReviewStore(database),
    audit: new AuditStore(database),
    operators: new OperatorStore(database),
    votes: new VoteStore(database),
    budgets: new BudgetStore(database),
    metrics: new MetricStore(database),
    database,
    ping: async () => {
      await database.selectFrom('federation').select('key').limit(1).execute();
    },
    fact: async (key) => {
      const row = await database
        .selectFrom('federation')
        .select('value')
        .where('key', '=', key)
        .executeTakeFirst();
      return row?.value ?? null;
    },
    setFact: async (key, value) => {
      await database
        .insertInto('federation')
        .values({ key, value })
        .onConflict((c) => c.column('key').doUpdateSet({ value }))
        .execute();
    },
    close: () => database.destroy(),
  };
}

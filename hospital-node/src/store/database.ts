import type { Kysely } from 'kysely';
import type { AccessLogTables } from '../access-log/schema.js';

/** The node's database. Transactions may span subsystems; inside one this type is the transaction. */
export type NodeDatabase = Kysely<AccessLogTables>;

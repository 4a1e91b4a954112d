/**
 * Keeps what the hook's networks say of each of this hospital's judged calls, as its block arrives. A call counts on the day
 * on which its session began, in the time that the call itself declares.
 * @module
 */
import type { DecodedTransaction } from '@bhschain/chaincode-hooks/events';
import { decodeDetector, membersOf, type ReadyMember } from '@bhschain/models/detector';
import { sessionOfArguments } from '@bhschain/models/features';
import { sql } from 'kysely';
import type { BlockConsumer } from '../fabric/block-checkpoint.js';
import type { JudgedWindow } from '../proof/judged-window.js';
import { declaredMs, judgedOf } from '../review/call-intake.js';
import { rowOf, type NodeDatabase } from '../store/index.js';
import { DAY_MS, OPEN_DAYS } from './day-log.js';
import { networksOf, packWindow } from './ledger-calls.js';
import type { SecondLineTables } from './schema.js';

/** Give it to the block follower, behind the review's own consumer, which keeps the detectors. */
export function createLedgerCallIntake(o: { readonly mspId: string }): BlockConsumer {
  let ready: { readonly hash: string; readonly networks: readonly ReadyMember[] } | null = null;
  return {
    async apply(block, transaction) {
      for (const call of block.transactions) {
        if (call.code !== 0 || call.creator.mspId !== o.mspId) continue;
        const judged = judgedOf(call);
        const networks = judged === null ? null : await networksNow(transaction);
        if (judged !== null && networks !== null) await keep(transaction, call, judged, networks);
      }
    },
  };

  async function networksNow(database: NodeDatabase): Promise<readonly ReadyMember[] | null> {
    const pointer = await rowOf(
      database,
      sql<{ model_hash: string }>`
        SELECT model_hash FROM detector_pointer ORDER BY block DESC, version DESC LIMIT 1`,
    );
    const hash = pointer?.model_hash;
    if (hash === undefined) return null;
    if (ready?.hash === hash) return ready.networks;
    const blob = await rowOf(
      database,
      sql<{ bytes: Uint8Array }>`SELECT bytes FROM detector_blob WHERE hash = ${hash}`,
    );
    if (blob === undefined) return null;
    try {
      ready = { hash, networks: networksOf(membersOf(decodeDetector(blob.bytes))) };
    } catch {
      return null; // of a build to come: its calls are not compared
    }
    return ready.networks;
  }
}

async function keep(
  transaction: NodeDatabase,
  call: DecodedTransaction,
  { window }: JudgedWindow,
  networks: readonly ReadyMember[],
): Promise<void> {
  const tables = transaction.withTables<SecondLineTables>();
  const { actor } = call.creator;
  const day = await dayOf(transaction, call);
  const values = networks.map((network) => network.nonconformities([window])[0]!);
  const one = packWindow({ ...window, values });
  const before = await tables
    .selectFrom('ledger_day')
    .select('windows')
    .where('day', '=', day)
    .where('actor', '=', actor)
    .executeTakeFirst();
  const windows = before === undefined ? one : Buffer.concat([before.windows, one]);
  await tables
    .insertInto('ledger_day')
    .values({ day, actor, windows })
    .onConflict((conflict) => conflict.columns(['day', 'actor']).doUpdateSet({ windows }))
    .execute();
}

async function dayOf(transaction: NodeDatabase, call: DecodedTransaction): Promise<number> {
  const tables = transaction.withTables<SecondLineTables>();
  const { actor } = call.creator;
  const session = sessionOfArguments(call.args);
  const known = await tables
    .selectFrom('ledger_session')
    .select('day')
    .where('actor', '=', actor)
    .where('session', '=', session)
    .executeTakeFirst();
  if (known !== undefined) return known.day;
  const day = Math.floor(declaredMs(call) / DAY_MS);
  await tables.insertInto('ledger_session').values({ actor, session, day }).execute();
  await tables
    .deleteFrom('ledger_session')
    .where('day', '<', day - OPEN_DAYS)
    .execute();
  return day;
}

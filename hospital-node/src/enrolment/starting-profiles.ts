/**
 * Puts each actor's starting profile on the channel, so that scoring does not begin blind: what the log before the first
 * live instant taught. The contract writes only where nothing is yet, so sending twice is harmless.
 * @module
 */
import { emptyProfile, encodeProfile } from '@bhschain/models/features';
import type { Logger } from 'pino';
import type { FabricConnection } from '../fabric/connection.js';
import type { NodeDatabase } from '../store/index.js';
import type { ActorDirectory } from './actor-directory.js';

/** The contract's limit. */
const ACTORS_PER_TRANSACTION = 50;

export interface EnrolmentReport {
  readonly submitted: number;
  readonly transactions: number;
}

/** Enrols the directory's actors that are not enrolled yet. Resumes where a crash left it. */
export async function enrolActors(o: {
  readonly fabric: FabricConnection;
  readonly database: NodeDatabase;
  readonly directory: ActorDirectory;
  readonly log: Logger;
}): Promise<EnrolmentReport> {
  const { database, fabric } = o;
  const done = new Set(
    (await database.selectFrom('enrolled_actor').select('ledger_actor').execute()).map(
      (row) => row.ledger_actor,
    ),
  );
  const profiles = new Map(
    (await database.selectFrom('starting_profile').selectAll().execute()).map((row) => [
      row.actor,
      row.profile,
    ]),
  );
  const missing = o.directory.entries.filter((entry) => !done.has(entry.ledgerActor));
  let transactions = 0;
  for (let start = 0; start < missing.length; start += ACTORS_PER_TRANSACTION) {
    const batch = missing.slice(start, start + ACTORS_PER_TRANSACTION);
    const { txId } = await fabric.submit('FederationContract:enrolActors', [
      JSON.stringify(
        batch.map((entry) => ({
          actor: entry.ledgerActor,
          class: entry.actorClass,
          profile: Buffer.from(
            profiles.get(entry.handle) ?? encodeProfile(emptyProfile()),
          ).toString('base64'),
        })),
      ),
    ]);
    await database
      .insertInto('enrolled_actor')
      .values(batch.map((entry) => ({ ledger_actor: entry.ledgerActor })))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    transactions += 1;
    o.log.info({ actors: batch.length, txId }, 'starting profiles enrolled');
  }
  return { submitted: missing.length, transactions };
}

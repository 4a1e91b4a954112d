/**
 * This hospital's own judged calls of the last thirty days, held or not: what timeline, peers and the alert budget are made
 * of. The ledger keeps the score of a held call only; of the others it keeps the ring and the detector, so the score is
 * computed again here, by the same kernel, when the block arrives. Of a service account on epochs no ring is kept with the
 * call, so its calls stand here without a score.
 * @module
 */
import { decodeQuarantineRecord, type DecodedTransaction } from '@bhschain/chaincode-hooks/events';
import { decodeCallContext } from '@bhschain/models/features';
import { sql } from 'kysely';
import {
  PLACES_IN_BLOCK,
  storable,
  type BlockConsumer,
  type FollowedBlock,
} from '../fabric/block-checkpoint.js';
import { judgedWindow, type JudgedWindow } from '../proof/judged-window.js';
import { rowOf, run, type NodeDatabase } from '../store/index.js';
import { attributesOf } from './block-intake.js';
import { createJudges, type Judges } from './evidence.js';

export const KEPT_CALLS_MS: number = 30 * 86_400_000;

/** Give it to the block follower, behind the review's own consumer. */
export function createCallIntake(o: { readonly mspId: string }): BlockConsumer {
  const judges = createJudges();
  return {
    async apply(block, database) {
      let newestMs = 0;
      for (const transaction of block.transactions) {
        if (transaction.code !== 0 || transaction.creator.mspId !== o.mspId) continue;
        if (!isGuarded(transaction)) continue;
        await keep(database, { block, transaction, judges });
        newestMs = Math.max(newestMs, transaction.timestampMs);
      }
      if (newestMs > 0) {
        await run(
          database,
          sql`DELETE FROM guarded_call WHERE filed_ms < ${newestMs - KEPT_CALLS_MS}`,
        );
      }
    },
  };
}

/** The guard leaves one ring row with every call that it judged, and nothing else writes one. */
function isGuarded({ writes, creator }: DecodedTransaction): boolean {
  return writes.some(
    ({ key }) => (key[0] === 'ctx' || key[0] === 'evt') && key[1] === creator.actor,
  );
}

async function keep(
  database: NodeDatabase,
  o: Readonly<{ block: FollowedBlock; transaction: DecodedTransaction; judges: Judges }>,
): Promise<void> {
  const { block, transaction } = o;
  const { actor } = transaction.creator;
  const { role = 'unknown', ward = '' } = attributesOf(transaction);
  const judged = judgedOf(transaction);
  const recorded = recordedScore(transaction);
  const pointer = await rowOf(
    database,
    sql<Pointer>`SELECT model_hash, table_hash FROM detector_pointer
      ORDER BY block DESC, version DESC LIMIT 1`,
  );
  const scorer = pointer === undefined ? null : await scorerOf(database, pointer, o.judges);
  let score = recorded.score;
  if (score === null && !recorded.held && judged !== null && scorer !== null) {
    score = scoreOf(scorer, judged);
  }
  const columns = judged?.ring.rows.at(-1)?.columns ?? null;
  const place = Number(block.number) * PLACES_IN_BLOCK + transaction.index;
  const called = storable(transaction.function);
  await run(
    database,
    sql`INSERT INTO guarded_call (place, actor, role, ward, function, at_ms, filed_ms, score, alpha_ppm, held, columns)
      VALUES (${place}, ${actor}, ${role}, ${ward}, ${called.slice(called.indexOf(':') + 1)},
        ${declaredMs(transaction)}, ${transaction.timestampMs}, ${score},
        ${score === null ? null : (scorer?.table.alphaPpm ?? null)}, ${recorded.held ? 1 : 0},
        ${columns === null ? null : Buffer.from(columns.buffer, columns.byteOffset, columns.byteLength)})`,
  );
}

/** When the access happened: a replayed line says so itself. */
export function declaredMs({ args, timestampMs }: DecodedTransaction): number {
  try {
    return decodeCallContext(args.at(-1) ?? '').atMs ?? timestampMs;
  } catch {
    return timestampMs;
  }
}

/** What the guard judged a call by; null: not judged, or of a build to come. */
export function judgedOf({ writes, creator, args }: DecodedTransaction): JudgedWindow | null {
  const ring = writes.find(({ key }) => key[0] === 'ctx' && key[1] === creator.actor);
  if (ring === undefined || ring.isDelete) return null;
  try {
    return judgedWindow(ring.value, args);
  } catch {
    return null;
  }
}

function recordedScore({ writes }: DecodedTransaction): { held: boolean; score: number | null } {
  const write = writes.find(({ key }) => key[0] === 'q' || key[0] === 'rev');
  if (write === undefined) return { held: false, score: null };
  return { held: true, score: decodeQuarantineRecord(write.value).score };
}

type Scorer = ReturnType<Judges['scorerOf']>;

interface Pointer {
  readonly model_hash: string;
  readonly table_hash: string;
}

async function scorerOf(
  database: NodeDatabase,
  pointer: Pointer,
  judges: Judges,
): Promise<Scorer | null> {
  const known = judges.known(pointer.model_hash, pointer.table_hash);
  if (known !== null) return known;
  const blob = async (hash: string): Promise<Uint8Array | undefined> => {
    const row = await rowOf(
      database,
      sql<{ bytes: Uint8Array }>`SELECT bytes FROM detector_blob WHERE hash = ${hash}`,
    );
    return row?.bytes;
  };
  const model = await blob(pointer.model_hash);
  const table = await blob(pointer.table_hash);
  if (model === undefined || table === undefined) return null;
  try {
    return judges.scorerOf(model, table);
  } catch {
    return null; // of a build to come; the hold says so, and the budget counts it as not scored
  }
}

function scoreOf(scorer: Scorer, { window }: JudgedWindow): number | null {
  try {
    return scorer.score(window).scoreMillionths;
  } catch {
    return null;
  }
}

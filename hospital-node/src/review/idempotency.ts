/**
 * The same request twice is one step: an `Idempotency-Key` gives the first answer again for 24 hours, also to whoever
 * comes while the first is still on its way. With another body it is refused.
 * @module
 */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { rowOf, run as execute, transact, type NodeDatabase } from '../store/index.js';
import { ReviewError } from './errors.js';

export interface Answer {
  readonly status: number;
  readonly etag: string | null;
  readonly body: object;
}

export interface IdempotentCall {
  readonly person: string;
  /** As the client sent it; null: every call is its own. */
  readonly key: string | null;
  /** Method, address and body. */
  readonly request: string;
  readonly nowMs: number;
}

export interface Idempotency {
  /** @throws {ReviewError} `ERR_IDEMPOTENCY_KEY` if the key came with another request before */
  once(call: IdempotentCall, run: () => Promise<Answer>): Promise<Answer>;
}

const KEPT_MS = 24 * 3_600_000;

interface Row {
  readonly request_hash: string;
  readonly answer: string;
}

export function createIdempotency(database: NodeDatabase): Idempotency {
  const underWay = new Map<
    string,
    { readonly request: string; readonly answer: Promise<Answer> }
  >();
  const refuseOther = (same: boolean): void => {
    if (!same) {
      throw new ReviewError(
        'ERR_IDEMPOTENCY_KEY',
        'This Idempotency-Key was used for another request. Use a new key for each step.',
      );
    }
  };
  const once = async (
    id: string,
    request: string,
    nowMs: number,
    run: () => Promise<Answer>,
  ): Promise<Answer> => {
    const known = await rowOf(
      database,
      sql<Row>`SELECT request_hash, answer FROM answered WHERE id = ${id} AND at_ms > ${nowMs - KEPT_MS}`,
    );
    if (known !== undefined) {
      refuseOther(known.request_hash === request);
      return JSON.parse(known.answer) as Answer;
    }
    // Only what was done is remembered; a refusal may be tried again.
    const done = await run();
    await transact(database, async (transaction) => {
      await execute(transaction, sql`DELETE FROM answered WHERE at_ms <= ${nowMs - KEPT_MS}`);
      await execute(
        transaction,
        sql`INSERT INTO answered (id, request_hash, answer, at_ms)
          VALUES (${id}, ${request}, ${JSON.stringify(done)}, ${nowMs})
          ON CONFLICT (id) DO UPDATE SET request_hash = excluded.request_hash,
            answer = excluded.answer, at_ms = excluded.at_ms`,
      );
    });
    return done;
  };
  return {
    async once(call, run) {
      if (call.key === null) return run();
      const id = hashOf(`${call.person}\u001f${call.key}`);
      const request = hashOf(call.request);
      const running = underWay.get(id);
      if (running !== undefined) {
        refuseOther(running.request === request);
        return running.answer;
      }
      const answer = once(id, request, call.nowMs, run);
      underWay.set(id, { request, answer });
      try {
        return await answer;
      } finally {
        underWay.delete(id);
      }
    },
  };
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

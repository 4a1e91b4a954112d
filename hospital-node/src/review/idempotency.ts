/**
 * The same request twice is one step: an `Idempotency-Key` gives the first answer again for 24 hours, also to whoever
 * comes while the first is still on its way. With another body it is refused.
 * @module
 */
import { createHash } from 'node:crypto';
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import { transact } from '../fabric/transact.js';
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

export function createIdempotency(database: DatabaseSyncInstance): Idempotency {
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
  return {
    async once(call, run) {
      if (call.key === null) return run();
      const id = hashOf(`${call.person}\u001f${call.key}`);
      const request = hashOf(call.request);
      const known = database
        .prepare('SELECT request_hash, answer FROM answered WHERE id = ? AND at_ms > ?')
        .get(id, call.nowMs - KEPT_MS) as Row | undefined;
      if (known !== undefined) {
        refuseOther(known.request_hash === request);
        return JSON.parse(known.answer) as Answer;
      }
      const running = underWay.get(id);
      if (running !== undefined) {
        refuseOther(running.request === request);
        return running.answer;
      }
      const answer = run();
      underWay.set(id, { request, answer });
      try {
        // Only what was done is remembered; a refusal may be tried again.
        const done = await answer;
        await transact(database, () => {
          database.prepare('DELETE FROM answered WHERE at_ms <= ?').run(call.nowMs - KEPT_MS);
          database
            .prepare(
              'INSERT OR REPLACE INTO answered (id, request_hash, answer, at_ms) VALUES (?, ?, ?, ?)',
            )
            .run(id, request, JSON.stringify(done), call.nowMs);
        });
        return done;
      } finally {
        underWay.delete(id);
      }
    },
  };
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Which of several orchestrators on one PostgreSQL moves the rounds: the one that holds the advisory lock. The others
 * serve reads and accept submissions. What a stale leader still writes is fenced by the version of each round.
 * @module
 */
import type pg from 'pg';
import { sha256Hex } from '@bhschain/dp';

export interface Leadership {
  /** Takes the lead if it is free; true while this process has it. */
  hold(): Promise<boolean>;
  release(): Promise<void>;
}

/** One process by its lock file: always the leader. */
export const SOLE: Leadership = {
  hold: () => Promise.resolve(true),
  release: () => Promise.resolve(),
};

/** The lock lives as long as one connection does: a process that dies or is cut off loses it. */
export function createAdvisoryLeadership(pool: pg.Pool, federationId: string): Leadership {
  const key = BigInt.asIntN(64, BigInt(`0x${sha256Hex(federationId).slice(0, 16)}`)).toString();
  let client: pg.PoolClient | null = null;
  const lose = (broken: pg.PoolClient): void => {
    if (client !== broken) return;
    client = null;
    broken.release(true);
  };
  return {
    hold: async () => {
      if (client !== null) {
        const mine = client;
        try {
          await mine.query('select 1');
          return true;
        } catch {
          lose(mine);
          return false;
        }
      }
      const candidate = await pool.connect();
      let taken: boolean;
      try {
        const { rows } = await candidate.query<{ taken: boolean }>(
          'select pg_try_advisory_lock($1::bigint) as taken',
          [key],
        );
        taken = rows[0]?.taken === true;
      } catch (cause) {
        // Else each loss of the database would keep one of the pool's connections for good.
        candidate.release(true);
        throw cause;
      }
      if (!taken) {
        candidate.release();
        return false;
      }
      candidate.on('error', () => {
        lose(candidate);
      });
      client = candidate;
      return true;
    },
    release: async () => {
      const mine = client;
      client = null;
      if (mine === null) return;
      try {
        await mine.query('select pg_advisory_unlock($1::bigint)', [key]);
        mine.release();
      } catch {
        mine.release(true);
      }
    },
  };
}

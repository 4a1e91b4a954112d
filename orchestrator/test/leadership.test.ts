/** What `store.conformance.test.ts` cannot time: the database goes away between the connection and the question. */
import type pg from 'pg';
import { expect, it } from 'vitest';
import { createAdvisoryLeadership } from '../src/store/leadership.js';

it('gives a connection that broke while it asked back to the pool, to be thrown away', async () => {
  const released: unknown[] = [];
  const broken = {
    query: () => Promise.reject(new Error('terminating connection')),
    release: (destroy?: boolean) => released.push(destroy),
  };
  const pool = { connect: () => Promise.resolve(broken) } as unknown as pg.Pool;
  await expect(createAdvisoryLeadership(pool, 'test').hold()).rejects.toThrow('terminating');
  expect(released).toEqual([true]);
});

/**
 * The code table of a source with a vocabulary of its own: the index of an activity is its code. Three entries that every
 * replay needs come first.
 * @module
 */

import { createHash } from 'node:crypto';
import type { CodeTable } from '../consortium.js';

export const SESSION_OPENED = 0;
export const SESSION_CLOSED = 1;
export const RECORD_SET_EXPORTED = 2;
const RESERVED = ['(session opened)', '(session closed)', '(record set exported)'];

/** Activities in code-point order after the reserved ones, so that the table depends on the set of activities only. */
export function codeTableOf(activities: Iterable<string>): CodeTable {
  const sorted = [...new Set(activities)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const all = [...RESERVED, ...sorted];
  return {
    activities: all,
    hash: createHash('sha256').update(JSON.stringify(all)).digest('hex'),
  };
}

/**
 * The cursor of a list: the place of the last row and the filter it belongs to, under a MAC. A forged one, or one of
 * another filter, is refused instead of silently showing other rows.
 * @module
 */
import { createHmac, randomBytes } from 'node:crypto';
import { ReviewError } from './errors.js';
import { sameToken } from './sessions.js';

export interface Place {
  readonly deadlineMs: number;
  readonly number: number;
}

export interface Cursors {
  encode(place: Place, filter: string): string;
  /** @throws {ReviewError} `ERR_CURSOR` */
  decode(cursor: string, filter: string): Place;
}

/** The key lives as long as the process: after a restart a page begins anew. */
export function createCursors(key: Uint8Array = randomBytes(32)): Cursors {
  const tag = (body: string, filter: string): string =>
    createHmac('sha256', key).update(`${body}\u001f${filter}`).digest('base64url').slice(0, 22);
  return {
    encode: ({ deadlineMs, number }, filter) => {
      const body = `${deadlineMs}.${number}`;
      return `${body}.${tag(body, filter)}`;
    },
    decode: (cursor, filter) => {
      const match = /^((\d{1,16})\.(\d{1,10}))\.([\w-]{22})$/.exec(cursor);
      if (match === null || !sameToken(match[4]!, tag(match[1]!, filter))) {
        throw new ReviewError(
          'ERR_CURSOR',
          'The cursor is not one of this list. Start again without it.',
        );
      }
      return { deadlineMs: Number(match[2]), number: Number(match[3]) };
    },
  };
}

/**
 * No text of a request holds U+0000: PostgreSQL keeps none, and no person types one.
 * @module
 */
import type { FastifyInstance } from 'fastify';
import { ReviewError } from '../review/errors.js';

/** To be called before the routes are registered. Refuses with `ERR_REQUEST`, naming the place. */
export function refuseNul(app: FastifyInstance): void {
  app.addHook('preValidation', ({ body, params, query }, _reply, done) => {
    const place = placeOfNul({ body, params, query });
    if (place === null) done();
    else done(new ReviewError('ERR_REQUEST', `${place}: got the character U+0000, expected text`));
  });
}

/** @returns `body.note`, or null */
function placeOfNul(value: unknown): string | null {
  if (typeof value === 'string') return value.includes('\0') ? '' : null;
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, inner] of Object.entries(value)) {
    const place = key.includes('\0') ? '' : placeOfNul(inner);
    if (place !== null) return [JSON.stringify(key).slice(1, -1), place].filter(Boolean).join('.');
  }
  return null;
}

/**
 * What every route of the desk needs: who asks, the tables, the audit log, the clock.
 * @module
 */
import type { FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { AuditLog } from '../audit/audit-log.js';
import type { OpenSession } from '../http/door.js';
import type { ReviewStore } from './review-store.js';

export interface Desk {
  readonly mspId: string;
  /** Millionths. */
  readonly theta: number;
  readonly review: ReviewStore;
  /** Every change is written down before it is answered. */
  readonly audit: Pick<AuditLog, 'append' | 'newest'>;
  readonly sessionOf: (request: FastifyRequest) => OpenSession;
  readonly now: () => number;
}

export const closed = { additionalProperties: false } as const;
/** Ten characters from the first to the last that is no blank: no essay, and more than "ok". */
export const Reason: Type.TString = Type.String({
  pattern: String.raw`\S[\s\S]{8,}\S`,
  maxLength: 2_000,
});
export const TxId: Type.TString = Type.String({ pattern: '^[0-9a-f]{64}$' });
/** Of our own small tables. */
export const ById: Type.TObject<{ id: Type.TString }> = Type.Object(
  { id: Type.String({ pattern: '^[1-9][0-9]{0,8}$' }) },
  closed,
);

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

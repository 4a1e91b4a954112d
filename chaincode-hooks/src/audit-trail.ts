/**
 * `aud~<day>~<record>~<actor>~<txid>`: one row for each guarded call, so that an investigator finds by day, record and actor
 * what `acc~`, `den~`, `q~` and `rev~` keep by transaction.
 *
 * One key, not three: each write of a call is a round trip between chaincode and peer. So a search by record reads one narrow
 * range a day, and a search by actor or time reads the whole day.
 * @module
 */
import type { GuardContext } from './guard-context.js';
import {
  NO_RECORD,
  accessTicketKey,
  auditKey,
  denialKey,
  quarantineKey,
  reviewKey,
} from './ledger-keys.js';
import { writeObject } from './ledger.js';

export const AUDIT_KINDS = ['access', 'denial', 'quarantine', 'review'] as const;
export type AuditKind = (typeof AUDIT_KINDS)[number];

/** Where the record of each kind is kept. A review is of a call that ran: its ticket is beside it. */
export const AUDITED_KEY: Readonly<Record<AuditKind, (txId: string) => string>> = {
  access: accessTicketKey,
  denial: denialKey,
  quarantine: quarantineKey,
  review: reviewKey,
};

export interface AuditRow {
  readonly kind: AuditKind;
  /** `Contract:function`. */
  readonly function: string;
  readonly actor: string;
  /** Record handle; empty if the call named none. */
  readonly record: string;
  /** Transaction time. */
  readonly atMs: number;
}

const DAY_MS = 86_400_000;

/** Days since 1970, UTC. */
export function auditDayOf(atMs: number): number {
  return Math.floor(atMs / DAY_MS);
}

export async function writeAuditRow(ctx: GuardContext, row: AuditRow): Promise<void> {
  const { kind, function: name, actor, record, atMs } = row;
  const key = auditKey({
    day: auditDayOf(atMs),
    record: record === '' ? NO_RECORD : record,
    actor,
    txId: ctx.stub.getTxID(),
  });
  await writeObject(ctx, key, { kind, function: name.slice(0, FUNCTION_NAME_MAX), atMs });
}

/** The names of unknown functions are the caller's text: only so much of it is kept. */
export const FUNCTION_NAME_MAX = 128;

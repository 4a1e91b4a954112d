/**
 * Whether an access that the guard let through gets its ticket: policy first, then what the deciding rule asks for.
 * @module
 */
import { Denial } from '../denial.js';
import { callerOf, transactionTimeMs, type Caller, type GuardContext } from '../guard-context.js';
import { countersignatureKey } from '../ledger-keys.js';
import { TICKET_MINUTES, decideAccess, type AccessAction } from './access-policy.js';
import { readActivePolicy } from './adopted-policy.js';
import { isRelated, readCareRelation } from './care-relation.js';
import { coveringConsent, readConsentsInForce } from './consents-in-force.js';
import { isCountersigned, readCountersignature } from './countersignature.js';
import { custodianOf } from './custody.js';

export interface AskedAccess {
  readonly action: AccessAction;
  /** Empty where no single record is named. */
  readonly record: string;
  readonly section: string;
  readonly purpose: string;
  /** Of function and arguments without session and context: what a colleague countersigns. */
  readonly digest: string;
}

/** What the ticket says beside what was asked. */
export interface TicketTerms {
  /** How long it is good for. */
  readonly minutes: number;
  /** The consent that it rests on; absent if none was needed. */
  readonly consent?: string;
  /** Actor id of the colleague who countersigned; absent if nobody had to. */
  readonly secondPerson?: string;
}

/** Denies before anything is written. A countersignature is used up, a review asked for with the ticket only. */
export async function checkAccess(
  ctx: GuardContext,
  asked: AskedAccess,
): Promise<TicketTerms | Denial> {
  const active = await readActivePolicy(ctx);
  if (active === null) return { minutes: TICKET_MINUTES };
  const caller = callerOf(ctx);
  const { action, record, section, purpose } = asked;
  const atMs = transactionTimeMs(ctx);
  const ownRecord = record === '' || custodianOf(record) === caller.mspId;
  const request = { caller, action, section, purpose, ownRecord, atMs };
  const { effect, needsConsent, relationDays, secondPerson, review, ticketMinutes } = decideAccess(
    active.policy,
    request,
  );
  if (effect === 'deny') return new Denial('policy');
  const consent = needsConsent ? await consentOf(ctx, asked, caller, atMs) : undefined;
  if (consent === null) return new Denial('consent');
  if (relationDays !== null) {
    // Nobody treats a set of unnamed records.
    const relation = record === '' ? { noted: [] } : await readCareRelation(ctx, record, caller);
    const { actor } = caller;
    if (!isRelated(relation, { actor, atMs, days: relationDays })) return new Denial('relation');
  }
  const second =
    secondPerson === null ? undefined : await secondOf(ctx, asked, caller, secondPerson);
  if (second === null) return new Denial('second-person');
  if (second !== undefined) {
    await ctx.stub.deleteState(countersignatureKey(caller.actor, asked.digest));
  }
  ctx.reviewAsked = review;
  return {
    minutes: ticketMinutes,
    ...(consent === undefined ? {} : { consent }),
    ...(second === undefined ? {} : { secondPerson: second }),
  };
}

/** Null if no consent covers the access; nobody consents for a set of unnamed records. */
async function consentOf(
  ctx: GuardContext,
  { record, section, purpose }: AskedAccess,
  caller: Caller,
  atMs: number,
): Promise<string | null> {
  if (record === '') return null;
  const inForce = await readConsentsInForce(ctx, record, purpose);
  return coveringConsent(inForce, { caller, section, atMs });
}

/** Null if nobody countersigned who could. */
async function secondOf(
  ctx: GuardContext,
  { digest }: AskedAccess,
  caller: Caller,
  roles: readonly string[],
): Promise<string | null> {
  const stored = await readCountersignature(ctx, caller.actor, digest);
  const signed = isCountersigned(stored, { caller, roles, atMs: transactionTimeMs(ctx) });
  return signed ? stored!.by : null;
}

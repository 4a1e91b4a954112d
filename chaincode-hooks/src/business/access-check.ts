/**
 * Whether an access that the guard let through gets its ticket: policy first, then consent where the policy asks for one.
 * @module
 */
import { Denial } from '../denial.js';
import { callerOf, transactionTimeMs, type GuardContext } from '../guard-context.js';
import { TICKET_MINUTES, decideAccess, type AccessAction } from './access-policy.js';
import { readActivePolicy } from './adopted-policy.js';
import { coveringConsent, readConsentsInForce } from './consents-in-force.js';
import { custodianOf } from './custody.js';

export interface AskedAccess {
  readonly action: AccessAction;
  /** Empty where no single record is named. */
  readonly record: string;
  readonly section: string;
  readonly purpose: string;
}

/** How long a ticket is good for. */
export interface TicketTerms {
  readonly minutes: number;
  /** The consent that it rests on; null if none was needed. */
  readonly consent: string | null;
}

export async function checkAccess(
  ctx: GuardContext,
  { action, record, section, purpose }: AskedAccess,
): Promise<TicketTerms | Denial> {
  const active = await readActivePolicy(ctx);
  if (active === null) return { minutes: TICKET_MINUTES, consent: null };
  const caller = callerOf(ctx);
  const atMs = transactionTimeMs(ctx);
  const ownRecord = record === '' || custodianOf(record) === caller.mspId;
  const decision = decideAccess(active.policy, {
    caller,
    action,
    section,
    purpose,
    ownRecord,
    atMs,
  });
  const { effect, needsConsent, ticketMinutes: minutes } = decision;
  if (effect === 'deny') return new Denial('policy');
  if (!needsConsent) return { minutes, consent: null };
  if (record === '') return new Denial('consent'); // nobody consents for a set of unnamed records
  const inForce = await readConsentsInForce(ctx, record, purpose);
  const consent = coveringConsent(inForce, { caller, section, atMs });
  return consent === null ? new Denial('consent') : { minutes, consent };
}

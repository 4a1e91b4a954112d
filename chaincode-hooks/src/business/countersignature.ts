/**
 * `sec~<actor>~<digest>`: a colleague has put her name under one request of this actor. It is for exactly that request, once,
 * and for as long as a ticket lasts.
 * @module
 */
import type { Caller, GuardContext } from '../guard-context.js';
import { countersignatureKey } from '../ledger-keys.js';
import { readObject, writeObject } from '../ledger.js';
import { TICKET_MINUTES } from './access-policy.js';

export interface Countersignature {
  readonly by: string;
  readonly mspId: string;
  readonly role: string;
  readonly expiresMs: number;
}

const MINUTE_MS = 60_000;

/** Another person of the caller's hospital with one of the roles, in time. Pure. */
export function isCountersigned(
  stored: Countersignature | null,
  o: {
    readonly caller: Pick<Caller, 'actor' | 'mspId'>;
    readonly roles: readonly string[];
    readonly atMs: number;
  },
): boolean {
  return (
    stored !== null &&
    stored.by !== o.caller.actor &&
    stored.mspId === o.caller.mspId &&
    o.roles.includes(stored.role) &&
    o.atMs <= stored.expiresMs
  );
}

export async function readCountersignature(
  ctx: GuardContext,
  actor: string,
  digest: string,
): Promise<Countersignature | null> {
  const key = countersignatureKey(actor, digest);
  return (await readObject(ctx, key, 'countersignature')) as unknown as Countersignature | null;
}

export async function writeCountersignature(
  ctx: GuardContext,
  o: { readonly actor: string; readonly digest: string },
  by: Pick<Caller, 'actor' | 'mspId' | 'role'>,
  atMs: number,
): Promise<Countersignature> {
  const { actor, mspId, role } = by;
  const signed = { by: actor, mspId, role, expiresMs: atMs + TICKET_MINUTES * MINUTE_MS };
  await writeObject(ctx, countersignatureKey(o.actor, o.digest), signed);
  return signed;
}

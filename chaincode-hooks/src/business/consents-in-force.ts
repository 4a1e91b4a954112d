/**
 * `cof~<record>~<purpose>`: the active consents of one record for one purpose, so that an access reads one key.
 * @module
 */
import type { Caller, GuardContext } from '../guard-context.js';
import { consentsInForceKey } from '../ledger-keys.js';
import { readObject, writeObject } from '../ledger.js';
import { Denial } from '../denial.js';
import type { Consent, Grantee } from './consent.js';

export interface ConsentInForce {
  readonly consent: string;
  readonly grantee: Grantee;
  readonly sections: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** What a consent must cover. */
export interface ConsentQuestion {
  readonly caller: Pick<Caller, 'mspId' | 'role' | 'ward' | 'actor'>;
  readonly section: string;
  readonly atMs: number;
}

/** More are not in force at the same time for one record and purpose. */
export const IN_FORCE_MAX = 32;

/** The consent that covers the question; null if none does. Pure. */
export function coveringConsent(
  inForce: readonly ConsentInForce[],
  { caller, section, atMs }: ConsentQuestion,
): string | null {
  const found = inForce.find(
    ({ grantee, sections, notBeforeMs, notAfterMs }) =>
      grantee.mspId === caller.mspId &&
      ['', caller.role].includes(grantee.role) &&
      ['', caller.ward].includes(grantee.ward) &&
      ['', caller.actor].includes(grantee.actor) &&
      sections.includes(section) &&
      notBeforeMs <= atMs &&
      atMs <= notAfterMs,
  );
  return found?.consent ?? null;
}

export async function readConsentsInForce(
  ctx: GuardContext,
  record: string,
  purpose: string,
): Promise<readonly ConsentInForce[]> {
  const stored = await readObject(ctx, consentsInForceKey(record, purpose), 'consents in force');
  return (stored?.['consents'] ?? []) as unknown as readonly ConsentInForce[];
}

/**
 * Brings the lists in line with a consent that changes from `before` to `after`.
 *
 * @returns a denial, before anything is written, if a list is full
 */
export async function updateConsentsInForce(
  ctx: GuardContext,
  before: Consent,
  after: Consent,
): Promise<Denial | null> {
  const left = before.state === 'active' ? before.purposes : [];
  const entered = after.state === 'active' ? after.purposes : [];
  const purposes = [...left, ...entered.filter((purpose) => !left.includes(purpose))];
  const lists = await Promise.all(
    purposes.map(async (purpose) => {
      const stored = await readConsentsInForce(ctx, before.record, purpose);
      const others = stored.filter(
        ({ consent, notAfterMs }) => consent !== before.consent && notAfterMs >= after.atMs,
      );
      const consents = entered.includes(purpose) ? [...others, inForce(after)] : others;
      return { purpose, consents };
    }),
  );
  if (lists.some(({ consents }) => consents.length > IN_FORCE_MAX)) return new Denial('quantity');
  for (const { purpose, consents } of lists) {
    const key = consentsInForceKey(before.record, purpose);
    if (consents.length === 0) await ctx.stub.deleteState(key);
    else await writeObject(ctx, key, { consents });
  }
  return null;
}

function inForce({ consent, grantee, sections, notBeforeMs, notAfterMs }: Consent): ConsentInForce {
  return { consent, grantee, sections, notBeforeMs, notAfterMs };
}

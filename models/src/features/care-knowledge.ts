/**
 * What a hospital's own systems answer about an access: did anybody find a reason for it, is the patient an acquaintance, is
 * the account's owner still employed. What is not connected answers in the accused's favour: no reason is missed where
 * reasons are not known.
 * Source: detection.md §2.4, §3 (columns 31, 32, 38).
 * @module
 */
import type { AccessEvent, Handle } from './access-event.js';
import type { CareKnowledge } from './day-counts.js';

/** A reason to open a record, `[fromMs, untilMs)`: of one person, or of whoever works on a ward. */
export interface CareReason {
  readonly patient: Handle;
  readonly ward: string | null;
  readonly actor: Handle | null;
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface StaffRecord {
  readonly actor: Handle;
  readonly surname: string;
  readonly household: string;
  /** End of employment, UTC ms. */
  readonly leftMs: number | null;
}

export interface PatientRecord {
  readonly patient: Handle;
  readonly surname: string;
  readonly household: string;
  /** The member of staff who is this patient. */
  readonly employee: Handle | null;
  /** A flagged record. */
  readonly vip: boolean;
}

/** How long before and after a relation an access is still explained by it. */
export const CARE_SLACK_MS: number = 30 * 86_400_000;

/**
 * Whether an access has a reason among `reasons`, by ward or by person, at its time.
 * @param slackMs - each reason holds so much longer on both sides
 */
export function createRelationIndex(
  reasons: Iterable<CareReason>,
  slackMs = 0,
): (
  access: Readonly<{ patient: Handle; ward: string | null; actor: Handle; timeMs: number }>,
) => boolean {
  const byPatient = new Map<Handle, CareReason[]>();
  for (const reason of reasons) {
    const known = byPatient.get(reason.patient);
    if (known === undefined) byPatient.set(reason.patient, [reason]);
    else known.push(reason);
  }
  return ({ patient, ward, actor, timeMs }) =>
    (byPatient.get(patient) ?? []).some(
      (reason) =>
        timeMs >= reason.fromMs - slackMs &&
        timeMs < reason.untilMs + slackMs &&
        (reason.actor === null ? reason.ward === ward : reason.actor === actor),
    );
}

export type Acquaintance = 'self' | 'family' | 'co-worker' | 'VIP';

/** What an actor is to a patient, beyond care. */
export function createAcquaintances(
  o: Readonly<{ staff: Iterable<StaffRecord>; patients: Iterable<PatientRecord> }>,
): (event: Readonly<Pick<AccessEvent, 'actor' | 'patient'>>) => Acquaintance | null {
  const staff = new Map([...o.staff].map((one) => [one.actor, one]));
  const patients = new Map([...o.patients].map((one) => [one.patient, one]));
  return ({ actor, patient }) => {
    const who = patient === null ? undefined : patients.get(patient);
    const self = staff.get(actor);
    if (who === undefined) return null;
    if (who.employee === actor) return 'self';
    if (self !== undefined && (who.surname === self.surname || who.household === self.household)) {
      return 'family';
    }
    if (who.employee !== null) return 'co-worker';
    return who.vip ? 'VIP' : null;
  };
}

/** @param records - null: this system is not connected */
export function createCareKnowledge(
  records: Readonly<{
    relations: Iterable<CareReason> | null;
    staff: readonly StaffRecord[] | null;
    patients: Iterable<PatientRecord> | null;
  }>,
): CareKnowledge {
  const { relations, staff, patients } = records;
  const isRelated = relations === null ? null : createRelationIndex(relations, CARE_SLACK_MS);
  const acquaintanceOf =
    staff === null || patients === null ? null : createAcquaintances({ staff, patients });
  const left = new Map((staff ?? []).map(({ actor, leftMs }) => [actor, leftMs]));
  return {
    isExplained: ({ patient, ward, actor, timeMs }) =>
      isRelated === null || patient === null || isRelated({ patient, ward, actor, timeMs }),
    isAcquainted: (event) => acquaintanceOf !== null && acquaintanceOf(event) !== null,
    leftMs: (actor) => left.get(actor) ?? null,
  };
}

/**
 * One shift of one member, session by session: visits to patients, and the small oddities of honest work.
 * @module
 */

import type { RandomStream } from '../random-stream.js';
import {
  LOGIN,
  LOGOUT,
  step,
  WORKFLOWS,
  type Step,
  type Workflow,
} from '../simulation/workflows.js';
import { HOUR_MS } from './calendar.js';
import { ORDER_CHANCES, type Care, type Patient } from './care.js';
import { draftOf, openSession, type DraftFacts, type EventDraft } from './event-draft.js';
import type { Schedule } from './oddities.js';
import type { HospitalStyle, Member, StaffRole } from './staff.js';

export interface ShiftWork {
  readonly member: Member;
  readonly ward: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly random: RandomStream;
  /** Events still to be made. */
  wanted: number;
  /** When the next session begins. */
  nextMs: number;
  readonly total: number;
  readonly assigned: readonly Patient[];
  readonly isAudit: boolean;
  readonly isUpdated: boolean;
  /** When the member works in sessions of an incident and in no other. */
  readonly planted: readonly Readonly<{ fromMs: number; untilMs: number }>[];
}

const OVERRIDE: Step = step('override notes for emergency');
const WRONG_CLICK: Step = step('read demographics');
/** The event type that a software update brings. */
const RECONCILE: Step = step('execute medication');
const AUDIT: Workflow = {
  weight: 1,
  steps: ['read notes for operations', 'read results .6 for operations'].map(step),
};
const DENIED = 0.006;
const FAILED = 0.008;
const WRONG = 0.01;
const OTHER_TASK = 0.008;
/** Chance that a visit is to somebody else's patient: cover for a colleague, teaching, a look at a similar case. */
const ELSEWHERE: Partial<Record<StaffRole, number>> = {
  nurse: 0.1,
  resident: 0.08,
  physician: 0.06,
};
const OVERRIDE_IN_ED = 0.02;
const RECONCILED = 0.12;

/** What a hospital's sessions need to know. */
export interface Workplace {
  readonly nodeId: string;
  readonly care: Care;
  readonly schedule: Schedule;
  readonly style: HospitalStyle;
}

/** The patients of a shift, by the member's way of working. */
export function assignmentOf(
  care: Care,
  member: Member,
  ward: string,
  day: number,
  random: RandomStream,
): readonly Patient[] {
  switch (member.role) {
    case 'nurse':
      return sample(care.staysOn(ward, day), 4 + random.below(3), random).map((s) => s.patient);
    case 'physician': {
      const own = care.patientsOf(member, day);
      if (own.length >= 8) return sample(own, 25, random);
      const here = sample(care.staysOn(ward, day), 12, random).map((stay) => stay.patient);
      return [...own, ...here];
    }
    case 'resident':
      return sample(care.staysOn(ward, day), 15, random).map((stay) => stay.patient);
    case 'clerk':
    case 'billing': {
      // Today's appointments, those to come, and the open accounts of the week.
      const offset = member.role === 'clerk' ? random.below(10) : -random.below(7);
      const visits = [...care.visitsOn(day), ...care.visitsOn(day + offset)];
      return sample(visits, 40 + random.below(80), random).map((visit) => visit.patient);
    }
    case 'researcher':
      return sample(care.cohort, 60, random);
    default:
      return member.ward in ORDER_CHANCES
        ? sample(care.ordersFor(member.ward, day), 60, random)
        : [];
  }
}

function sample<T>(from: readonly T[], count: number, random: RandomStream): readonly T[] {
  if (from.length <= count) return from;
  return Array.from({ length: count }, () => random.pick(from));
}

/** Nobody opens a session just before another one. */
const LEAD_MS = 10 * 60_000;

/** `atMs`, or the end of the planted session that is under way then or begins soon. */
export function freeFrom({ planted }: Pick<ShiftWork, 'planted'>, atMs: number): number {
  const now = planted.find(({ fromMs, untilMs }) => atMs >= fromMs - LEAD_MS && atMs <= untilMs);
  return now === undefined ? atMs : now.untilMs + 1;
}

/** Writes the next session into `into` and moves the shift on to the one after. */
export function workSession(
  place: Workplace,
  shift: ShiftWork,
  day: number,
  into: EventDraft[],
): void {
  const { member, random } = shift;
  const { nodeId, style } = place;
  const { customs } = style;
  const session = openSession(random, { nodeId, customs, member, ward: shift.ward });
  const length = Math.max(3, Math.round(random.logNormal(customs.sessionEvents, 0.6)));
  const last = into.length + length - 1;
  const from = into.length;
  let atMs = shift.nextMs;
  const write = (of: Step, facts?: DraftFacts): void =>
    void into.push(draftOf(random, session, of, atMs, facts));
  const isClinician =
    member.role === 'nurse' || member.role === 'physician' || member.role === 'resident';
  write(LOGIN);
  const plantedMs = Math.min(
    ...shift.planted.map(({ fromMs }) => (fromMs > atMs ? fromMs : Infinity)),
  );
  while (into.length < last && atMs < plantedMs - LEAD_MS) {
    atMs += random.logNormal(90_000, 0.9) * member.pace;
    const patient = patientOf(place, shift, day);
    if (random.chance(WRONG)) {
      // A wrong click, put right at once.
      write(WRONG_CLICK, { patient: place.care.inpatient(day, random) });
      atMs += random.between(4_000, 18_000);
    }
    if (isClinician && shift.ward === 'ED' && random.chance(OVERRIDE_IN_ED)) {
      write(OVERRIDE, { patient });
      atMs += random.logNormal(12_000, 0.6) * member.pace;
    }
    for (const of of workflowOf(shift).steps) {
      if (of.chance < 1 && !random.chance(of.chance)) continue;
      const records =
        of.records === 1 ? 1 : Math.max(1, Math.round(random.logNormal(of.records, 0.6)));
      const fate = random.uniform();
      write(of, {
        patient: of.ofPatient ? patient : null,
        records,
        outcome: fate < DENIED ? 'denied' : fate < DENIED + FAILED ? 'error' : 'success',
      });
      atMs += random.logNormal(14_000, 0.8) * member.pace;
    }
    if (shift.isUpdated && isClinician && random.chance(RECONCILED)) write(RECONCILE, { patient });
  }
  write(LOGOUT);
  shift.wanted -= into.length - from;
  shift.nextMs = atMs + restMs(shift, customs.sessionEvents, atMs);
}

/** Breaks between sessions; the hand-over at the beginning is busy. */
function restMs(shift: ShiftWork, sessionEvents: number, atMs: number): number {
  const sessions = Math.max(1, shift.total / sessionEvents);
  const median = ((shift.endMs - shift.startMs) / sessions) * 0.35;
  const isHandOver = atMs - shift.startMs < 1.5 * HOUR_MS;
  return shift.random.logNormal(isHandOver ? median * 0.3 : median, 0.6);
}

function workflowOf(shift: ShiftWork): Workflow {
  const { member, random } = shift;
  if (shift.isAudit && random.chance(0.6)) return AUDIT;
  if (random.chance(OTHER_TASK)) {
    // Helping out: a colleague's task, once in a while.
    return random.pick(WORKFLOWS[random.pick(['nurse', 'physician', 'clerk', 'allied'] as const)]);
  }
  return member.workflows[random.weighted(member.habits)]!;
}

function patientOf(place: Workplace, shift: ShiftWork, day: number): Patient {
  const { random, assigned } = shift;
  const elsewhere =
    assigned.length === 0 || shift.isAudit || random.chance(ELSEWHERE[shift.member.role] ?? 0);
  return elsewhere ? place.care.inpatient(day, random) : random.pick(assigned);
}

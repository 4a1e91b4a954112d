/**
 * One shift of one member: sessions, visits to patients, the small oddities of honest work.
 * @module
 */

import type { AccessEvent, Role } from '@bhschain/models/features';
import type { RandomStream } from '../random-stream.js';
import type { Patients } from './patients.js';
import { openSessionWriter, type SessionWriter, type StepFacts } from './session-writer.js';
import { HOUR_MS, type Shift } from './shifts.js';
import type { SimulatedMember, WorldStyle } from './staff.js';
import { LOGIN, LOGOUT, step, WORKFLOWS, type Step, type Workflow } from './workflows.js';

/** Median events of an eight-hour shift, from which each shift scatters. */
const LOADS: Readonly<Record<Role, number>> = {
  unknown: 0,
  nurse: 70,
  physician: 65,
  resident: 75,
  allied: 45,
  laboratory: 90,
  radiology: 60,
  pharmacist: 70,
  clerk: 80,
  billing: 60,
  researcher: 30,
  administrator: 25,
  security: 20,
  service: 160,
};
const OVERRIDE: Step = step('override notes for emergency');
const WRONG_CLICK: Step = step('read demographics');
const SESSION_EVENTS_MEDIAN = 16;
const CROSS_COVER = 0.05;
const OTHER_TASK = 0.008;
const DENIED = 0.006;
const OVERRIDE_IN_ED = 0.02;

export interface Ward {
  readonly patients: Patients;
  readonly wards: readonly string[];
}

export function shiftEvents(
  options: Readonly<{
    member: SimulatedMember;
    shift: Shift;
    nodeId: string;
    ward: Ward;
    style: WorldStyle;
    random: RandomStream;
  }>,
): AccessEvent[] {
  const { member, shift, nodeId, style, random } = options;
  const hours = (shift.endMs - shift.startMs) / HOUR_MS;
  const median = (LOADS[member.role] * style.load * hours) / 8;
  const wanted = Math.max(4, Math.round(random.logNormal(median, 0.35)));
  const own = assignedPatients(member, options.ward, random);
  const events: AccessEvent[] = [];
  if (member.class === 'service') return serviceEvents(options, wanted);
  let atMs = shift.startMs + random.between(-10, 25) * 60_000;
  const restMs = (): number =>
    random.logNormal(
      ((shift.endMs - shift.startMs) / Math.max(1, wanted / SESSION_EVENTS_MEDIAN)) * 0.45,
      0.6,
    );
  while (events.length < wanted && atMs < shift.endMs) {
    const writer = openSessionWriter(member, nodeId, random);
    const length = Math.max(3, Math.round(random.logNormal(SESSION_EVENTS_MEDIAN, 0.6)));
    atMs = session({ ...options, writer, own, length, atMs, events });
    atMs += restMs();
  }
  return events;
}

function session(
  options: Readonly<{
    member: SimulatedMember;
    ward: Ward;
    own: readonly string[];
    random: RandomStream;
    writer: SessionWriter;
    length: number;
    atMs: number;
    events: AccessEvent[];
  }>,
): number {
  const { member, ward, own, random, writer, events } = options;
  let { atMs } = options;
  const write = (of: Step, facts: Partial<StepFacts> = {}): void => {
    events.push(writer.write(of, { timeMs: atMs, patient: null, ...facts }));
  };
  write(LOGIN);
  const lastEvent = events.length + options.length - 1;
  while (events.length < lastEvent) {
    atMs += random.logNormal(90_000, 0.9) * member.pace;
    const patient = patientOf(member, ward, own, random);
    if (random.chance(0.01)) {
      // A wrong click, put right at once.
      write(WRONG_CLICK, { patient: ward.patients.inpatient() });
      atMs += random.between(4_000, 18_000);
    }
    if (member.ward === 'ED' && isDoctorOrNurse(member) && random.chance(OVERRIDE_IN_ED)) {
      write(OVERRIDE, { patient: ward.patients.inpatient(), breakGlassReason: 'specific' });
      atMs += random.logNormal(12_000, 0.6) * member.pace;
    }
    for (const of of workflowOf(member, random).steps) {
      if (!random.chance(of.chance)) continue;
      write(of, {
        patient: of.ofPatient ? patient : null,
        records: of.records === 1 ? 1 : Math.max(1, Math.round(random.logNormal(of.records, 0.6))),
        denied: random.chance(DENIED),
      });
      atMs += random.logNormal(14_000, 0.8) * member.pace;
    }
  }
  write(LOGOUT);
  return atMs;
}

/** Interfaces work in batches with nearly constant gaps. */
function serviceEvents(
  options: Readonly<{
    member: SimulatedMember;
    shift: Shift;
    nodeId: string;
    ward: Ward;
    random: RandomStream;
  }>,
  wanted: number,
): AccessEvent[] {
  const { member, shift, nodeId, ward, random } = options;
  const writer = openSessionWriter(member, nodeId, random);
  const gapMs = (shift.endMs - shift.startMs) / (wanted + 2);
  let atMs = shift.startMs;
  const events = [writer.write(LOGIN, { timeMs: atMs, patient: null })];
  while (events.length < wanted) {
    atMs += gapMs * random.between(0.95, 1.05);
    for (const of of workflowOf(member, random).steps) {
      const patient = of.ofPatient ? ward.patients.inpatient() : null;
      events.push(writer.write(of, { timeMs: atMs, patient }));
    }
  }
  return events;
}

function workflowOf(member: SimulatedMember, random: RandomStream): Workflow {
  if (member.class === 'person' && random.chance(OTHER_TASK)) {
    // Helping out: a colleague's task, once in a while.
    return random.pick(WORKFLOWS[random.pick(['nurse', 'physician', 'clerk', 'allied'] as const)]);
  }
  return member.workflows[random.weighted(member.habits)]!;
}

function assignedPatients(
  member: SimulatedMember,
  ward: Ward,
  random: RandomStream,
): readonly string[] {
  const here = ward.patients.onWard(member.ward);
  if (here.length === 0) return [];
  return random.shuffled(here).slice(0, member.role === 'nurse' ? 5 : 14);
}

function patientOf(
  member: SimulatedMember,
  ward: Ward,
  own: readonly string[],
  random: RandomStream,
): string {
  if (member.role === 'clerk' || member.role === 'billing' || member.role === 'security') {
    return ward.patients.outpatient();
  }
  if (own.length === 0 || random.chance(CROSS_COVER)) return ward.patients.inpatient();
  return random.pick(own);
}

function isDoctorOrNurse(member: SimulatedMember): boolean {
  return member.role === 'nurse' || member.role === 'physician' || member.role === 'resident';
}

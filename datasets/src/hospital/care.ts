/**
 * Who is cared for by whom: stays on wards, attending physicians, consults, appointments and orders of one hospital. Made
 * once and held in memory (it grows with admissions and appointments, not with events); events and relations follow from it.
 * @module
 */

import { randomStream, type RandomStream } from '../random-stream.js';
import { DAY_MS, HOUR_MS, WEEKDAY_FACTORS, weekdayOf } from './calendar.js';
import type { WorldConfig } from './options.js';
import { wardsOf, type Member } from './staff.js';

export interface Patient {
  readonly number: number;
  /** As the log names the patient; the home hospital comes first. */
  readonly handle: string;
  readonly surname: string;
  readonly household: string;
  /** The member of staff who is this patient. */
  readonly employee: string | null;
  /** A flagged record. */
  vip: boolean;
}

export interface Stay {
  readonly patient: Patient;
  readonly ward: string;
  /** First day, and the day of discharge. */
  readonly fromDay: number;
  readonly untilDay: number;
  readonly attending: Member;
  /** Those called in from elsewhere. */
  readonly consults: Member[];
}

export interface Visit {
  readonly patient: Patient;
  readonly day: number;
  readonly physician: Member;
}

/** A reason for somebody to open a record. Either a ward or department, or one person. */
export interface CareRelation {
  readonly nodeId: string;
  readonly patient: string;
  readonly kind: 'stay' | 'attending' | 'consult' | 'appointment' | 'order' | 'account' | 'study';
  readonly ward: string | null;
  readonly actor: string | null;
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface Care {
  readonly wards: readonly string[];
  readonly patients: readonly Patient[];
  readonly stays: readonly Stay[];
  readonly cohort: readonly Patient[];
  staysOn(ward: string, day: number): readonly Stay[];
  /** Patients of a physician: attended, consulted, booked. */
  patientsOf(physician: Member, day: number): readonly Patient[];
  visitsOn(day: number): readonly Visit[];
  ordersFor(department: string, day: number): readonly Patient[];
  inpatient(day: number, random: RandomStream): Patient;
  relations(): Iterable<CareRelation>;
}

/** Chance of an order a day: [inpatient, appointment]. */
export const ORDER_CHANCES: Readonly<Record<string, readonly [number, number]>> = {
  LAB: [0.6, 0.3],
  RAD: [0.15, 0.2],
  THER: [0.3, 0.1],
  PHARM: [0.7, 0.15],
};
/** Departments that keep the books of appointments and discharges. */
const ACCOUNTING = ['DESK', 'BILL'];
const BEDS_A_MEMBER = 0.4;
const VISITS_A_MEMBER = 1.1;
const POOL_A_MEMBER = 30;
const WARM_UP_DAYS = 20;

export function careOf(
  options: Readonly<{
    config: WorldConfig;
    nodeId: string;
    others: readonly string[];
    count: number;
    staff: readonly Member[];
  }>,
): Care {
  const { config, nodeId, count, staff } = options;
  const random = randomStream(config.seed, 'hospital care', nodeId);
  const wards = wardsOf(count);
  const firstDay = config.startMs / DAY_MS;
  const lastDay = firstDay + config.days;
  const patients = poolOf(options, random);
  const physicians = staff.filter((m) => m.role === 'physician' && m.leftOnDay === null);
  const onWard = new Map(
    wards.map((ward) => {
      const own = physicians.filter((member) => member.ward === ward);
      return [ward, own.length > 0 ? own : physicians] as const;
    }),
  );
  const stays: Stay[] = [];
  const beds = Math.max(4, Math.round((count * BEDS_A_MEMBER) / wards.length));
  for (const ward of wards) {
    for (let bed = 0; bed < beds; bed++) {
      let day = firstDay - random.below(WARM_UP_DAYS);
      while (day < lastDay) {
        // A free bed waits for an admission, which weekends rarely bring.
        if (!random.chance(Math.min(1, 1.3 * WEEKDAY_FACTORS[weekdayOf(day)]!))) {
          day++;
          continue;
        }
        const length = Math.max(1, Math.round(random.logNormal(ward === 'ED' ? 1 : 3, 0.8)));
        const consults = Array.from({ length: random.poisson(0.5) }, () => random.pick(physicians));
        stays.push({
          patient: random.pick(patients),
          ward,
          fromDay: day,
          untilDay: day + length,
          attending: random.pick(onWard.get(ward)!),
          consults,
        });
        day += length;
      }
    }
  }
  const visits = visitsOf(config, { count, patients, physicians, random });
  const cohort = random.shuffled(patients).slice(0, Math.max(20, Math.round(count / 5)));
  return createCare({ config, nodeId, wards, patients, stays, visits, cohort });
}

function poolOf(
  options: Readonly<{
    nodeId: string;
    others: readonly string[];
    count: number;
    staff: readonly Member[];
  }>,
  random: RandomStream,
): Patient[] {
  const { nodeId, others, staff } = options;
  const people = staff.filter((member) => member.class === 'person');
  return Array.from({ length: options.count * POOL_A_MEMBER }, (_, i): Patient => {
    // Three in a hundred were transferred in and keep the record of their own hospital.
    const home = others.length > 0 && random.chance(0.03) ? random.pick(others) : nodeId;
    const kin = random.chance(0.05) ? random.pick(people) : null;
    const self = kin !== null && random.chance(0.4);
    return {
      number: i,
      handle: `${home}-P${nodeId.slice(1)}${String(i).padStart(6, '0')}`,
      surname: kin?.surname ?? `surname-${random.below(20_000)}`,
      household: kin?.household ?? `household-${i}`,
      employee: self ? kin.actor : null,
      vip: false,
    };
  });
}

function visitsOf(
  config: WorldConfig,
  options: Readonly<{
    count: number;
    patients: readonly Patient[];
    physicians: readonly Member[];
    random: RandomStream;
  }>,
): Visit[][] {
  const { count, patients, physicians, random } = options;
  const firstDay = config.startMs / DAY_MS;
  const known = Math.ceil(patients.length / 15);
  return Array.from({ length: config.days + 1 }, (_, i) => {
    const day = firstDay + i;
    const mean = count * VISITS_A_MEMBER * WEEKDAY_FACTORS[weekdayOf(day)]!;
    const booked = Math.max(0, Math.round(mean + Math.sqrt(mean) * random.normal()));
    return Array.from({ length: booked }, () => ({
      // Few patients come again and again.
      patient: patients[random.below(random.chance(0.5) ? known : patients.length)]!,
      day,
      physician: random.pick(physicians),
    }));
  });
}

/** The same answer each time: who is ordered what follows from patient, day and department. */
function isOrdered(patient: Patient, day: number, department: string, chance: number): boolean {
  let hash = Math.imul(patient.number + 1, 0x9e3779b1) ^ Math.imul(day, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15) ^ department.charCodeAt(0), 0xc2b2ae35);
  hash ^= hash >>> 13;
  return (hash >>> 0) / 2 ** 32 < chance;
}

function createCare(
  model: Readonly<{
    config: WorldConfig;
    nodeId: string;
    wards: readonly string[];
    patients: readonly Patient[];
    stays: Stay[];
    visits: readonly (readonly Visit[])[];
    cohort: readonly Patient[];
  }>,
): Care {
  const { config, nodeId, stays, visits } = model;
  const firstDay = config.startMs / DAY_MS;
  const visitsOn = (day: number): readonly Visit[] => visits[day - firstDay] ?? [];
  // What one day needs, made when the day is first asked for. Questions come nearly in order of time.
  const days = new Map<number, DayBook>();
  const bookOf = (day: number): DayBook => {
    let book = days.get(day);
    if (book === undefined) {
      if (days.size > 4) days.clear();
      days.set(day, (book = dayBookOf(stays, visitsOn(day), day)));
    }
    return book;
  };
  return {
    wards: model.wards,
    patients: model.patients,
    stays,
    cohort: model.cohort,
    visitsOn,
    staysOn: (ward, day) => bookOf(day).wards.get(ward) ?? [],
    patientsOf: (physician, day) => bookOf(day).physicians.get(physician.index) ?? [],
    ordersFor(department, day) {
      const book = bookOf(day);
      let list = book.orders.get(department);
      if (list === undefined) {
        const [inpatient, appointment] = ORDER_CHANCES[department] ?? [0, 0];
        list = [
          ...book.stays.filter(({ patient }) => isOrdered(patient, day, department, inpatient)),
          ...visitsOn(day).filter((visit) =>
            isOrdered(visit.patient, day, department, appointment),
          ),
        ].map(({ patient }) => patient);
        book.orders.set(department, list);
      }
      return list;
    },
    inpatient: (day, random) => random.pick(bookOf(day).stays).patient,
    *relations() {
      for (const stay of stays) {
        const { patient } = stay;
        const fromMs = stay.fromDay * DAY_MS - 6 * HOUR_MS;
        // Letters are written and results come in after a discharge.
        const untilMs = (stay.untilDay + 2) * DAY_MS;
        const of = { nodeId, patient: patient.handle, fromMs, untilMs };
        yield { ...of, kind: 'stay', ward: stay.ward, actor: null };
        yield { ...of, kind: 'attending', ward: null, actor: stay.attending.actor };
        for (const each of stay.consults) {
          yield { ...of, kind: 'consult', ward: null, actor: each.actor };
        }
        for (const ward of ACCOUNTING) {
          yield { ...of, kind: 'account', ward, actor: null, untilMs: untilMs + 28 * DAY_MS };
        }
        for (const ward of Object.keys(ORDER_CHANCES)) {
          for (let day = Math.max(stay.fromDay, firstDay - 1); day < stay.untilDay; day++) {
            if (!isOrdered(patient, day, ward, ORDER_CHANCES[ward]![0])) continue;
            yield { ...of, kind: 'order', ward, actor: null, ...orderSpan(day) };
          }
        }
      }
      for (const visit of visits.flat()) {
        const { patient, day } = visit;
        const span = { fromMs: (day - 14) * DAY_MS, untilMs: (day + 29) * DAY_MS };
        const of = { nodeId, patient: patient.handle, ...span };
        yield { ...of, kind: 'appointment', ward: null, actor: visit.physician.actor };
        for (const ward of ACCOUNTING) yield { ...of, kind: 'account', ward, actor: null };
        for (const ward of Object.keys(ORDER_CHANCES)) {
          if (!isOrdered(patient, day, ward, ORDER_CHANCES[ward]![1])) continue;
          yield { ...of, kind: 'order', ward, actor: null, ...orderSpan(day) };
        }
      }
      const [fromMs, untilMs] = [config.startMs, config.startMs + config.days * DAY_MS];
      for (const patient of model.cohort) {
        const of = { nodeId, patient: patient.handle, fromMs, untilMs };
        yield { ...of, kind: 'study', ward: 'RES', actor: null };
      }
    },
  };
}

function orderSpan(day: number): Readonly<{ fromMs: number; untilMs: number }> {
  return { fromMs: day * DAY_MS - 6 * HOUR_MS, untilMs: (day + 2) * DAY_MS };
}

interface DayBook {
  readonly stays: readonly Stay[];
  readonly wards: ReadonlyMap<string, readonly Stay[]>;
  readonly physicians: ReadonlyMap<number, readonly Patient[]>;
  readonly orders: Map<string, readonly Patient[]>;
}

function dayBookOf(stays: readonly Stay[], visits: readonly Visit[], day: number): DayBook {
  const here = stays.filter((stay) => stay.fromDay <= day && day < stay.untilDay);
  const wards = new Map<string, Stay[]>();
  const physicians = new Map<number, Patient[]>();
  const add = <K, T>(map: Map<K, T[]>, key: K, value: T): void => {
    const list = map.get(key);
    if (list === undefined) map.set(key, [value]);
    else list.push(value);
  };
  for (const stay of here) {
    add(wards, stay.ward, stay);
    add(physicians, stay.attending.index, stay.patient);
    for (const consult of stay.consults) add(physicians, consult.index, stay.patient);
  }
  for (const visit of visits) add(physicians, visit.physician.index, visit.patient);
  return { stays: here, wards, physicians, orders: new Map<string, readonly Patient[]>() };
}

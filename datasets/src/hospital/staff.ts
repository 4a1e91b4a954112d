/**
 * Who works in a hospital, where, on which rota, at which pace, with which habits, and who came or left when.
 * @module
 */

import type { Role } from '@bhschain/models/features';
import type { StaffMember } from '../consortium.js';
import { randomStream, type RandomStream } from '../random-stream.js';
import { WORKFLOWS, type Workflow } from '../simulation/workflows.js';
import type { Rota } from './calendar.js';
import { customsOf, type Customs } from './customs.js';
import type { WorldConfig } from './options.js';

export type StaffRole = Exclude<Role, 'unknown'>;

export interface Member extends StaffMember {
  readonly index: number;
  readonly role: StaffRole;
  /** A token, not a name: who shares it may be family. */
  readonly surname: string;
  /** Token of an address. */
  readonly household: string;
  readonly rota: Rota;
  /** Phase of the working week. */
  readonly phase: number;
  /** Factor on all gaps; above 1 is slow. */
  readonly pace: number;
  readonly workflows: readonly Workflow[];
  /** Own weights of the workflows. */
  readonly habits: readonly number[];
  readonly device: string;
  /** First and last day of employment, in days since 1970; null: since ever, still here. */
  hiredOnDay: number | null;
  leftOnDay: number | null;
  /** Absent from the first to before the second day. */
  leave: readonly [number, number] | null;
  transfer: Readonly<{ day: number; ward: string }> | null;
  /** A week of nights on another ward. */
  nightFloat: Readonly<{ day: number; ward: string }> | null;
}

interface RoleFacts {
  readonly share: number;
  /** Median events in eight hours. */
  readonly load: number;
  readonly rotas: readonly Rota[];
  /** The department, where the role has no ward. */
  readonly home: string | null;
}

/** Shares of the staff and loads are modelling assumptions. */
export const ROLE_FACTS: Readonly<Record<Exclude<StaffRole, 'service'>, RoleFacts>> = {
  nurse: {
    share: 0.4,
    load: 200,
    rotas: ['day', 'day', 'evening', 'night', 'long-day', 'long-night'],
    home: null,
  },
  physician: {
    share: 0.15,
    load: 130,
    rotas: ['office', 'office', 'office', 'day', 'long-night'],
    home: null,
  },
  resident: { share: 0.08, load: 150, rotas: ['long-day', 'office', 'long-night'], home: null },
  allied: { share: 0.06, load: 90, rotas: ['office', 'day'], home: 'THER' },
  laboratory: { share: 0.05, load: 150, rotas: ['day', 'day', 'evening', 'night'], home: 'LAB' },
  radiology: { share: 0.04, load: 110, rotas: ['day', 'day', 'evening'], home: 'RAD' },
  pharmacist: { share: 0.04, load: 120, rotas: ['day', 'office', 'evening'], home: 'PHARM' },
  clerk: { share: 0.07, load: 160, rotas: ['office'], home: 'DESK' },
  billing: { share: 0.05, load: 120, rotas: ['office'], home: 'BILL' },
  researcher: { share: 0.02, load: 40, rotas: ['office'], home: 'RES' },
  administrator: { share: 0.01, load: 40, rotas: ['office'], home: 'ADM' },
  security: { share: 0.03, load: 30, rotas: ['day', 'evening', 'night'], home: 'SEC' },
};

/** The three that stand in every hospital, and one for the monitors. */
export const SERVICES = ['lab-interface', 'order-interface', 'device-gateway', 'backup'] as const;

/** How one hospital works; drawn around the world's mean with the configured heterogeneity. */
export interface HospitalStyle {
  readonly customs: Customs;
  readonly pace: number;
  readonly load: number;
  readonly longShifts: number;
  readonly weights: Readonly<Record<string, readonly number[]>>;
}

export function styleOf(config: WorldConfig, nodeId: string): HospitalStyle {
  const world = randomStream(config.seed, 'hospital world style');
  const own = randomStream(config.seed, 'hospital style', nodeId);
  const factor = (sigma: number): number =>
    world.logNormal(1, sigma) * own.logNormal(1, sigma * config.heterogeneity);
  const customs = customsOf(config.customs);
  return {
    customs,
    pace: factor(0.3) * customs.pace,
    load: factor(0.25),
    longShifts: Math.min(0.9, 0.33 * factor(0.8)),
    weights: Object.fromEntries(
      Object.entries(WORKFLOWS).map(([role, flows]) => [
        role,
        flows.map(() => world.logNormal(1, 0.3) * own.logNormal(1, config.heterogeneity)),
      ]),
    ),
  };
}

/** 8 to 20 wards, fewer only in worlds for tests. */
export function wardsOf(staff: number): string[] {
  const wards = Math.min(20, Math.max(staff < 200 ? 3 : 8, Math.round(staff / 50)));
  return ['ED', 'ICU', ...Array.from({ length: wards - 2 }, (_, i) => `W${i + 1}`)];
}

const YEAR = 365;
/** Accounts of people who left long ago or did not sign in for months; they make no events. */
const FORMER_SHARE = 0.015;
const TURNOVER_A_MONTH = 0.015;

export function staffOf(
  config: WorldConfig,
  nodeId: string,
  count: number,
  style: HospitalStyle,
): Member[] {
  const random = randomStream(config.seed, 'hospital staff', nodeId);
  const wards = wardsOf(count);
  const firstDay = config.startMs / 86_400_000;
  const staff: Member[] = [];
  const add = (role: StaffRole, ward: string, rota: Rota, name: string): Member => {
    const index = staff.length;
    const workflows = WORKFLOWS[role];
    const weights = style.weights[role]!;
    const member: Member = {
      index,
      actor: `${nodeId}.${name}`,
      role,
      ward,
      class: role === 'service' ? 'service' : 'person',
      surname: `surname-${random.below(1_500)}`,
      household: `household-${nodeId}-${index}`,
      rota,
      phase: random.below(7),
      pace: random.logNormal(style.pace, 0.3),
      workflows,
      habits: workflows.map((flow, i) => flow.weight * weights[i]! * random.logNormal(1, 0.7)),
      device: `${nodeId}.device.${random.hex(8)}`,
      hiredOnDay: null,
      leftOnDay: null,
      leave: null,
      transfer: null,
      nightFloat: null,
    };
    staff.push(member);
    return member;
  };
  const person = (role: keyof typeof ROLE_FACTS, i: number): Member => {
    const { rotas, home } = ROLE_FACTS[role];
    let rota = random.pick(rotas);
    if (role === 'nurse' && random.chance(style.longShifts)) {
      rota = rota === 'night' || rota === 'long-night' ? 'long-night' : 'long-day';
    }
    return add(
      role,
      home ?? random.pick(wards),
      style.customs.rotaOf(rota),
      `${role}.${String(i).padStart(4, '0')}`,
    );
  };
  for (const [role, { share }] of Object.entries(ROLE_FACTS)) {
    const members = Math.max(1, Math.round(count * share));
    for (let i = 1; i <= members; i++) person(role as keyof typeof ROLE_FACTS, i);
  }
  if (config.drift) turnOver(config, staff.slice(), firstDay, random, person);
  const former = Math.max(2, Math.round(count * FORMER_SHARE));
  for (let i = 1; i <= former; i++) {
    const role = random.pick(['nurse', 'physician', 'resident', 'clerk'] as const);
    person(role, 9_000 + i).leftOnDay = firstDay - 90 - random.below(YEAR);
  }
  for (const service of SERVICES) add('service', 'IT', 'office', `service.${service}`);
  return staff;
}

/** For each one who leaves somebody of the same role is hired. */
function turnOver(
  config: WorldConfig,
  staff: readonly Member[],
  firstDay: number,
  random: RandomStream,
  person: (role: keyof typeof ROLE_FACTS, i: number) => Member,
): void {
  const leavers = random.poisson((staff.length * TURNOVER_A_MONTH * config.days) / 30);
  for (const [i, leaver] of random.shuffled(staff).slice(0, leavers).entries()) {
    leaver.leftOnDay = firstDay + random.below(config.days);
    const successor = person(leaver.role as keyof typeof ROLE_FACTS, 8_000 + i);
    successor.hiredOnDay = leaver.leftOnDay;
  }
}

/** Where a member belongs on a day; a night float works elsewhere for a week. */
export function wardOn(member: Member, day: number): string {
  if (member.nightFloat !== null && inWeek(member.nightFloat.day, day)) {
    return member.nightFloat.ward;
  }
  return member.transfer !== null && day >= member.transfer.day
    ? member.transfer.ward
    : member.ward;
}

export function isEmployed(member: Member, day: number): boolean {
  return (
    (member.hiredOnDay === null || day >= member.hiredOnDay) &&
    (member.leftOnDay === null || day < member.leftOnDay)
  );
}

function inWeek(from: number, day: number): boolean {
  return day >= from && day < from + 7;
}

/** The rota that a member works on a day, or null on a day off. */
export function rotaOn(member: Member, day: number): Rota | null {
  if (!isEmployed(member, day)) return null;
  if (member.leave !== null && day >= member.leave[0] && day < member.leave[1]) return null;
  if (member.nightFloat !== null && inWeek(member.nightFloat.day, day)) {
    return day < member.nightFloat.day + 5 ? 'night' : null;
  }
  const weekday = (day + 3) % 7;
  if (member.rota === 'office') {
    return weekday < 5 && (day + member.phase) % 9 !== 0 ? 'office' : null;
  }
  const onDuty = member.rota.startsWith('long') ? 4 : 5;
  if ((day + member.phase) % 7 >= onDuty) return null;
  // Weekends run on fewer people.
  if (weekday >= 5 && (day * 7 + member.phase * 3) % 2 !== 0) return null;
  const week = Math.floor((day + 3) / 7) + member.phase;
  if (member.rota === 'evening' && week % 3 === 0) return 'day';
  if (member.rota === 'day' && week % 7 === 0) return 'night';
  return member.rota;
}

/**
 * Who works in a simulated hospital, on which ward, on which rota, at which pace, with which habits.
 * @module
 */

import type { Role } from '@bhschain/models/features';
import type { StaffMember } from '../consortium.js';
import type { RandomStream } from '../random-stream.js';
import { WORKFLOWS, type Workflow } from './workflows.js';

export type Rota = 'day' | 'evening' | 'night' | 'long-day' | 'long-night' | 'office' | 'always';

export interface SimulatedMember extends StaffMember {
  readonly rota: Rota;
  /** Phase of the five-of-seven working week. */
  readonly phase: number;
  /** Factor on all gaps; above 1 is slow. */
  readonly pace: number;
  readonly workflows: readonly Workflow[];
  /** Own weights of the workflows. */
  readonly habits: readonly number[];
  /** First day of work, in days since the start of the world; 0 for almost everybody. */
  readonly hiredOnDay: number;
  readonly device: string;
}

/** Shares of the staff; the rest of the design's shares are in the README. */
const ROLE_SHARES: readonly (readonly [Exclude<Role, 'unknown'>, number])[] = [
  ['nurse', 0.4],
  ['physician', 0.15],
  ['resident', 0.08],
  ['allied', 0.07],
  ['laboratory', 0.05],
  ['radiology', 0.04],
  ['pharmacist', 0.04],
  ['clerk', 0.07],
  ['billing', 0.05],
  ['researcher', 0.02],
  ['administrator', 0.015],
  ['security', 0.015],
];
const HOME_OF: Partial<Record<Role, string>> = {
  laboratory: 'LAB',
  radiology: 'RAD',
  pharmacist: 'PHARM',
  billing: 'BILL',
  researcher: 'RES',
  administrator: 'ADM',
  security: 'SEC',
};
const ROTAS: Partial<Record<Role, readonly Rota[]>> = {
  nurse: ['day', 'day', 'evening', 'night', 'long-day', 'long-night'],
  physician: ['office', 'office', 'office', 'day', 'long-night'],
  resident: ['long-day', 'office', 'long-night'],
  laboratory: ['day', 'day', 'evening', 'night'],
  radiology: ['day', 'day', 'evening'],
  pharmacist: ['day', 'office', 'evening'],
  security: ['day', 'evening', 'night'],
};
const OFFICE: readonly Rota[] = ['office'];
const SERVICES = ['lab-interface', 'order-interface', 'backup'];

export function wardsOf(staffCount: number): string[] {
  const wards = Math.min(20, Math.max(4, Math.round(staffCount / 35)));
  return ['ED', 'ICU', ...Array.from({ length: wards - 2 }, (_, i) => `W${i + 1}`)];
}

/** Staff of one hospital. `style` is shared by the world: how it, as a whole, works. */
export function staffOf(
  options: Readonly<{
    nodeId: string;
    count: number;
    days: number;
    random: RandomStream;
    style: WorldStyle;
  }>,
): SimulatedMember[] {
  const { nodeId, count, days, random, style } = options;
  const wards = wardsOf(count);
  const staff: SimulatedMember[] = [];
  const add = (role: Exclude<Role, 'unknown'>, name: string, ward: string, rota: Rota): void => {
    const workflows = WORKFLOWS[role];
    staff.push({
      actor: `${nodeId}.${name}`,
      role,
      ward,
      class: role === 'service' ? 'service' : 'person',
      rota,
      phase: random.below(7),
      pace: random.logNormal(style.pace, 0.3),
      workflows,
      habits: workflows.map(
        (flow, i) => flow.weight * style.weights[role]![i]! * random.logNormal(1, 0.7),
      ),
      hiredOnDay: random.chance(0.015) ? random.below(days) : 0,
      device: `${nodeId}.device.${random.hex(8)}`,
    });
  };
  for (const [role, share] of ROLE_SHARES) {
    const members = Math.max(1, Math.round(count * share));
    for (let i = 1; i <= members; i++) {
      const name = `${role}.${String(i).padStart(3, '0')}`;
      const rota = random.pick(ROTAS[role] ?? OFFICE);
      add(role, name, HOME_OF[role] ?? random.pick(wards), rota);
    }
  }
  for (const service of SERVICES) add('service', `service.${service}`, 'IT', 'always');
  return staff;
}

/** What differs between worlds: pace, load, and the weight of each workflow of each role. */
export interface WorldStyle {
  readonly pace: number;
  readonly load: number;
  readonly weights: Readonly<Partial<Record<Role, readonly number[]>>>;
}

export function worldStyle(random: RandomStream): WorldStyle {
  return {
    pace: random.logNormal(1, 0.2),
    load: random.logNormal(1, 0.15),
    weights: Object.fromEntries(
      Object.entries(WORKFLOWS).map(([role, flows]) => [
        role,
        flows.map(() => random.logNormal(1, 0.35)),
      ]),
    ),
  };
}

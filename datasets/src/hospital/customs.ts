/**
 * How a hospital's shifts are cut, how fast it works and how its software writes an act down. `known` is what the public
 * simulator of detector 0 assumes; `foreign` is a hospital that it never imagined.
 * @module
 */

import type { Step } from '../simulation/workflows.js';
import type { Rota } from './calendar.js';

export const CUSTOMS = ['known', 'foreign'] as const;
export type CustomsName = (typeof CUSTOMS)[number];

export interface Customs {
  readonly rotaOf: (rota: Rota) => Rota;
  /** Factor on all gaps; above 1 is slow. */
  readonly pace: number;
  /** Median number of events between login and logout. */
  readonly sessionEvents: number;
  /** The act as the hospital's software logs it. */
  readonly written: (step: Step) => Step;
}

const KNOWN: Customs = {
  rotaOf: (rota) => rota,
  pace: 1,
  sessionEvents: 16,
  written: (step) => step,
};

/** Two shifts of twelve hours instead of three, and desks that are staffed every day. */
const FOREIGN_ROTAS: Partial<Record<Rota, Rota>> = {
  day: 'long-day',
  evening: 'long-night',
  night: 'long-night',
  office: 'day',
};

/**
 * Forms are there before anybody fills them in, lists are queried instead of opened, images and tasks are started. Assumed, as
 * every vocabulary here; one word for one word, so that nothing is said more often than at home.
 */
const FOREIGN_ACTS: Readonly<Record<string, Pick<Step, 'action'> & Partial<Step>>> = {
  'create notes': { action: 'update' },
  'update notes': { action: 'create' },
  'create orders': { action: 'update', resourceType: 'encounter' },
  'update orders': { action: 'execute', resourceType: 'encounter' },
  'read orders': { action: 'search', resourceType: 'encounter' },
  'create results': { action: 'update', resourceType: 'document' },
  'read results': { action: 'search', resourceType: 'document' },
  'read medication': { action: 'search', resourceType: 'order' },
  'update medication': { action: 'create', resourceType: 'order' },
  'dispense medication': { action: 'execute', resourceType: 'order' },
  'read imaging': { action: 'execute', resourceType: 'document' },
  'create imaging': { action: 'update', resourceType: 'document' },
  'read demographics': { action: 'search' },
  'search demographics': { action: 'read' },
  'update demographics': { action: 'create' },
  'claim billing': { action: 'execute' },
};

/** Steps are shared objects: each is translated once. */
const translated = new Map<Step, Step>();

const FOREIGN: Customs = {
  rotaOf: (rota) => FOREIGN_ROTAS[rota] ?? rota,
  pace: 0.5,
  // Badge and walk away: a station stays signed in.
  sessionEvents: 40,
  written(step) {
    let known = translated.get(step);
    if (known === undefined) {
      known = { ...step, ...FOREIGN_ACTS[`${step.action} ${step.section}`] };
      translated.set(step, known);
    }
    return known;
  },
};

export function customsOf(name: CustomsName): Customs {
  return name === 'known' ? KNOWN : FOREIGN;
}

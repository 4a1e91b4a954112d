/**
 * What people of a role do, as short workflows on one patient. Shares and sequences are modelling assumptions; nothing
 * here knows how a detector looks at them.
 * @module
 */

import type { Action, Purpose, ResourceType, Role, Section } from '@bhschain/models/features';

export interface Step {
  readonly action: Action;
  readonly section: Section;
  readonly resourceType: ResourceType;
  readonly purpose: Purpose;
  /** Probability that the step happens. */
  readonly chance: number;
  /** Median number of records, for queries and exports. */
  readonly records: number;
  /** The step names a patient. */
  readonly ofPatient: boolean;
}

export interface Workflow {
  readonly weight: number;
  readonly steps: readonly Step[];
}

const RESOURCE_OF: Readonly<Record<Section, ResourceType>> = {
  unknown: 'other',
  demographics: 'patient',
  notes: 'document',
  results: 'observation',
  medication: 'medication',
  imaging: 'imaging',
  orders: 'order',
  billing: 'claim',
  'mental-health': 'document',
  sensitive: 'observation',
  governance: 'audit',
  none: 'account',
};

/** `read notes .7 for payment x40 set`: action, section, then chance, purpose, median count, `set` for no patient. */
export function step(text: string): Step {
  const [action, section, ...rest] = text.split(' ');
  const chance = rest.find((word) => word.startsWith('.'));
  const records = rest.find((word) => /^x\d+$/.test(word));
  const purpose = rest[rest.indexOf('for') + 1];
  return {
    action: action as Action,
    section: section as Section,
    resourceType: RESOURCE_OF[section as Section],
    purpose: rest.includes('for') ? (purpose as Purpose) : 'treatment',
    chance: chance === undefined ? 1 : Number(chance),
    records: records === undefined ? 1 : Number(records.slice(1)),
    ofPatient: !rest.includes('set'),
  };
}

function flow(weight: number, ...steps: string[]): Workflow {
  return { weight, steps: steps.map(step) };
}

/** The login that opens and the logout that closes each session. */
export const LOGIN: Step = step('login none set');
export const LOGOUT: Step = step('logout none set');

const CLINICAL: Workflow[] = [
  flow(8, 'read notes', 'read results .7', 'create orders .5', 'create notes .6'),
  flow(4, 'read results', 'read results .4', 'read imaging .3', 'update notes .3'),
  flow(3, 'read medication', 'create medication .6', 'update orders .3'),
  flow(1.5, 'search demographics', 'read demographics', 'read notes .8'),
  flow(0.6, 'create orders', 'read imaging', 'create notes .5'),
  flow(0.4, 'read mental-health', 'read notes .5'),
  flow(0.3, 'read sensitive', 'read results .5'),
  flow(0.4, 'print notes', 'disclose notes .5 for patient-request'),
];

export const WORKFLOWS: Readonly<Record<Exclude<Role, 'unknown'>, readonly Workflow[]>> = {
  nurse: [
    flow(8, 'read medication', 'dispense medication .8', 'update medication .5'),
    flow(7, 'read results', 'read notes .6', 'create notes .7'),
    flow(4, 'read orders', 'update orders .5', 'create results .4'),
    flow(2, 'read demographics', 'update demographics .2', 'read notes .5'),
    flow(1, 'read imaging', 'read results .5'),
    flow(0.7, 'search demographics', 'read demographics'),
    flow(0.3, 'read mental-health', 'create notes .5'),
    flow(0.3, 'print notes'),
  ],
  physician: CLINICAL,
  resident: [
    ...CLINICAL,
    flow(2, 'read notes', 'read notes', 'read results', 'read imaging .5', 'create notes'),
  ],
  allied: [
    flow(7, 'read orders', 'read notes .7', 'create notes .8'),
    flow(2, 'read results', 'read imaging .4', 'update notes .4'),
    flow(1, 'read demographics', 'update orders .4'),
  ],
  laboratory: [
    flow(9, 'read orders', 'create results', 'create results .5', 'update orders .3'),
    flow(2, 'read results', 'update results .5'),
    flow(0.7, 'search orders set x20', 'read orders'),
    flow(0.2, 'read sensitive', 'create results'),
  ],
  radiology: [
    flow(8, 'read orders', 'read imaging', 'create imaging .8', 'create results .5'),
    flow(3, 'read imaging', 'read imaging .5', 'create results'),
    flow(1, 'read notes', 'read imaging'),
  ],
  pharmacist: [
    flow(7, 'read medication', 'update medication .6', 'dispense medication .6'),
    flow(3, 'read medication', 'read results .6', 'read notes .3'),
    flow(1, 'search medication set x30', 'read medication'),
  ],
  clerk: [
    flow(8, 'search demographics', 'read demographics', 'update demographics .5'),
    flow(4, 'create demographics', 'create orders .3 for operations'),
    flow(3, 'read billing for payment', 'update billing .5 for payment'),
    flow(0.5, 'print demographics for patient-request'),
  ],
  billing: [
    flow(
      8,
      'read billing for payment',
      'claim billing .6 for payment',
      'update billing .3 for payment',
    ),
    flow(
      3,
      'read demographics for payment',
      'read orders .3 for payment',
      'claim billing for payment',
    ),
    flow(0.6, 'export billing for payment x40 set'),
    flow(0.6, 'print billing for payment'),
  ],
  researcher: [
    flow(
      5,
      'search results for research x120 set',
      'read results .8 for research',
      'read results .5 for research',
    ),
    flow(2, 'search notes for research x60 set', 'read notes .6 for research'),
    flow(1, 'search results for research x150 set', 'export results for research x90 set'),
  ],
  administrator: [
    flow(5, 'read governance for operations set', 'update governance .5 for operations set'),
    flow(3, 'search governance for operations set x15', 'read governance for operations set'),
    flow(1.5, 'grant governance for operations set', 'read governance .6 for operations set'),
    flow(0.5, 'execute governance for operations set'),
  ],
  security: [
    flow(6, 'read governance for operations set', 'search governance .6 for operations set x10'),
    flow(2, 'search demographics for operations', 'read demographics for operations'),
  ],
  service: [
    flow(8, 'create results'),
    flow(3, 'read orders', 'update orders'),
    flow(1, 'execute governance for operations set'),
  ],
};

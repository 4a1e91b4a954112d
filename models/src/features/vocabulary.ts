/**
 * The closed lists of the access event. The index in a list is the number on the wire, in ring rows and in role tables,
 * so entries are only ever appended. Index 0 is `unknown`: what a mapping answers when in doubt.
 * @module
 */

export const ROLES = [
  'unknown',
  'nurse',
  'physician',
  'resident',
  'allied',
  'laboratory',
  'radiology',
  'pharmacist',
  'clerk',
  'billing',
  'researcher',
  'administrator',
  'security',
  'service',
] as const;
export type Role = (typeof ROLES)[number];

export const ACTIONS = [
  'unknown',
  'read',
  'search',
  'create',
  'update',
  'delete',
  'export',
  'print',
  'disclose',
  'dispense',
  'override',
  'login',
  'logout',
  'grant',
  'consent',
  'claim',
  'execute',
] as const;
export type Action = (typeof ACTIONS)[number];

export const RESOURCE_TYPES = [
  'unknown',
  'patient',
  'encounter',
  'observation',
  'document',
  'medication',
  'order',
  'imaging',
  'claim',
  'consent',
  'schedule',
  'account',
  'audit',
  'backup',
  'other',
] as const;
export type ResourceType = (typeof RESOURCE_TYPES)[number];

export const SECTIONS = [
  'unknown',
  'demographics',
  'notes',
  'results',
  'medication',
  'imaging',
  'orders',
  'billing',
  'mental-health',
  'sensitive',
  'governance',
  'none',
] as const;
export type Section = (typeof SECTIONS)[number];

export const PURPOSES = [
  'unknown',
  'treatment',
  'emergency',
  'payment',
  'operations',
  'research',
  'patient-request',
  'public-health',
  'legal',
] as const;
export type Purpose = (typeof PURPOSES)[number];

export const SENSITIVITIES = ['unknown', 'normal', 'restricted', 'very-restricted'] as const;
export type Sensitivity = (typeof SENSITIVITIES)[number];

export const OUTCOMES = ['unknown', 'success', 'denied', 'error', 'invalid', 'diverted'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export const CHANNELS = ['unknown', 'ui', 'api', 'batch', 'report', 'mobile', 'chaincode'] as const;
export type Channel = (typeof CHANNELS)[number];

export const NETWORKS = ['unknown', 'internal', 'remote'] as const;
export type Network = (typeof NETWORKS)[number];

export const ACTOR_CLASSES = ['unknown', 'person', 'service'] as const;
export type ActorClass = (typeof ACTOR_CLASSES)[number];

export const BREAK_GLASS_REASONS = ['unknown', 'none', 'generic', 'specific'] as const;
export type BreakGlassReason = (typeof BREAK_GLASS_REASONS)[number];

export const SOURCES = ['fabric', 'fhir', 'native'] as const;
export type Source = (typeof SOURCES)[number];

export const TIME_BASES = ['client', 'recorded', 'occurred'] as const;
export type TimeBasis = (typeof TIME_BASES)[number];

/** What the clock of a source is worth: a day only (BPIC 2011), or shifted per case by the publisher (Sepsis). */
export const TIME_GRANULARITIES = ['exact', 'day', 'case-shifted'] as const;
export type TimeGranularity = (typeof TIME_GRANULARITIES)[number];

/** Number of acts (action × section) of an uncoded source. */
export const ACT_COUNT: number = ACTIONS.length * SECTIONS.length;

/** Acts of a source with its own vocabulary begin here: `CODE_ACT_BASE + code`. */
export const CODE_ACT_BASE = 1024;

/** Codes are below this, so that an act fits 16 bits. */
export const CODES_MAX = 60_000;

/** The act of an action on a section: `action · SECTIONS.length + section`, in [0, ACT_COUNT). */
export function actOf(action: Action, section: Section): number {
  return ACTIONS.indexOf(action) * SECTIONS.length + SECTIONS.indexOf(section);
}

/** Words for an act, for analysts: `read results`, or `code 17`. */
export function describeAct(act: number): string {
  if (act >= CODE_ACT_BASE) return `code ${act - CODE_ACT_BASE}`;
  const action = ACTIONS[Math.floor(act / SECTIONS.length)] ?? 'unknown';
  const section = SECTIONS[act % SECTIONS.length] ?? 'unknown';
  return section === 'none' ? action : `${action} ${section}`;
}

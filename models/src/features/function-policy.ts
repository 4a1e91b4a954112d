/**
 * The function policy table: for each function of the channel its class, and for the guarded ones which argument is what.
 * Plain data, needed by hook and node alike, and part of the feature schema hash.
 * @module
 */

import type { AccessEvent } from './access-event.js';
import type { Action, Section } from './vocabulary.js';

export const GUARDED_FUNCTIONS = [
  'openSession',
  'closeSession',
  'requestAccess',
  'export',
  'amend',
  'erase',
  'breakGlass',
] as const;
export type GuardedFunction = (typeof GUARDED_FUNCTIONS)[number];

export type PolicyClass = 'enforce' | 'break-glass' | 'shadow' | 'governance' | 'query';

export type ArgumentName =
  | 'session'
  | 'context'
  | 'record'
  | 'recordSetDigest'
  | 'ward'
  | 'purpose'
  | 'section'
  | 'count'
  | 'digestBefore'
  | 'digestAfter'
  | 'sizeClass'
  | 'reasonClass';

export interface FunctionPolicy {
  readonly class: PolicyClass;
  /** The action that the function stands for where the context names none; null: the function touches no record. */
  readonly action: Action | null;
  /** Exact number of arguments; null: the contract checks it itself. */
  readonly arity: number | null;
  /** Names of the arguments in their order, of guarded functions. */
  readonly arguments: readonly ArgumentName[];
}

function guarded(action: Action, names: readonly ArgumentName[]): FunctionPolicy {
  return {
    class: action === 'override' ? 'break-glass' : 'enforce',
    action,
    arity: names.length,
    arguments: names,
  };
}
const governance: FunctionPolicy = {
  class: 'governance',
  action: null,
  arity: null,
  arguments: [],
};
const query: FunctionPolicy = { class: 'query', action: null, arity: null, arguments: [] };

/** The policies of the guarded functions, by function name. */
export const GUARDED_POLICY: Readonly<Record<GuardedFunction, FunctionPolicy>> = {
  openSession: guarded('login', ['session', 'ward', 'purpose', 'context']),
  // Judged, so that the ring knows of it, and never diverted: a session that cannot be closed helps nobody.
  closeSession: { ...guarded('logout', ['session', 'context']), class: 'shadow' },
  requestAccess: guarded('read', ['session', 'record', 'purpose', 'section', 'count', 'context']),
  export: guarded('export', [
    'session',
    'recordSetDigest',
    'count',
    'purpose',
    'section',
    'context',
  ]),
  amend: guarded('update', [
    'session',
    'record',
    'section',
    'digestBefore',
    'digestAfter',
    'sizeClass',
    'purpose',
    'context',
  ]),
  erase: guarded('delete', ['session', 'record', 'section', 'reasonClass', 'purpose', 'context']),
  breakGlass: guarded('override', ['session', 'record', 'reasonClass', 'section', 'context']),
};

/** Every function of the channel by `Contract:function`. What is not listed here is an unknown function. */
export const FUNCTION_POLICY: Readonly<Record<string, FunctionPolicy>> = {
  ...Object.fromEntries(
    GUARDED_FUNCTIONS.map((name) => [`RecordAccessContract:${name}`, GUARDED_POLICY[name]]),
  ),
  'FederationContract:configure': governance,
  'FederationContract:enrolActors': governance,
  'DetectorContract:propose': governance,
  'DetectorContract:attest': governance,
  'DetectorContract:activate': governance,
  'DetectorContract:status': query,
  'DetectorContract:blob': query,
  'QuarantineContract:claim': governance,
  'QuarantineContract:unclaim': governance,
  'QuarantineContract:propose': governance,
  'QuarantineContract:approve': governance,
  'QuarantineContract:return': governance,
  'QuarantineContract:close': governance,
  'QuarantineContract:get': query,
  'QuarantineContract:list': query,
};

/** Whether `name` is a guarded function. */
export function isGuardedFunction(name: string): name is GuardedFunction {
  return Object.hasOwn(GUARDED_POLICY, name);
}

/** The chaincode function that a log line becomes; null where the line asks nothing of the ledger. */
export function guardedFunctionOf(
  event: Pick<AccessEvent, 'action' | 'breakGlass'>,
): GuardedFunction | null {
  switch (event.action) {
    case 'login':
      return 'openSession';
    case 'logout':
      return 'closeSession';
    case 'unknown':
      return null;
    case 'override':
      return 'breakGlass';
    default:
  }
  if (event.breakGlass) return 'breakGlass';
  switch (event.action) {
    case 'read':
    case 'search':
      return 'requestAccess';
    case 'export':
    case 'print':
    case 'disclose':
      return 'export';
    case 'delete':
      return 'erase';
    default:
      return 'amend';
  }
}

/** Sensitivity of a section: no caller declares it, so nobody can understate it. */
export function sensitivityOf(section: Section): 0 | 1 | 2 {
  if (section === 'sensitive') return 2;
  return section === 'mental-health' ? 1 : 0;
}

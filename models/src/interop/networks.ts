/**
 * What is exported and imported: a network, or the networks of a detector by name.
 * @module
 */
import { layoutOf, type Architecture, type ParameterLayout } from '../architecture/index.js';
import { InteropError } from '../errors.js';

export interface NetworkParameters {
  readonly architecture: Architecture;
  /** In the order of the layout. */
  readonly parameters: Float32Array;
}

/** Names are of letters, digits, `-` and `_`. */
export type Networks = Readonly<Record<string, NetworkParameters>>;

/** Neighbouring output columns of one kind: a run of numbers, or a categorical group with its softmax. */
export interface Head {
  readonly first: number;
  readonly size: number;
  readonly categorical: boolean;
}

/** All columns, in order. */
export function headsOf({ features, groups = [] }: Architecture): Head[] {
  const heads: Head[] = [];
  let next = 0;
  for (const { first, size } of groups) {
    if (first > next) heads.push({ first: next, size: first - next, categorical: false });
    heads.push({ first, size, categorical: true });
    next = first + size;
  }
  if (features > next) heads.push({ first: next, size: features - next, categorical: false });
  return heads;
}

export function checkNetwork({ architecture, parameters }: NetworkParameters): ParameterLayout {
  const layout = layoutOf(architecture);
  if (parameters.length !== layout.parameterCount) {
    throw refuse('parameters', `${layout.parameterCount} entries`, parameters.length);
  }
  return layout;
}

/** Names and networks; one network alone has the name ''. */
export function named(given: NetworkParameters | Networks): [string, NetworkParameters][] {
  if (given.parameters instanceof Float32Array) return [['', given as NetworkParameters]];
  const entries = Object.entries(given as Networks);
  if (entries.length === 0) throw refuse('networks', 'at least one', 0);
  const bad = entries.find(([name]) => !/^[\w-]+$/.test(name));
  if (bad !== undefined) throw refuse('name', 'letters, digits, - and _', bad[0]);
  return entries;
}

export function refuse(name: string, expected: string, got: string | number): InteropError {
  return new InteropError('ERR_INTEROP', `${name}: expected ${expected}, got ${got}`, {
    name,
    expected,
    got,
  });
}

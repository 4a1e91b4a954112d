/**
 * How a manifest says what became of the accepted updates: the rule, its numbers, and what a rule with a memory took up
 * and left.
 * @module
 */
import type { Rate } from '../aggregation/federated-average.js';
import type { Ratio, ServerRule } from '../aggregation/server-optimiser.js';
import {
  readArray,
  readDigest,
  readDigestOrNone,
  readFields,
  readInteger,
  readOneOf,
  readString,
  StrictError,
} from './strict.js';

/** What a rule with a memory takes up and leaves, by digest. */
export interface CarriedState {
  /** Empty where the rule starts afresh. */
  readonly stateBefore: string;
  readonly stateAfter: string;
}

export type AggregationRecord = Readonly<{
  scaleLog2: 20;
  rate: Rate;
  /** Σ of the weights of the accepted updates. */
  weightTotal: number;
  software: string;
}> &
  (
    | Extract<ServerRule, { rule: 'fedavg' }>
    | (Exclude<ServerRule, { rule: 'fedavg' }> & Readonly<CarriedState>)
  );

/** Keys of each rule, beside those that all have. */
const KEYS = {
  fedavg: [],
  fedavgm: ['momentum', 'stateAfter', 'stateBefore'],
  fedadam: ['adaptivity', 'firstMoment', 'secondMoment', 'stateAfter', 'stateBefore'],
} as const;

/** @throws {StrictError} where the record differs from its format */
export function readAggregation(value: unknown, path: string): AggregationRecord {
  const named = typeof value === 'object' && value !== null && 'rule' in value ? value.rule : '';
  const rule = readOneOf(named, `${path}.rule`, ['fedavg', 'fedavgm', 'fedadam']);
  const fields: Readonly<Record<string, unknown>> = readFields(value, path, [
    'rate',
    'rule',
    'scaleLog2',
    'software',
    'weightTotal',
    ...KEYS[rule],
  ]);
  readInteger(fields['scaleLog2'], `${path}.scaleLog2`, 20, 20);
  const facts = {
    scaleLog2: 20,
    rate: readPair(fields['rate'], `${path}.rate`, 1),
    weightTotal: readInteger(fields['weightTotal'], `${path}.weightTotal`, 1),
    software: readString(fields['software'], `${path}.software`),
  } as const;
  if (rule === 'fedavg') return { ...facts, rule };
  const ratio = (name: string): Ratio => readPair(fields[name], `${path}.${name}`, 0);
  const carried: CarriedState = {
    stateBefore: readDigestOrNone(fields['stateBefore'], `${path}.stateBefore`),
    stateAfter: readDigest(fields['stateAfter'], `${path}.stateAfter`),
  };
  if (rule === 'fedavgm') return { ...facts, ...carried, rule, momentum: ratio('momentum') };
  return {
    ...facts,
    ...carried,
    rule,
    firstMoment: ratio('firstMoment'),
    secondMoment: ratio('secondMoment'),
    adaptivity: ratio('adaptivity'),
  };
}

function readPair(value: unknown, path: string, min: number): readonly [number, number] {
  const pair = readArray(value, path, 2, (each, at) => readInteger(each, at, min, 1_000_000_000));
  const [numerator, denominator] = pair;
  if (numerator === undefined || denominator === undefined) {
    throw new StrictError(`${path}: expected two integers, got ${pair.length}`);
  }
  return [numerator, denominator];
}

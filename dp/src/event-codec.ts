/**
 * Privacy events as JSON, for the privacy ledger, the plan's hash and the command line.
 *
 * Real numbers travel as the shortest decimal string that reads back as the same double, because canonical JSON knows
 * integers only. `decodeEvent` takes plain JSON numbers too, so that people can write event files by hand.
 * @module
 */
import type { JsonObject, JsonValue } from './canonical-json.js';
import { EventFormatError } from './errors.js';
import type { PrivacyEvent } from './privacy-event.js';

const DEPTH_MAX = 32;
/** Every point of a grid looks at every component. */
const COMPONENTS_MAX = 1024;

/** @returns canonical form: `canonicalJson(encodeEvent(e))` is the one text of `e` */
export function encodeEvent(event: PrivacyEvent): JsonObject {
  const encoded: Record<string, JsonValue> = {};
  for (const [key, value] of Object.entries(event) as [string, unknown][]) {
    encoded[key] = encodeField(key, value);
  }
  return encoded;
}

/** Counts are integers by nature; everything else is a real number, even when it happens to be whole. */
const COUNT_FIELDS = new Set([
  'count',
  'steps',
  'buckets',
  'datasetSize',
  'sampleSize',
  'batchMax',
]);

function encodeField(key: string, value: unknown): JsonValue {
  if (typeof value === 'number') return COUNT_FIELDS.has(key) ? value : String(value);
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map((item: unknown) => encodeField('', item));
  return encodeEvent(value as PrivacyEvent);
}

/**
 * @returns a deep-frozen event whose parameters lie in their ranges
 * @throws {EventFormatError} `ERR_DP_EVENT` with the path: unknown kind, missing or unknown field, wrong type, value
 *   out of range (NaN, ∞, q outside [0, 1], count < 0, noise multiplier < 0 …), probabilities that do not sum to 1,
 *   nesting deeper than 32
 */
export function decodeEvent(value: unknown): PrivacyEvent {
  return decodeAt(value, '$', 0);
}

type FieldReader = (value: unknown, path: string, depth: number) => unknown;

const SHAPES: Readonly<Record<PrivacyEvent['kind'], Readonly<Record<string, FieldReader>>>> = {
  'no-op': {},
  'non-private': {},
  unsupported: { reason: text },
  gaussian: { noiseMultiplier: nonNegative },
  'discrete-gaussian': { sigma: positive, sensitivity: nonNegative },
  laplace: { noiseMultiplier: nonNegative },
  'epsilon-delta': { epsilon: nonNegative, delta: probability },
  zcdp: { rho: nonNegative, xi: nonNegative },
  'randomized-response': { noise: probability, buckets: countFrom(2) },
  exponential: { epsilon: nonNegative },
  'mixture-of-gaussians': {
    sigma: positive,
    sensitivities: listOf(nonNegative),
    probabilities: listOf(probability),
  },
  'poisson-sampled': { samplingProbability: probability, event: decodeAt },
  'truncated-poisson-gaussian': {
    datasetSize: countFrom(1),
    samplingProbability: probability,
    batchMax: countFrom(1),
    noiseMultiplier: nonNegative,
  },
  'sampled-without-replacement': {
    datasetSize: countFrom(1),
    sampleSize: countFrom(0),
    event: decodeAt,
  },
  'self-composed': { event: decodeAt, count: countFrom(0) },
  composed: { events: listOf(decodeAt) },
  'repeat-and-select': { event: decodeAt, mean: positive, shape: nonNegative },
  'tree-aggregation': { noiseMultiplier: nonNegative, steps: countFrom(0) },
};

export const EVENT_KINDS: readonly PrivacyEvent['kind'][] = Object.keys(
  SHAPES,
) as PrivacyEvent['kind'][];

function decodeAt(value: unknown, path: string, depth: number): PrivacyEvent {
  if (depth > DEPTH_MAX) throw new EventFormatError(path, `at most ${DEPTH_MAX} levels`, value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new EventFormatError(path, 'an event object', value);
  }
  const given = value as Readonly<Record<string, unknown>>;
  const kind = given['kind'];
  if (typeof kind !== 'string' || !Object.hasOwn(SHAPES, kind)) {
    throw new EventFormatError(`${path}.kind`, `one of ${EVENT_KINDS.join(', ')}`, kind);
  }
  const shape = SHAPES[kind as PrivacyEvent['kind']];
  for (const key of Object.keys(given)) {
    if (key !== 'kind' && !Object.hasOwn(shape, key)) {
      throw new EventFormatError(`${path}.${key}`, `no such field in ${kind}`, given[key]);
    }
  }
  const decoded: Record<string, unknown> = { kind };
  for (const [key, read] of Object.entries(shape)) {
    decoded[key] = read(given[key], `${path}.${key}`, depth + 1);
  }
  const event = decoded as PrivacyEvent;
  checkRelations(event, path);
  return Object.freeze(event);
}

function checkRelations(event: PrivacyEvent, path: string): void {
  if (event.kind === 'mixture-of-gaussians') {
    if (
      event.sensitivities.length !== event.probabilities.length ||
      event.sensitivities.length === 0
    ) {
      throw new EventFormatError(
        `${path}.probabilities`,
        'as many as sensitivities, at least one',
        event.probabilities,
      );
    }
    if (event.sensitivities.length > COMPONENTS_MAX) {
      throw new EventFormatError(
        `${path}.sensitivities`,
        `at most ${COMPONENTS_MAX} components`,
        event.sensitivities,
      );
    }
    const total = event.probabilities.reduce((sum, p) => sum + p, 0);
    // Round-off of a thousand summands is below this. What is left is charged to δ (`mixtureCurve`).
    if (Math.abs(total - 1) > 1e-12) {
      throw new EventFormatError(`${path}.probabilities`, 'a sum of 1', total);
    }
  }
  if (event.kind === 'sampled-without-replacement' && event.sampleSize > event.datasetSize) {
    throw new EventFormatError(`${path}.sampleSize`, 'at most datasetSize', event.sampleSize);
  }
}

function real(value: unknown, path: string, expected: string): number {
  const number =
    typeof value === 'string' && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) {
    throw new EventFormatError(path, expected, value);
  }
  return number;
}

function nonNegative(value: unknown, path: string): number {
  const expected = 'a finite number >= 0';
  const number = real(value, path, expected);
  if (number < 0) throw new EventFormatError(path, expected, value);
  return number;
}

function positive(value: unknown, path: string): number {
  const expected = 'a finite number > 0';
  const number = real(value, path, expected);
  if (number <= 0) throw new EventFormatError(path, expected, value);
  return number;
}

function probability(value: unknown, path: string): number {
  const expected = 'a number in [0, 1]';
  const number = real(value, path, expected);
  if (number < 0 || number > 1) throw new EventFormatError(path, expected, value);
  return number;
}

function countFrom(min: number): FieldReader {
  return (value, path) => {
    if (!Number.isSafeInteger(value) || (value as number) < min) {
      throw new EventFormatError(path, `an integer >= ${min}`, value);
    }
    return value;
  };
}

function text(value: unknown, path: string): string {
  if (typeof value !== 'string') throw new EventFormatError(path, 'a string', value);
  return value;
}

function listOf(item: FieldReader): FieldReader {
  return (value, path, depth) => {
    if (!Array.isArray(value)) throw new EventFormatError(path, 'a list', value);
    return Object.freeze(
      value.map((entry: unknown, i: number) => item(entry, `${path}[${i}]`, depth)),
    );
  };
}

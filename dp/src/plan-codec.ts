/**
 * A plan as bytes: canonical JSON of its specification and of what was derived from it.
 *
 * The derived part is there for readers and for the hash; whoever loads a plan derives it anew and refuses a
 * difference, so that nobody can type in a multiplier.
 * @module
 */
import {
  canonicalJson,
  parseCanonicalJson,
  type JsonObject,
  type JsonValue,
} from './canonical-json.js';
import { CanonicalJsonError, PlanError, PlanMismatchError } from './errors.js';
import { encodeEvent } from './event-codec.js';
import { createPrivacyPlan, type PrivacyPlan, type PrivacyPlanSpec } from './privacy-plan.js';
import { sha256Hex } from './sha256.js';

const SCHEMA = 'bhschain/privacy-plan/1';
const PLAN_BYTES_MAX = 65_536;

/** @returns UTF-8 of canonical JSON: integers and strings only */
export function encodePlan(plan: PrivacyPlan): Uint8Array {
  return new TextEncoder().encode(
    canonicalJson({
      schema: SCHEMA,
      spec: plan.spec as unknown as JsonObject,
      derived: derivedJson(plan),
    }),
  );
}

/** @returns SHA-256 of `encodePlan`, 64 hexadecimal digits: the identity of a plan */
export function planHash(plan: PrivacyPlan): string {
  return sha256Hex(encodePlan(plan));
}

/**
 * Reads a plan and derives everything anew.
 * @throws {PlanError} `ERR_DP_PLAN`: not canonical JSON, another schema, unknown or missing fields, bad values
 * @throws {PlanMismatchError} `ERR_DP_PLAN_MISMATCH` naming the first derived value that differs
 */
export function decodePlan(bytes: Uint8Array): PrivacyPlan {
  const document = statedIn(bytes);
  const plan = createPrivacyPlan(readSpec(document['spec']!));
  const derived = derivedJson(plan);
  const stated = objectOf(document['derived']!, 'derived', Object.keys(derived).sort());
  for (const [field, value] of Object.entries(derived)) {
    const [given, due] = [canonicalJson(stated[field]!), canonicalJson(value)];
    if (given !== due) throw new PlanMismatchError({ field, stated: given, derived: due });
  }
  return plan;
}

/**
 * What a plan's bytes state that people chose, without deriving the plan again: for whoever knows its hash from elsewhere.
 * @throws {PlanError} `ERR_DP_PLAN`
 */
export function statedSpec(bytes: Uint8Array): PrivacyPlanSpec {
  return readSpec(statedIn(bytes)['spec']!);
}

function statedIn(bytes: Uint8Array): JsonObject {
  if (bytes.length > PLAN_BYTES_MAX) {
    throw new PlanError('$', `expected at most ${PLAN_BYTES_MAX} bytes, got ${bytes.length}`);
  }
  const document = objectOf(parse(bytes), '$', ['derived', 'schema', 'spec']);
  if (document['schema'] === SCHEMA) return document;
  throw new PlanError('schema', `expected "${SCHEMA}", got ${JSON.stringify(document['schema'])}`);
}

function derivedJson(plan: PrivacyPlan): JsonObject {
  const micro = (epsilon: number): number => Math.round(epsilon * 1e6);
  return {
    expectedBatch: plan.expectedBatch,
    sensitivityUnits: plan.sensitivityUnits,
    noiseMultiplier: String(plan.noiseMultiplier),
    gridScale: String(plan.gridScale),
    event: encodeEvent(plan.event),
    certifiedMicro: {
      pld: micro(plan.certified.pld),
      rdp: micro(plan.certified.rdp),
      rdpExecuted: micro(plan.certified.rdpExecuted),
      event: micro(plan.certified.event),
      actor: micro(plan.certified.actor),
    },
  };
}

function parse(bytes: Uint8Array): JsonValue {
  try {
    return parseCanonicalJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    if (!(cause instanceof CanonicalJsonError) && !(cause instanceof TypeError)) throw cause;
    throw new PlanError('$', 'not canonical JSON in UTF-8', cause);
  }
}

type Shape = Readonly<
  Record<string, 'integer' | 'string' | 'list' | Readonly<Record<string, string>>>
>;

const RELEASE_SHAPE: Shape = {
  name: 'string',
  length: 'integer',
  sensitivityUnits: 'integer',
  noiseExponent: 'integer',
  count: 'integer',
};

const SPEC_SHAPE: Shape = {
  unit: 'string',
  adjacency: 'string',
  windowing: {
    binMs: 'integer',
    stepsMax: 'integer',
    windowsPerActorMax: 'integer',
    featureScopes: 'list',
  },
  nominalWindows: 'integer',
  samplingNumerator: 'integer',
  steps: 'integer',
  windowClippingNormMicro: 'integer',
  noiseExponent: 'integer',
  epsilonMicro: 'integer',
  deltaExponent: 'integer',
  releases: 'list',
  learningRateMicro: 'integer',
  momentumMicro: 'integer',
  updateScaleLog2: 'integer',
  parameterCount: 'integer',
};

/** Shapes only; `createPrivacyPlan` checks the values. */
function readSpec(value: JsonValue): PrivacyPlanSpec {
  const spec = shaped(value, 'spec', SPEC_SHAPE);
  const windowing = spec['windowing'] as JsonObject;
  for (const scope of windowing['featureScopes'] as readonly JsonValue[]) {
    if (typeof scope !== 'string')
      throw new PlanError('windowing.featureScopes', 'expected strings');
  }
  for (const release of spec['releases'] as readonly JsonValue[]) {
    shaped(release, 'releases', RELEASE_SHAPE);
  }
  return spec as unknown as PrivacyPlanSpec;
}

function shaped(value: JsonValue, path: string, shape: Shape): JsonObject {
  const object = objectOf(value, path, Object.keys(shape).sort());
  for (const [field, kind] of Object.entries(shape)) {
    const given = object[field]!;
    const where = `${path}.${field}`;
    if (typeof kind === 'object') shaped(given, where, kind as Shape);
    else if (kind === 'list' ? !Array.isArray(given) : typeof given !== jsType(kind)) {
      throw new PlanError(where, `expected ${kind}, got ${canonicalJson(given).slice(0, 60)}`);
    }
  }
  return object;
}

function jsType(kind: string): string {
  return kind === 'integer' ? 'number' : kind;
}

function objectOf(value: JsonValue, path: string, keys: readonly string[]): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new PlanError(path, 'expected an object');
  }
  const given = Object.keys(value).sort();
  const unknown = given.find((key) => !keys.includes(key));
  if (unknown !== undefined) throw new PlanError(`${path}.${unknown}`, 'unknown field');
  const missing = keys.find((key) => !given.includes(key));
  if (missing !== undefined) throw new PlanError(`${path}.${missing}`, 'missing');
  return value as JsonObject;
}

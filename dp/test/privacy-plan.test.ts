import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epsilonOf, provenEpsilonOf } from '../src/accounting/epsilon.js';
import { canonicalJson } from '../src/canonical-json.js';
import { PlanError, PlanMismatchError } from '../src/errors.js';
import { decodePlan, encodePlan, planHash } from '../src/plan-codec.js';
import { PLAN_PRESETS, planPreset } from '../src/plan-presets.js';
import { createPrivacyPlan, type PrivacyPlanSpec } from '../src/privacy-plan.js';
import { privacyStatement } from '../src/privacy-statement.js';

const parameterCount = 2956;
const demo = createPrivacyPlan(planPreset('demo', { parameterCount }));
const large = createPrivacyPlan(planPreset('large', { parameterCount }));
const delta = 1e-5;

describe('privacy plan', () => {
  it('demo: one full-batch step needs σ = 7.0318266756', () => {
    expect(demo.requiredNoiseMultiplier).toBeCloseTo(7.0318266756, 10);
    expect(demo.sensitivityUnits).toBe(Math.floor(2 ** 18 / 7.0318266756));
    expect(demo.expectedBatch).toBe(500);
    expect(demo.certified.pld).toBeLessThanOrEqual(0.5);
    expect(demo.certified.event).toBeCloseTo(1.067, 3);
    expect(demo.certified.actor).toBe(demo.certified.pld);
  });

  it('large: q = .0512, T = 59 needs σ = 3.0499; event .961, actor with six windows 3.68', () => {
    expect(large.requiredNoiseMultiplier).toBeGreaterThan(3.0489);
    expect(large.requiredNoiseMultiplier).toBeLessThan(3.0509);
    expect(large.expectedBatch).toBe(1024);
    expect(large.certified.rdp).toBeCloseTo(0.557, 3);
    expect(large.certified.event).toBeCloseTo(0.9605, 3);
    expect(large.certified.actor).toBeCloseTo(3.678, 3);
  });

  it('hospital: certified at 0.5 with its own actor ε', () => {
    const plan = createPrivacyPlan(planPreset('hospital', { parameterCount }));
    expect(plan.certified.pld).toBeLessThanOrEqual(0.5);
    expect(plan.certified.pld).toBeGreaterThan(0.4999);
    expect(plan.windowing.windowsPerActorMax).toBe(6);
    expect(plan.certified.actor).toBeGreaterThan(3.5);
  });

  it.each(PLAN_PRESETS)('%s: D is the largest ball that keeps the target', (name) => {
    const plan = createPrivacyPlan(planPreset(name, { parameterCount }));
    const event = (units: number): number => {
      const noiseMultiplier = 2 ** plan.noiseExponent / units;
      const gaussian = { kind: 'gaussian', noiseMultiplier } as const;
      return provenEpsilonOf(
        {
          kind: 'self-composed',
          count: plan.steps,
          event: {
            kind: 'poisson-sampled',
            samplingProbability: plan.samplingRate,
            event: gaussian,
          },
        },
        { delta },
      );
    };
    expect(event(plan.sensitivityUnits)).toBeLessThanOrEqual(0.5);
    expect(event(plan.sensitivityUnits + 1)).toBeGreaterThan(0.5);
    expect(plan.noiseMultiplier).toBe(2 ** plan.noiseExponent / plan.sensitivityUnits);
    expect(plan.gridScale).toBe(plan.sensitivityUnits / plan.windowClippingNorm);
  });

  it('the worked example of the large plan at other grids', () => {
    for (const [m, units] of [
      [16, 21_488],
      [17, 42_976],
      [20, 343_808],
    ] as const) {
      const plan = createPrivacyPlan(planPreset('large', { parameterCount, noiseExponent: m }));
      // Within a few units in 10^5 of D = 2^m / 3.0499.
      expect(Math.abs(plan.sensitivityUnits / units - 1)).toBeLessThan(1e-4);
    }
  });

  it('a released histogram is calibrated with the gradient, never added: 3.050 → 3.057 at std 100', () => {
    const spec = planPreset('large', { parameterCount });
    // 2^7 = 128 counts; the table of the design says 3.057 at 100, 3.076 at 50.
    const one = createPrivacyPlan({
      ...spec,
      releases: [
        { name: 'score-histogram', length: 64, sensitivityUnits: 1, noiseExponent: 7, count: 1 },
      ],
    });
    expect(one.requiredNoiseMultiplier).toBeGreaterThan(large.requiredNoiseMultiplier);
    expect(one.requiredNoiseMultiplier).toBeLessThan(3.057);
    const more = createPrivacyPlan({
      ...spec,
      releases: [
        { name: 'score-histogram', length: 64, sensitivityUnits: 1, noiseExponent: 5, count: 1 },
      ],
    });
    expect(more.requiredNoiseMultiplier).toBeGreaterThan(3.1);
    expect(more.certified.pld).toBeLessThanOrEqual(0.5);
  });

  it('is frozen to its leaves', () => {
    const seen: unknown[] = [demo];
    while (seen.length > 0) {
      const value = seen.pop();
      if (typeof value !== 'object' || value === null) continue;
      expect(Object.isFrozen(value)).toBe(true);
      seen.push(...(Object.values(value) as unknown[]));
    }
    const spec = structuredClone(demo.spec) as { steps: number };
    createPrivacyPlan(spec as unknown as PrivacyPlanSpec);
    spec.steps = 2; // the caller's object stays the caller's
    expect(demo.steps).toBe(1);
  });

  it.each<[string, Partial<Record<keyof PrivacyPlanSpec, unknown>>]>([
    ['unit', { unit: 'patient' }],
    ['adjacency', { adjacency: 'none' }],
    ['adjacency', { adjacency: 'replace-one' }],
    ['steps', { steps: 0 }],
    ['steps', { steps: 1.5 }],
    ['samplingNumerator', { samplingNumerator: 0 }],
    ['samplingNumerator', { samplingNumerator: 2 ** 32 + 1 }],
    ['nominalWindows', { nominalWindows: NaN }],
    ['windowClippingNormMicro', { windowClippingNormMicro: -1 }],
    ['noiseExponent', { noiseExponent: 11 }],
    ['noiseExponent', { noiseExponent: 21 }],
    ['epsilonMicro', { epsilonMicro: 0 }],
    ['epsilonMicro', { epsilonMicro: Infinity }],
    ['deltaExponent', { deltaExponent: 10 }],
    ['momentumMicro', { momentumMicro: 1_000_000 }],
    ['parameterCount', { parameterCount: 0 }],
    ['windowing.binMs', { windowing: { ...demo.windowing, binMs: 7 * 3_600_000 } }],
    ['windowing.windowsPerActorMax', { windowing: { ...demo.windowing, windowsPerActorMax: 25 } }],
    [
      'windowing.windowsPerActorMax',
      { unit: 'actor', windowing: { ...demo.windowing, windowsPerActorMax: 2 } },
    ],
    ['windowing.featureScopes', { windowing: { ...demo.windowing, featureScopes: [] } }],
    ['unit', { windowing: { ...demo.windowing, featureScopes: ['live'] } }],
    [
      'releases.name',
      {
        releases: [
          { name: 'Bad Name', length: 64, sensitivityUnits: 1, noiseExponent: 7, count: 1 },
        ],
      },
    ],
    [
      'releases',
      {
        releases: [{ name: 'loud', length: 64, sensitivityUnits: 100, noiseExponent: 0, count: 1 }],
      },
    ],
    ['noiseExponent', { epsilonMicro: 1000, noiseExponent: 12 }],
  ])('refuses a bad %s', (field, change) => {
    try {
      createPrivacyPlan({ ...demo.spec, ...change } as PrivacyPlanSpec);
    } catch (error) {
      expect(error).toBeInstanceOf(PlanError);
      expect((error as PlanError).field).toBe(field);
      return;
    }
    throw new Error('accepted');
  });
});

describe('plan bytes', () => {
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
  const altered = (
    change: (document: Record<string, Record<string, unknown>>) => void,
  ): Uint8Array => {
    const document = JSON.parse(text(encodePlan(demo))) as Record<string, Record<string, unknown>>;
    change(document);
    return bytes(canonicalJson(document as never));
  };

  it.each([
    ['demo', demo],
    ['large', large],
  ])('%s: comes back equal, with the same hash', (_, plan) => {
    const decoded = decodePlan(encodePlan(plan));
    expect(decoded).toEqual(plan);
    expect(planHash(decoded)).toBe(planHash(plan));
    expect(planHash(plan)).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is canonical JSON of integers and strings', () => {
    expect(text(encodePlan(demo))).not.toMatch(/:-?\d+\./);
  });

  it.each([
    [
      'sensitivityUnits',
      (d: Record<string, Record<string, unknown>>) => (d['derived']!['sensitivityUnits'] = 38_000),
    ],
    [
      'noiseMultiplier',
      (d: Record<string, Record<string, unknown>>) => (d['derived']!['noiseMultiplier'] = '7'),
    ],
    [
      'certifiedMicro',
      (d: Record<string, Record<string, unknown>>) =>
        (d['derived']!['certifiedMicro'] = { pld: 1 }),
    ],
    [
      'event',
      (d: Record<string, Record<string, unknown>>) => (d['derived']!['event'] = { kind: 'no-op' }),
    ],
    // A typed-in target changes everything that follows from it.
    [
      'sensitivityUnits',
      (d: Record<string, Record<string, unknown>>) => (d['spec']!['epsilonMicro'] = 400_000),
    ],
  ])('refuses a %s that its specification does not give', (field, change) => {
    try {
      decodePlan(altered(change));
    } catch (error) {
      expect(error).toBeInstanceOf(PlanMismatchError);
      expect((error as PlanMismatchError).field).toBe(field);
      return;
    }
    throw new Error('accepted');
  });

  it.each([
    ['no bytes', bytes('')],
    ['not UTF-8', Uint8Array.of(0xff, 0xfe)],
    ['not canonical', bytes(` ${text(encodePlan(demo))}`)],
    ['a list', bytes('[]')],
    ['another schema', altered((d) => (d['schema'] = 'x' as never))],
    ['an unknown field', altered((d) => (d['spec']!['sigma'] = 1))],
    ['a missing field', altered((d) => delete d['spec']!['steps'])],
    ['a string for a number', altered((d) => (d['spec']!['steps'] = '1'))],
    ['a number for a list', altered((d) => (d['spec']!['releases'] = 1))],
    [
      'a scope that is not a string',
      altered((d) => ((d['spec']!['windowing'] as Record<string, unknown>)['featureScopes'] = [1])),
    ],
    ['64 KB', new Uint8Array(65_537)],
  ])('refuses %s', (_, bad) => {
    expect(() => decodePlan(bad)).toThrow(PlanError);
  });

  it('every cut of the bytes is refused with a coded error (property)', () => {
    const whole = encodePlan(demo);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), (length) => {
        expect(() => decodePlan(whole.subarray(0, length))).toThrow(PlanError);
      }),
      { numRuns: 50 },
    );
  });
});

describe('privacy statement', () => {
  it('demo: five numbers, so far included', () => {
    const { machine, text } = privacyStatement(demo, { roundsSoFar: 4 });
    const epsilon = machine['epsilonMicro'] as Record<string, number>;
    expect(epsilon['window']).toBe(Math.round(demo.certified.pld * 1e6));
    expect(epsilon['actorSoFar']! / 1e6).toBeCloseTo(1.067, 3);
    expect(epsilon['actorDay']).toBe(epsilon['actorSoFar']);
    expect(epsilon['actorWeek']! / 1e6).toBeCloseTo(3.159, 2);
    expect(epsilon['actorThirtyDays']! / 1e6).toBeCloseTo(7.38, 2);
    expect(canonicalJson(machine)).toContain(planHash(demo));
    expect(text.join(' ')).toMatch(/Per window: ε = 0\.5 at δ = 1e-5/);
    expect(text).toHaveLength(6);
  });

  it('large: what if the batches had been shuffled (2.7 instead of 0.5)', () => {
    const epsilon = privacyStatement(large, { roundsSoFar: 0 }).machine['epsilonMicro'] as Record<
      string,
      number
    >;
    expect(epsilon['actorSoFar']).toBe(0);
    expect(epsilon['ifNotPoisson']! / 1e6).toBeCloseTo(2.7025, 2);
    expect(epsilon['actorWeek']! / 1e6).toBeCloseTo(26.6, 1);
  });

  it('the window costs what an accountant says about the stated event', () => {
    expect(epsilonOf(large.event, { delta })).toBeLessThanOrEqual(large.certified.pld);
    expect(large.certified.pld - epsilonOf(large.event, { delta })).toBeLessThan(2e-6);
  });

  it.each([-1, 0.5, NaN])('refuses %s rounds', (roundsSoFar) => {
    expect(() => privacyStatement(demo, { roundsSoFar })).toThrow('roundsSoFar');
  });
});

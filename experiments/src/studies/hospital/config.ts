/**
 * What a study on simulated hospitals may be told. Every figure that matters is explicit; a list where one value is expected
 * is a sweep.
 * @module
 */
import { CUSTOMS, type CustomsName } from '@bhschain/datasets';
import { Type, type TObject } from 'typebox';
import type { Config } from '../../harness/study-config.js';

/** Every arm, and whether a study has it that names none. */
const ARM_BY_DEFAULT = {
  'detector-zero': true,
  federated: true,
  'federated-private': true,
  central: true,
  'local-only': true,
  /** Detector 0 with its summary laws moved to where each hospital's own windows are, and to where released moments say. */
  'own-laws': false,
  'released-laws': false,
  'siem-tuned': true,
  'siem-default': true,
  'node-tier': true,
  'hook-and-node': true,
  'networks-only': true,
  untrained: true,
  'feature-norm': true,
  'likelihood-ratio': true,
  'unseen-count': true,
  trigrams: true,
  /** One network of the ensemble alone. */
  insider: false,
  exfiltration: false,
  ransomware: false,
  /** Detectors of event sequences that others have published, on the same sessions. */
  'isolation-forest': false,
  'count-vector': false,
  '6-gram': false,
  'next-event-lstm': false,
  /** Every member left out in turn, steps in another order, a short look back. */
  ablation: false,
  /** The rate over the live weeks: static, naive and adaptive thresholds. */
  drift: false,
  /** Control of every other arm: the same incidents played with innocent acts. What is found then was found by staging. */
  rehearsal: false,
  random: true,
} as const;
export type Arm = keyof typeof ARM_BY_DEFAULT;
export const ARMS: readonly Arm[] = Object.keys(ARM_BY_DEFAULT) as Arm[];

const closed = { additionalProperties: false };
const integer = (
  minimum: number,
  maximum: number,
  value: number,
): ReturnType<typeof Type.Integer> => Type.Integer({ minimum, maximum, default: value });
const number = (minimum: number, maximum: number, value: number): ReturnType<typeof Type.Number> =>
  Type.Number({ minimum, maximum, default: value });
const choice = <T extends string>(
  words: readonly T[],
  value: T,
): ReturnType<typeof Type.Unsafe<T>> =>
  Type.Unsafe<T>({ type: 'string', enum: [...words], default: value });

export const HOSPITAL_SCHEMA: TObject = Type.Object(
  {
    study: Type.Literal('hospital'),
    name: Type.String({ pattern: '^[a-z][a-z0-9-]{1,40}$' }),
    title: Type.String({ default: '' }),
    /** false: shows that the machinery works, and is no evidence. */
    evidence: Type.Boolean({ default: true }),
    seeds: Type.Array(Type.Integer({ minimum: 0, maximum: 999 }), {
      minItems: 1,
      default: [1, 2, 3, 4, 5],
    }),
    arms: Type.Array(Type.Unsafe<Arm>({ type: 'string', enum: [...ARMS] }), {
      minItems: 1,
      default: ARMS.filter((arm) => ARM_BY_DEFAULT[arm]),
    }),
    world: Type.Object(
      {
        hospitals: integer(1, 64, 5),
        staff: integer(20, 20_000, 1_000),
        days: integer(4, 365, 28),
        liveDays: integer(1, 180, 8),
        load: number(0.01, 10, 1),
        serviceShare: number(0, 0.9, 0.1),
        heterogeneity: number(0, 2, 0.35),
        customs: choice(CUSTOMS, 'known'),
        oddities: Type.Boolean({ default: true }),
        drift: Type.Boolean({ default: true }),
        incidents: Type.Object(
          {
            stream: choice(['balanced', 'operational'] as const, 'balanced'),
            scenarios: Type.Array(Type.String({ pattern: '^S[0-9]{1,2}$' }), { default: [] }),
            difficulties: Type.Array(Type.Integer({ minimum: 1, maximum: 3 }), {
              minItems: 1,
              default: [1, 2],
            }),
            copies: integer(1, 1_000, 3),
            maliciousShare: number(0.0001, 0.001, 0.0005),
            /** Planted sessions come on top of a person's day, or take the place of as many of its acts. */
            work: choice(['added', 'replaced'] as const, 'added'),
          },
          closed,
        ),
      },
      closed,
    ),
    timeline: Type.Object(
      {
        /** Profiles only. */
        profileDays: number(0.25, 180, 7),
        /** Right before the live days; what lies between is training. */
        calibrationDays: number(0.25, 60, 4),
      },
      closed,
    ),
    training: Type.Object(
      {
        start: choice(['detector-zero', 'scratch'] as const, 'detector-zero'),
        rounds: integer(1, 400, 12),
        /** Of one window in one round, of the private arm; `none` is no noise. */
        epsilon: Type.Unsafe<number | 'none'>({
          anyOf: [{ type: 'number', minimum: 0.01, maximum: 100 }, { const: 'none' }],
          default: 0.5,
        }),
        deltaExponent: integer(3, 10, 5),
        clippingNorm: number(0.001, 100, 0.3),
        steps: integer(1, 200, 18),
        batch: integer(1, 100_000, 1_024),
        /** On the mean clipped gradient at 9,000 windows; scaled by N / 9,000. */
        learningRate: number(0, 100, 0.4),
        momentum: number(0, 0.99, 0.9),
        windowsPerActorMax: integer(1, 100, 6),
        /** Adam steps of the central arm. */
        centralSteps: integer(1, 20_000, 1_500),
        /** Share of training windows that an attacker made. */
        contamination: number(0, 0.2, 0),
      },
      closed,
    ),
    attack: Type.Object(
      {
        kind: choice(['none', 'scaled', 'sign-flip', 'boiling-frog', 'backdoor'] as const, 'none'),
        hospitals: integer(1, 8, 1),
        factor: number(0.1, 1_000, 10),
        aggregation: choice(['mean', 'median', 'norm-bound'] as const, 'mean'),
      },
      closed,
    ),
    evaluation: Type.Object(
      {
        /** α: share of benign calls held, and of benign actor-days alerted. */
        falsePositiveRate: number(0.0001, 0.2, 0.032),
        /** Share of the actor-days without an incident that is scored. */
        benignShare: number(0.001, 1, 1),
        publicWindows: integer(500, 100_000, 6_000),
        bootstrapDraws: integer(20, 10_000, 400),
        untrainedSeeds: integer(1, 20, 10),
      },
      closed,
    ),
  },
  closed,
);

export interface HospitalConfig {
  readonly study: 'hospital';
  readonly name: string;
  readonly title: string;
  readonly evidence: boolean;
  readonly seeds: readonly number[];
  readonly arms: readonly Arm[];
  readonly world: {
    readonly hospitals: number;
    readonly staff: number;
    readonly days: number;
    readonly liveDays: number;
    readonly load: number;
    readonly serviceShare: number;
    readonly heterogeneity: number;
    readonly customs: CustomsName;
    readonly oddities: boolean;
    readonly drift: boolean;
    readonly incidents: {
      readonly stream: 'balanced' | 'operational';
      readonly scenarios: readonly string[];
      readonly difficulties: readonly (1 | 2 | 3)[];
      readonly copies: number;
      readonly maliciousShare: number;
      readonly work: 'added' | 'replaced';
    };
  };
  readonly timeline: { readonly profileDays: number; readonly calibrationDays: number };
  readonly training: {
    readonly start: 'detector-zero' | 'scratch';
    readonly rounds: number;
    readonly epsilon: number | 'none';
    readonly deltaExponent: number;
    readonly clippingNorm: number;
    readonly steps: number;
    readonly batch: number;
    readonly learningRate: number;
    readonly momentum: number;
    readonly windowsPerActorMax: number;
    readonly centralSteps: number;
    readonly contamination: number;
  };
  readonly attack: {
    readonly kind: 'none' | 'scaled' | 'sign-flip' | 'boiling-frog' | 'backdoor';
    readonly hospitals: number;
    readonly factor: number;
    readonly aggregation: 'mean' | 'median' | 'norm-bound';
  };
  readonly evaluation: {
    readonly falsePositiveRate: number;
    readonly benignShare: number;
    readonly publicWindows: number;
    readonly bootstrapDraws: number;
    readonly untrainedSeeds: number;
  };
}

/** Of a configuration that has passed the schema. */
export function hospitalConfig(config: Config): HospitalConfig {
  return config as unknown as HospitalConfig;
}

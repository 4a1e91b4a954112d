/**
 * Every key of the configuration: its type, its default and what it means, in one place. `config.ts` checks files against
 * it; the reference is made from it. A default stands here for the reader; `config.ts` fills it in.
 * @module
 */
import { PLAN_PRESETS } from '@bhschain/dp';
import { Type, type TSchema, type TSchemaOptions } from 'typebox';
import { DEFAULT_POLICY, WEEKDAYS } from './round/policy.js';
import { OPERATOR_ROLES, type OperatorRole } from './sign-in/roles.js';

export const ATTEST_MS_MAX = 21_600_000;
export const SIGN_IN_DEFAULTS: Readonly<{
  scope: string;
  nameClaim: string;
  roleClaim: string;
  clockToleranceSeconds: number;
}> = Object.freeze({
  scope: 'openid profile',
  nameClaim: 'preferred_username',
  roleClaim: 'roles',
  clockToleranceSeconds: 30,
});
export const SERVER_NAMES: readonly string[] = Object.freeze(['localhost', '127.0.0.1']);

const MONTH_MS = 2_592_000_000;
const QUOTIENT = 'a quotient of two integers [numerator, denominator]';

const name = (description: string): TSchema =>
  Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$', description });
const hostPort = (description: string): TSchema =>
  Type.String({ pattern: '^[^\\s:/]+:\\d{1,5}$', description });
const text = (description: string): TSchema => Type.String({ minLength: 1, description });
const duration = (description: string, more: TSchemaOptions = {}): TSchema =>
  Type.Integer({ minimum: 0, maximum: MONTH_MS, description, ...more });
const count = (description: string, more: TSchemaOptions = {}): TSchema =>
  Type.Integer({ minimum: 1, maximum: 1_000_000, description, ...more });
const ratio = (description: string): TSchema => {
  const part = Type.Integer({ minimum: 0, maximum: 1_000_000_000 });
  return Type.Tuple([part, part], { description: `${description}; ${QUOTIENT}.` });
};
/** Sign-in in clear text is for one machine only. */
const webAddress = (description: string): TSchema =>
  Type.String({
    pattern:
      '^(https://[^\\s?#]+|http://(localhost|127\\.0\\.0\\.1|\\[::1\\])(:\\d{1,5})?(/[^\\s?#]*)?)$',
    description,
  });
const orNull = (schema: TSchema, description: string): TSchema =>
  Type.Union([schema, Type.Null()], { default: null, description });

/** A group; keys named in `optional` may be left out. */
function group(
  description: string,
  properties: Record<string, TSchema>,
  optional: readonly string[] = [],
): TSchema {
  const entries = Object.entries(properties).map(([key, schema]) => [
    key,
    optional.includes(key) ? Type.Optional(schema) : schema,
  ]);
  return Type.Object(Object.fromEntries(entries) as Record<string, TSchema>, {
    additionalProperties: false,
    description,
  });
}

/** A group of which every key may be left out. */
const open = (description: string, properties: Record<string, TSchema>): TSchema =>
  group(description, properties, Object.keys(properties));

const address = (description: string): TSchema =>
  group(description, {
    host: text('Address to listen on.'),
    port: Type.Integer({ minimum: 0, maximum: 65_535, description: 'Port; 0: any free one.' }),
  });

const SIGN_IN = open('How people sign in to the dashboard.', {
  local: Type.Boolean({
    default: true,
    description: 'Whether name and password of a local account (`operator add`) open a session.',
  }),
  provider: orNull(
    group(
      'An identity provider (OpenID Connect).',
      {
        issuer: webAddress('Its issuer address; https, or http on loopback.'),
        clientId: text('Name of this orchestrator there.'),
        clientSecretFile: orNull(
          text('A file with the secret.'),
          'A file with the client’s secret; null: a public client, with PKCE alone.',
        ),
        publicUrl: webAddress(
          'Where people open the dashboard; the provider sends them back to <publicUrl>/api/v1/sign-in/oidc/callback.',
        ),
        scope: Type.String({
          pattern: '(^| )openid( |$)',
          default: SIGN_IN_DEFAULTS.scope,
          description: 'What is asked for; `openid` is part of it.',
        }),
        nameClaim: Type.String({
          minLength: 1,
          default: SIGN_IN_DEFAULTS.nameClaim,
          description: 'Claim of the id token with the person’s name.',
        }),
        roleClaim: Type.String({
          minLength: 1,
          default: SIGN_IN_DEFAULTS.roleClaim,
          description: 'Claim with a word or a list of words; dots lead inside.',
        }),
        roles: Type.Unsafe<Record<string, OperatorRole>>({
          type: 'object',
          minProperties: 1,
          additionalProperties: { enum: [...OPERATOR_ROLES] },
          description: `From the provider’s word to a role: ${OPERATOR_ROLES.join(', ')}. Whoever has none of the words gets nothing.`,
        }),
        clockToleranceSeconds: Type.Integer({
          minimum: 0,
          maximum: 120,
          default: SIGN_IN_DEFAULTS.clockToleranceSeconds,
          description: 'How far the provider’s clock may be off.',
        }),
      },
      ['clientSecretFile', 'scope', 'nameClaim', 'roleClaim', 'clockToleranceSeconds'],
    ),
    'OpenID Connect; null: local accounts only.',
  ),
});

const POLICY = open('What the federation agreed on about its rounds; frozen into each round.', {
  slotLengthMs: Type.Integer({
    minimum: 1_000,
    maximum: MONTH_MS,
    default: DEFAULT_POLICY.slotLengthMs,
    description: 'Length of a slot; one round a slot.',
  }),
  openDelayMs: duration('Time for late log lines before a round gathers.', {
    default: DEFAULT_POLICY.openDelayMs,
  }),
  gatherMaxMs: duration('How long a round waits for nodes to say that they are ready.', {
    default: DEFAULT_POLICY.gatherMaxMs,
  }),
  collectMaxMs: duration('How long updates are taken.', { default: DEFAULT_POLICY.collectMaxMs }),
  graceMs: duration('How long late updates are still taken once the quorum is met.', {
    default: DEFAULT_POLICY.graceMs,
  }),
  sealMaxMs: duration('How long averaging and signing may take.', {
    default: DEFAULT_POLICY.sealMaxMs,
  }),
  submitNotBeforeMs: duration(
    'No update is taken earlier than this after collecting starts: training time depends on private counts.',
    { default: DEFAULT_POLICY.submitNotBeforeMs },
  ),
  quorum: count('Accepted updates that a round needs; left out: a majority of the hospitals.'),
  catchUp: Type.Enum(['skip', 'latest', 'merge'], {
    default: DEFAULT_POLICY.catchUp,
    description:
      'After downtime: forget missed slots, run the newest if half of it is left, or train the next round on all that was missed.',
  }),
  mergeSlotsMax: Type.Integer({
    minimum: 1,
    maximum: 28,
    default: DEFAULT_POLICY.mergeSlotsMax,
    description: 'Slots that one round may cover under `merge`.',
  }),
  attemptsPerSlot: Type.Integer({
    minimum: 1,
    maximum: 2,
    default: DEFAULT_POLICY.attemptsPerSlot,
    description: '2: a round that missed its quorum is tried once more in its slot.',
  }),
  quietHours: Type.Array(
    group('An agreed pause, every week, in UTC.', {
      days: Type.Array(Type.Enum([...WEEKDAYS]), {
        minItems: 1,
        maxItems: 7,
        description: 'Days of the week.',
      }),
      fromMinute: Type.Integer({
        minimum: 0,
        maximum: 1_439,
        description: 'First minute of the day.',
      }),
      toMinute: Type.Integer({
        minimum: 1,
        maximum: 1_440,
        description: 'First minute after the pause.',
      }),
    }),
    {
      maxItems: 64,
      default: DEFAULT_POLICY.quietHours,
      description: 'Slots that begin in an agreed pause are skipped.',
    },
  ),
  roundsMax: Type.Union([count(''), Type.Null()], {
    default: DEFAULT_POLICY.roundsMax,
    description: 'Stop scheduling after this many sealed rounds; null: never.',
  }),
  publicationBacklogMax: count(
    'Sealed models that may wait for the channel before slots are skipped.',
    {
      default: DEFAULT_POLICY.publicationBacklogMax,
    },
  ),
  rate: Type.Tuple([count(''), count('')], {
    default: DEFAULT_POLICY.rate,
    description: `Server rate; ${QUOTIENT}.`,
  }),
  optimiser: Type.Union(
    [
      group('The mean update as it is.', { rule: Type.Literal('fedavg') }),
      group('With momentum.', {
        rule: Type.Literal('fedavgm'),
        momentum: ratio('Share of the last step that goes on'),
      }),
      group('With two moments.', {
        rule: Type.Literal('fedadam'),
        firstMoment: ratio('Decay of the mean'),
        secondMoment: ratio('Decay of the squares'),
        adaptivity: ratio('Added to the root'),
      }),
    ],
    {
      default: DEFAULT_POLICY.optimiser,
      description: 'What the server makes of the mean update: `rule` fedavg, fedavgm or fedadam.',
    },
  ),
});

const PLAN_OVERRIDES = open('Values of the privacy plan that differ from the preset.', {
  nominalWindows: count(
    'Public number of windows that sampling rate and divisor are computed from.',
  ),
  steps: count('Training steps of a round.'),
  epsilonMicro: Type.Integer({
    minimum: 1,
    description: 'ε of one window and round, in millionths.',
  }),
  deltaExponent: Type.Integer({ minimum: 1, maximum: 20, description: 'δ = 10^−this.' }),
  windowClippingNormMicro: Type.Integer({
    minimum: 1,
    description: "Clipping norm of one window's gradient, in millionths.",
  }),
  learningRateMicro: Type.Integer({ minimum: 0, description: 'Step size, in millionths.' }),
  momentumMicro: Type.Integer({
    minimum: 0,
    maximum: 999_999,
    description: 'Momentum of the local optimiser, in millionths.',
  }),
  noiseExponent: Type.Integer({
    minimum: 1,
    maximum: 20,
    description: 'The grid of the integer noise, as a power of two.',
  }),
});

const SCORE_HISTOGRAM = orNull(
  group('Noise of the histogram.', {
    noiseExponent: Type.Integer({
      minimum: 2,
      maximum: 12,
      description:
        'Noise of a count has a standard deviation of 2^this. 4 suits three hospitals of 6,000 windows a round; where the noise is above a fifth of the tail, the table stays as it is.',
    }),
  }),
  'Beside its update each node releases a noised histogram of its scores, under the same plan and debit; the table of the next detector follows from their sum. null: off.',
);

export const CONFIG_SCHEMA: TSchema = group(
  'An orchestrator.',
  {
    federationId: name('Name of the federation.'),
    stateDir: text('Folder of database, objects, authority and lock; relative to this file.'),
    listen: address('Where nodes with a certificate call (gRPC, mutual TLS).'),
    enrolment: orNull(
      address('Where hospitals without a certificate ask for one.'),
      'Where hospitals without a certificate ask for one; null: nowhere.',
    ),
    serverNames: Type.Array(Type.String({ minLength: 1 }), {
      maxItems: 16,
      default: SERVER_NAMES,
      description: 'Names and addresses that the server certificate carries.',
    }),
    hospitals: Type.Array(
      group(
        'A founder; hospitals that join later live in the store.',
        {
          nodeId: name('Name of its node.'),
          mspId: name('Its Fabric organisation.'),
          mspRoot: text('PEM file of its MSP root, for enrolment by invitation and for reviews.'),
        },
        ['mspRoot'],
      ),
      { minItems: 1, maxItems: 1_024, description: 'The founders.' },
    ),
    advertise: open('What hospitals dial, where that is not what we listen on.', {
      federation: hostPort('`host:port` of the federation service.'),
      enrolment: hostPort('`host:port` of the enrolment service.'),
    }),
    policy: POLICY,
    attestations: count(
      'Attestations that activate a detector; left out: a majority. At least a majority.',
    ),
    attestMaxMs: duration('How long a proposed detector waits for its attestations.', {
      default: ATTEST_MS_MAX,
    }),
    planPreset: Type.Enum([...PLAN_PRESETS], {
      default: 'hospital',
      description:
        'Privacy plan that every round starts from; `bhs-dp statement --preset` prints it.',
    }),
    planOverrides: PLAN_OVERRIDES,
    scoreHistogram: SCORE_HISTOGRAM,
    replay: orNull(
      group('Rounds over an older log: slots stay wall time.', {
        originSlot: Type.Integer({ minimum: 0, description: 'Slot in which the replay began.' }),
        originLogTimeMs: Type.Integer({
          minimum: 0,
          description: 'Log time that it began at, milliseconds since 1970.',
        }),
        logSlotMs: Type.Integer({
          minimum: 1,
          maximum: MONTH_MS,
          description: 'Log time of one slot.',
        }),
      }),
      'Rounds over an older log, declared; null: the log is now.',
    ),
    vocabulary: orNull(
      group('Code table of a source with a vocabulary of its own.', {
        hash: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256 of the table.' }),
        size: count('Codes in it.'),
      }),
      'Code table of a source with a vocabulary of its own; null: the built-in one.',
    ),
    gateway: group('The way to the channel.', {
      endpoints: Type.Array(hostPort('A gateway peer.'), {
        minItems: 1,
        maxItems: 64,
        description: 'Gateway peers, `host:port`.',
      }),
      tlsRoot: Type.String({ description: "PEM file, root of the peers' TLS certificates." }),
      channel: text('The channel.'),
      chaincode: text('The chaincode that guards it.'),
      mspId: name("The ordering organisation's MSP."),
      certFile: Type.String({ description: 'PEM file of our Fabric certificate.' }),
      keyFile: Type.String({ description: 'PEM file of its key; signs manifests.' }),
    }),
    http: address('Health, metrics, API and dashboard; loopback belongs here.'),
    signIn: SIGN_IN,
    logLevel: Type.Enum(['silent', 'error', 'warn', 'info', 'debug'], {
      default: 'info',
      description: 'Least level of the log on standard error.',
    }),
  },
  [
    'enrolment',
    'advertise',
    'serverNames',
    'policy',
    'attestations',
    'attestMaxMs',
    'planPreset',
    'planOverrides',
    'scoreHistogram',
    'replay',
    'vocabulary',
    'signIn',
    'logLevel',
  ],
);

/**
 * Every key of the configuration: its type, its default and what it means, in one place. `config.ts` checks files
 * against it, `bhs-node config explain` and the reference print it.
 * @module
 */
import { Type, type TSchema } from 'typebox';
import { PERSON_ROLES, type PersonRole } from './review/people.js';

export const SIX_HOURS_MS = 21_600_000;

const name = '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$';
const hexDigest = Type.String({ pattern: '^[0-9a-f]{64}$' });

const aName = (description: string): TSchema => Type.String({ pattern: name, description });
const hostAndPort = (description: string): TSchema =>
  Type.String({ pattern: '^[^\\s/]+:[0-9]{1,5}$', description });
/** A file or folder; what is relative counts from the configuration's own folder. */
const path = (description: string): TSchema =>
  Type.String({ minLength: 1, format: 'path', description });
const orNull = (schema: TSchema, description: string): TSchema =>
  Type.Union([schema, Type.Null()], { default: null, description });
/** A list of words; `default` absent: the key is required. */
const oneOf = (words: readonly string[], first: string, description: string): TSchema =>
  Type.Unsafe<string>({ enum: [...words], default: first, description });

function group(description: string, keys: Record<string, TSchema>): TSchema {
  return Type.Object(keys, { additionalProperties: false, description });
}

/** A group that may be left out, because each of its keys has a default. */
function optionalGroup(description: string, keys: Record<string, TSchema>): TSchema {
  return Type.Object(keys, { additionalProperties: false, default: {}, description });
}

/** Not a union: inside one, defaults are not filled in. */
function groupOrNull(description: string, keys: Record<string, TSchema>): TSchema {
  return Type.Unsafe({ ...group(description, keys), type: ['object', 'null'], default: null });
}

export const CONFIG_SCHEMA: TSchema = group('A hospital node.', {
  nodeId: aName('Name of this node in the federation. `join` writes it.'),
  mspId: aName("The hospital's Fabric organisation."),
  stateDir: path('What the node keeps: privacy ledger, releases, database, keys, audit log.'),
  log: group('The access log that the node reads.', {
    file: path('Native JSON lines, followed through rotation; or one finished .gz.'),
    format: oneOf(['native'], 'native', 'How a line is written.'),
    liveFromMs: orNull(
      Type.Integer({ minimum: 0 }),
      'Log time before which lines are history and make profiles only; null: what is there at the first start.',
    ),
    watermarkMs: Type.Integer({
      minimum: 0,
      default: 600_000,
      description: 'How far behind the newest event a line may come and still count.',
    }),
  }),
  windows: optionalGroup('How the log is cut for training.', {
    binMs: Type.Integer({
      minimum: 60_000,
      maximum: SIX_HOURS_MS,
      default: SIX_HOURS_MS,
      description: "Length of a window's bin; a divisor of six hours, and equal to the plan's.",
    }),
    retentionDays: Type.Integer({
      minimum: 1,
      maximum: 400,
      default: 35,
      description: 'How long windows are kept.',
    }),
  }),
  federation: group('The federation and this node’s place in it.', {
    id: aName('Name of the federation. `join` writes it.'),
    address: hostAndPort("The orchestrator's address, the one outbound port. `join` writes it."),
    tls: group("This node's identity there. `join` and `rotate` write the files.", {
      ca: path('Certificates of the federation’s authority.'),
      cert: path("This node's certificate."),
      key: path('Its key; readable by the node only.'),
    }),
    signerCa: path(
      'Certificate of the ordering organisation’s Fabric authority: who may sign manifests and receipts.',
    ),
  }),
  fabric: group('The way to the channel.', {
    endpoints: Type.Array(hostAndPort('A gateway peer.'), {
      minItems: 1,
      description: 'Gateway peers, the own organisation’s first.',
    }),
    tlsRoot: path("Root of the peers' TLS certificates."),
    channel: aName('The channel.'),
    chaincode: aName('The chaincode that guards it.'),
    cert: path("The node's Fabric certificate (role hospital-node)."),
    key: path('Its key; also says yes to an enrolment in the hospital’s name.'),
    chaincodeMetrics: orNull(
      hostAndPort('Metrics of the own chaincode process.'),
      'Where the own chaincode process serves its metrics, so that calls which were simulated and never committed are noticed; null: nobody looks.',
    ),
    serviceEpochMinutes: orNull(
      Type.Integer({ minimum: 1, maximum: 60 }),
      'How often epochs of service accounts are folded, which takes them off session rings for good: a node that is then away for two hours has their calls held. null: they stay on rings.',
    ),
  }),
  privacy: optionalGroup('What this hospital allows, whoever asks.', {
    ceilings: optionalGroup('Limits on privacy loss; a change is a record in the ledger.', {
      epsilonPerRound: Type.Number({
        exclusiveMinimum: 0,
        default: 0.5,
        description: 'Largest ε of one round for one window, at the plan’s δ.',
      }),
      actorEpsilon: Type.Number({
        exclusiveMinimum: 0,
        default: 8,
        description: 'Largest ε of one actor over any rolling horizon, by the RDP filter.',
      }),
      actorHorizonDays: Type.Integer({
        minimum: 1,
        default: 30,
        description: 'Length of that horizon in log time.',
      }),
      windowsPerActorMax: Type.Integer({
        minimum: 1,
        default: 6,
        description: 'Most windows that one actor may have in a round.',
      }),
    }),
    approvedPlans: orNull(
      Type.Array(hexDigest),
      'Hashes of the plans this hospital has signed; null: every plan within the ceilings, recorded when first seen.',
    ),
    declareBudget: Type.Boolean({
      default: false,
      description:
        'Whether the other members see, on the federation’s dashboard, what of this hospital’s budget is spent and left.',
    }),
  }),
  secondLine: optionalGroup(
    'Days of accounts that are ranked after the fact, by what the hospital alone sees.',
    {
      daysPerDay: Type.Number({
        exclusiveMinimum: 0,
        maximum: 1_000,
        default: 5,
        description:
          'The alert budget: about so many days of accounts are listed for a day; what share of them that is follows from the days before.',
      }),
      calibrationDays: Type.Integer({
        minimum: 3,
        maximum: 60,
        default: 14,
        description: 'How many days before a day it is compared with, at most.',
      }),
      relationsFile: orNull(
        path('A file of care relations.'),
        'Care relations: {patient, ward, actor, fromMs, untilMs} a line; null: no access is called unexplained.',
      ),
      staffFile: orNull(
        path('A file of personnel.'),
        'Personnel: {actor, surname, household, leftMs} a line; null: neither families nor ends of employment are known.',
      ),
      patientsFile: orNull(
        path('A file of patients.'),
        'Patients: {patient, surname, household, employee, vip} a line; null: acquaintances and flagged records are not known.',
      ),
    },
  ),
  http: optionalGroup('Where people and probes find the node.', {
    host: Type.String({
      minLength: 1,
      default: '127.0.0.1',
      description: 'Address to listen on; anything but loopback belongs behind a proxy.',
    }),
    port: Type.Integer({
      minimum: 0,
      maximum: 65_535,
      default: 0,
      description: 'Port to listen on; 0: any free one.',
    }),
  }),
  signIn: optionalGroup('How people sign in to the analyst page.', {
    local: Type.Boolean({
      default: true,
      description: 'Whether name and password of a local account open a session.',
    }),
    provider: groupOrNull(
      'The hospital’s identity provider (OpenID Connect); null: local accounts only.',
      {
        issuer: Type.String({
          format: 'web',
          description: 'Its issuer address; https, or http on loopback.',
        }),
        clientId: Type.String({ minLength: 1, description: 'Name of this node there.' }),
        clientSecretFile: orNull(
          path('A file with the secret.'),
          'A file with the client’s secret; null: a public client, with PKCE alone.',
        ),
        publicUrl: Type.String({
          format: 'web',
          description:
            'Where people open the page; the provider sends them back to <publicUrl>/api/v1/sign-in/oidc/callback.',
        }),
        scope: Type.String({
          pattern: '(^| )openid( |$)',
          default: 'openid profile',
          description: 'What is asked for; `openid` is part of it.',
        }),
        nameClaim: Type.String({
          minLength: 1,
          default: 'preferred_username',
          description:
            'Claim of the id token with the name; equal to the local account that keeps the signing key.',
        }),
        roleClaim: Type.String({
          minLength: 1,
          default: 'roles',
          description: 'Claim with a word or a list of words; dots lead inside.',
        }),
        roles: Type.Unsafe<Record<string, PersonRole>>({
          type: 'object',
          minProperties: 1,
          additionalProperties: { enum: [...PERSON_ROLES] },
          description: `From the provider’s word to a role: ${PERSON_ROLES.join(', ')}. Whoever has none of the words gets nothing.`,
        }),
        clockToleranceSeconds: Type.Integer({
          minimum: 0,
          maximum: 120,
          default: 30,
          description: 'How far the provider’s clock may be off.',
        }),
      },
    ),
  }),
  actorsFile: path(
    'Private directory of the staff: {actor, pseudonym, ledgerActor, role, ward} a line.',
  ),
  peopleDir: path('Certificates of the reviewers.'),
  consoleDir: orNull(path('The built analyst page.'), 'The built analyst page; null: API only.'),
  vocabulary: groupOrNull('The code table of a source with a vocabulary of its own; or null.', {
    hash: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Its SHA-256, hex.' }),
    size: Type.Integer({ minimum: 1, description: 'How many words it has.' }),
  }),
  timeGranularity: oneOf(
    ['exact', 'day', 'case-shifted'],
    'exact',
    'What the clock of the source is worth.',
  ),
  training: optionalGroup('Local training.', {
    threads: Type.Integer({
      minimum: 1,
      maximum: 64,
      default: 1,
      description: 'Worker threads; the result does not depend on it.',
    }),
  }),
  store: optionalGroup(
    'Where windows, profiles, blocks and review are kept. The privacy ledger is a file always.',
    {
      url: orNull(
        Type.String({ format: 'postgresql', description: 'A database of its own.' }),
        'postgresql://user@host:port/database, without a password; null: node.sqlite in stateDir.',
      ),
      passwordFile: orNull(
        path('A file with the password.'),
        'A file with the password of that user; null: none, or what the surroundings of the process say (certificate, ~/.pgpass).',
      ),
    },
  ),
  backup: optionalGroup('What the doctor knows of backups.', {
    stampFile: orNull(
      path('A file that the backup touches.'),
      'A file that the backup of the privacy ledger touches when it is through; its age is the backup’s.',
    ),
  }),
  tracing: optionalGroup('OpenTelemetry.', {
    setupModule: orNull(
      path('A module to import.'),
      'A module that registers an OpenTelemetry SDK, imported before the node starts; null: nothing is traced.',
    ),
  }),
  logLevel: oneOf(
    ['fatal', 'error', 'warn', 'info', 'debug', 'silent'],
    'info',
    'Least level of the log on standard error.',
  ),
});

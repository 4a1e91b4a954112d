/**
 * The configuration of the process: one YAML or JSON file and the environment, checked once, then frozen. The only
 * reader of `process.env`.
 * @module
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { PlanPresetName, PlanPresetOptions } from '@bhschain/dp';
import { Ajv, type ErrorObject } from 'ajv';
import { LineCounter, parseDocument, type Document } from 'yaml';
import { ATTEST_MS_MAX, CONFIG_SCHEMA, SERVER_NAMES, SIGN_IN_DEFAULTS } from './config-schema.js';
import { ConfigError } from './errors.js';
import type { Hospital } from './federation.js';
import type { ReplayMode } from './round/calendar.js';
import { assertPolicy, DEFAULT_POLICY, majorityOf, type RoundPolicy } from './round/policy.js';
import type { IdentityProviderOptions } from './sign-in/identity-provider.js';

export interface OrchestratorConfig {
  readonly federationId: string;
  /** Absolute; holds database, objects, authority and lock. */
  readonly stateDir: string;
  readonly listen: Readonly<{ host: string; port: number }>;
  /** Where hospitals without a certificate ask for one; null for nowhere. */
  readonly enrolment: Readonly<{ host: string; port: number }> | null;
  /** What hospitals dial, where that is not what we listen on: `host:port`. */
  readonly advertise: Readonly<{ federation: string | null; enrolment: string | null }>;
  /** PEM file of each hospital's MSP root, for those that may enrol by invitation and review updates; by MSP id. */
  readonly mspRoots: Readonly<Record<string, string>>;
  /** Names and addresses that the server certificate carries. */
  readonly serverNames: readonly string[];
  readonly hospitals: readonly Hospital[];
  readonly policy: RoundPolicy;
  /** m: attestations that activate a detector. */
  readonly attestations: number;
  readonly attestMaxMs: number;
  readonly planPreset: PlanPresetName;
  readonly planOverrides: Omit<PlanPresetOptions, 'parameterCount'>;
  /** The histogram of scores beside the update; null: off. */
  readonly scoreHistogram: Readonly<{ noiseExponent: number }> | null;
  readonly replay: ReplayMode | null;
  readonly vocabulary: Readonly<{ hash: string; size: number }> | null;
  readonly gateway: Readonly<{
    endpoints: readonly string[];
    /** Absolute paths of PEM files. */
    tlsRoot: string;
    channel: string;
    chaincode: string;
    mspId: string;
    certFile: string;
    keyFile: string;
  }>;
  readonly http: Readonly<{ host: string; port: number }>;
  readonly signIn: SignInConfig;
  readonly logLevel: string;
  /** PostgreSQL, from the environment; null for the embedded SQLite. Never from the file: it holds a password. */
  readonly databaseUrl: string | null;
}

export interface SignInConfig {
  readonly local: boolean;
  readonly provider:
    | (Omit<IdentityProviderOptions, 'clientSecret'> &
        Readonly<{
          /** Absolute; null for a public client. */
          clientSecretFile: string | null;
        }>)
    | null;
}

const validate = new Ajv({ allErrors: true, verbose: true }).compile(CONFIG_SCHEMA);

/**
 * Reads, checks and freezes the configuration. Paths in it are relative to the file.
 * @throws {ConfigError} `ERR_CONFIG_FILE`, `ERR_CONFIG_SYNTAX`, `ERR_CONFIG` with file, line, column, key, what came
 *   and what was expected; `ERR_POLICY` for values that contradict one another
 */
export function loadConfig(
  file: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): OrchestratorConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigError('ERR_CONFIG_FILE', `config: ${file} cannot be read`, { file }, cause);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [syntax] = document.errors;
  if (syntax !== undefined) {
    const at = lines.linePos(syntax.pos[0]);
    throw new ConfigError('ERR_CONFIG_SYNTAX', `config: ${file}:${at.line}:${at.col}: not YAML`, {
      file,
      line: at.line,
      column: at.col,
    });
  }
  const raw: unknown = document.toJS();
  if (!validate(raw)) {
    // A misspelt key is the cause of the key that is missing, so it is told first.
    const errors = validate.errors ?? [];
    const unknown = errors.find((each) => each.keyword === 'additionalProperties');
    throw refusal(file, document, lines, unknown ?? errors[0]);
  }
  return freeze(raw as RawConfig, dirname(resolve(file)), environment);
}

type RawProvider = Partial<NonNullable<SignInConfig['provider']>> &
  Pick<NonNullable<SignInConfig['provider']>, 'issuer' | 'clientId' | 'publicUrl' | 'roles'>;

type RawConfig = Partial<
  Omit<OrchestratorConfig, 'policy' | 'hospitals' | 'advertise' | 'signIn'>
> &
  Pick<OrchestratorConfig, 'federationId' | 'stateDir' | 'listen' | 'gateway' | 'http'> & {
    readonly hospitals: readonly (Hospital & { readonly mspRoot?: string })[];
    readonly policy?: Partial<RoundPolicy>;
    readonly signIn?: Readonly<{ local?: boolean; provider?: RawProvider | null }>;
    readonly advertise?: Partial<Record<'federation' | 'enrolment', string>>;
  };

function freeze(
  raw: RawConfig,
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
): OrchestratorConfig {
  const at = (path: string): string => resolve(folder, path);
  const { hospitals, gateway } = raw;
  for (const key of ['nodeId', 'mspId'] as const) {
    const names = hospitals.map((each) => each[key]);
    if (new Set(names).size !== names.length) {
      throw new ConfigError('ERR_CONFIG', `config: hospitals: expected each ${key} once`, { key });
    }
  }
  const policy: RoundPolicy = {
    ...DEFAULT_POLICY,
    quorum: majorityOf(hospitals.length),
    ...raw.policy,
  };
  assertPolicy(policy, hospitals.length);
  const attestations = raw.attestations ?? majorityOf(hospitals.length);
  if (attestations < majorityOf(hospitals.length) || attestations > hospitals.length) {
    throw new ConfigError(
      'ERR_CONFIG',
      `config: attestations: expected ${majorityOf(hospitals.length)} to ${hospitals.length}, got ${attestations}`,
      { key: 'attestations' },
    );
  }
  const databaseUrl = environment['DATABASE_URL'] ?? '';
  return Object.freeze({
    federationId: raw.federationId,
    stateDir: at(raw.stateDir),
    listen: raw.listen,
    enrolment: raw.enrolment ?? null,
    advertise: {
      federation: raw.advertise?.federation ?? null,
      enrolment: raw.advertise?.enrolment ?? null,
    },
    mspRoots: Object.fromEntries(
      hospitals.flatMap(({ mspId, mspRoot }) =>
        mspRoot === undefined ? [] : [[mspId, at(mspRoot)]],
      ),
    ),
    serverNames: raw.serverNames ?? SERVER_NAMES,
    hospitals: hospitals.map(({ nodeId, mspId }) => ({ nodeId, mspId })),
    policy,
    attestations,
    attestMaxMs: raw.attestMaxMs ?? ATTEST_MS_MAX,
    planPreset: raw.planPreset ?? 'hospital',
    planOverrides: raw.planOverrides ?? {},
    scoreHistogram: raw.scoreHistogram ?? null,
    replay: raw.replay ?? null,
    vocabulary: raw.vocabulary ?? null,
    gateway: {
      ...gateway,
      tlsRoot: at(gateway.tlsRoot),
      certFile: at(gateway.certFile),
      keyFile: at(gateway.keyFile),
    },
    http: raw.http,
    signIn: signInOf(raw.signIn, at),
    logLevel: raw.logLevel ?? 'info',
    databaseUrl: databaseUrl === '' ? null : databaseUrl,
  });
}

/** @throws {ConfigError} `ERR_CONFIG` if nobody could sign in */
function signInOf(raw: RawConfig['signIn'], at: (path: string) => string): SignInConfig {
  const local = raw?.local ?? true;
  const provider = raw?.provider ?? null;
  if (!local && provider === null) {
    throw new ConfigError(
      'ERR_CONFIG',
      'config: signIn: expected local accounts or a provider, got neither; nobody could sign in',
      { key: 'signIn' },
    );
  }
  if (provider === null) return { local, provider };
  const file = provider.clientSecretFile ?? null;
  return {
    local,
    provider: {
      ...SIGN_IN_DEFAULTS,
      ...provider,
      clientSecretFile: file === null ? null : at(file),
    },
  };
}

function refusal(
  file: string,
  document: Document,
  lines: LineCounter,
  error: ErrorObject | undefined,
): ConfigError {
  const path = (error?.instancePath ?? '').split('/').slice(1);
  const unknownKey =
    error?.keyword === 'additionalProperties'
      ? (error.params as { additionalProperty: string }).additionalProperty
      : null;
  const keys = unknownKey === null ? path : [...path, unknownKey];
  const key = keys.join('.');
  const { line, col } = lines.linePos(offsetOf(document, keys));
  const what =
    unknownKey === null
      ? `${key === '' ? 'the document' : key}: ${error?.message ?? 'refused'}, got ${shown(error?.data)}`
      : `${key}: unknown key${suggestion(unknownKey, error)}`;
  return new ConfigError('ERR_CONFIG', `config: ${file}:${line}:${col}: ${what}`, {
    file,
    line,
    column: col,
    key,
  });
}

/** Where a value stands, or the nearest thing around it. */
function offsetOf(document: Document, path: readonly string[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length).map(indexOrKey), true) as
      { range?: readonly number[] } | undefined;
    const start = node?.range?.[0];
    if (start !== undefined) return start;
  }
  return 0;
}

function indexOrKey(part: string): string | number {
  return /^\d+$/.test(part) ? Number(part) : part;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 60));
  if (typeof value === 'object') return Array.isArray(value) ? 'an array' : 'an object';
  return JSON.stringify(value);
}

function suggestion(key: string, error: ErrorObject | undefined): string {
  const known = Object.keys(
    (error?.parentSchema as { properties?: Record<string, unknown> } | undefined)?.properties ?? {},
  );
  const near = known
    .map((each) => ({ each, distance: editDistance(key.toLowerCase(), each.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return near !== undefined && near.distance <= 3
    ? `; did you mean ${near.each}?`
    : `; expected one of ${known.join(', ')}`;
}

/** Levenshtein's distance of two short words. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

/**
 * The configuration of a hospital node: one file (YAML or JSON) and two environment variables, checked once, frozen.
 * Nothing else in this room reads `process.env`.
 * @module
 */
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { Ajv, type ErrorObject } from 'ajv';
import { LineCounter, parseDocument, type Document } from 'yaml';
import { CONFIG_SCHEMA, SIX_HOURS_MS } from './config-schema.js';
import { ConfigError } from './errors.js';
import type { IdentityProviderOptions } from './sign-in/identity-provider.js';

/** The hospital's own limits on privacy loss; the federation's plan cannot loosen them. */
export interface Ceilings {
  /** Largest ε of one round for one window, at the plan's δ. */
  readonly epsilonPerRound: number;
  /** Largest ε of one actor over any rolling horizon of log time, by the RDP filter. */
  readonly actorEpsilon: number;
  readonly actorHorizonDays: number;
  /** Most windows that one actor may have in a round. */
  readonly windowsPerActorMax: number;
}

/** As in the identity provider's options, with the secret still in its file. */
export type ProviderConfig = Omit<IdentityProviderOptions, 'clientSecret'> & {
  readonly clientSecretFile: string | null;
};

/** File names are absolute once the configuration is loaded; in the file they are relative to it. */
export interface NodeConfig {
  readonly nodeId: string;
  readonly mspId: string;
  readonly stateDir: string;
  readonly log: {
    readonly file: string;
    readonly format: 'native';
    /** Log time before which events are history (profiles only); null: what is there at the first start. */
    readonly liveFromMs: number | null;
    /** How far behind the newest event a line may come and still count. */
    readonly watermarkMs: number;
  };
  readonly windows: {
    /** Length of a training window's bin; must equal the plan's. Divides six hours. */
    readonly binMs: number;
    readonly retentionDays: number;
  };
  readonly federation: {
    readonly id: string;
    readonly address: string;
    readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
    /** Certificate of the ordering organisation's authority: who may sign manifests and receipts. */
    readonly signerCa: string;
  };
  readonly fabric: {
    /** `host:port` of gateways, the own organisation's first. */
    readonly endpoints: readonly string[];
    readonly tlsRoot: string;
    readonly channel: string;
    readonly chaincode: string;
    readonly cert: string;
    readonly key: string;
    /** `host:port` of the own chaincode process's metrics. */
    readonly chaincodeMetrics: string | null;
    /** null: service accounts stay on session rings. */
    readonly serviceEpochMinutes: number | null;
  };
  readonly privacy: {
    readonly ceilings: Ceilings;
    /** Plan hashes this hospital has signed; null: every plan within the ceilings, recorded when first seen. */
    readonly approvedPlans: readonly string[] | null;
    /** Whether the other members see spent and left on the federation's dashboard. */
    readonly declareBudget: boolean;
  };
  readonly secondLine: {
    /** The alert budget: about so many accounts' days for a day. */
    readonly daysPerDay: number;
    readonly calibrationDays: number;
    readonly relationsFile: string | null;
    readonly staffFile: string | null;
    readonly patientsFile: string | null;
  };
  readonly http: { readonly host: string; readonly port: number };
  readonly signIn: {
    readonly local: boolean;
    /** OpenID Connect; null: local accounts only. */
    readonly provider: ProviderConfig | null;
  };
  /** The hospital's private directory, JSONL: {actor, pseudonym, ledgerActor, role, ward}. */
  readonly actorsFile: string;
  readonly peopleDir: string;
  readonly consoleDir: string | null;
  /** The code table of a source with a vocabulary of its own. */
  readonly vocabulary: { readonly hash: string; readonly size: number } | null;
  readonly timeGranularity: 'exact' | 'day' | 'case-shifted';
  readonly training: { readonly threads: number };
  readonly store: {
    /** A PostgreSQL database, without a password; null: a file in the state directory. */
    readonly url: string | null;
    readonly passwordFile: string | null;
  };
  readonly backup: { readonly stampFile: string | null };
  readonly tracing: { readonly setupModule: string | null };
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'silent';
}

const validate = new Ajv({
  allErrors: false,
  useDefaults: true,
  strict: false,
  formats: { path: true, web: isWebAddress, postgresql: isPostgresAddress },
}).compile<NodeConfig>(CONFIG_SCHEMA);

/**
 * Loads, checks and freezes the configuration.
 *
 * | environment           | replaces   |
 * |-----------------------|------------|
 * | `BHS_NODE_LOG_LEVEL`  | `logLevel` |
 * | `BHS_NODE_STATE_DIR`  | `stateDir` |
 *
 * @throws {ConfigError} `ERR_CONFIG_UNREADABLE`, `ERR_CONFIG_SYNTAX` (line and column), `ERR_CONFIG_KEY` (unknown key,
 *   with the nearest known one), `ERR_CONFIG_VALUE` (key, what came, what was expected), `ERR_CONFIG_RELATION`
 */
export function loadConfig(
  file: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): NodeConfig {
  return parseConfig(read(file), file, environment);
}

/** The same for a text that may not be on disk yet; `file` is where it will stand. */
export function parseConfig(
  text: string,
  file: string,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): NodeConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const fault = document.errors[0];
  if (fault !== undefined) {
    const place = lines.linePos(fault.pos[0]);
    throw new ConfigError(
      'ERR_CONFIG_SYNTAX',
      `${file}:${place.line}:${place.col}: ${fault.message.split('\n')[0] ?? 'not YAML'}`,
      { file, line: place.line, column: place.col },
      fault,
    );
  }
  const value: unknown = document.toJS();
  if (typeof value === 'object' && value !== null) applyEnvironment(value, environment);
  if (!validate(value)) throw refusal(file, document, lines, validate.errors?.[0], value);
  const config = absolute(value, dirname(resolve(file)));
  checkRelations(config);
  return deepFreeze(config);
}

/** Environment variables that stand above the file, and the key each replaces. */
export const ENVIRONMENT_KEYS: Readonly<Record<string, string>> = {
  BHS_NODE_LOG_LEVEL: 'logLevel',
  BHS_NODE_STATE_DIR: 'stateDir',
};

/** What the environment replaces, by key. */
export function environmentOverrides(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Readonly<Record<string, { readonly variable: string; readonly value: string } | undefined>> {
  return Object.fromEntries(
    Object.entries(ENVIRONMENT_KEYS).flatMap(([variable, key]) => {
      const value = environment[variable];
      return value === undefined ? [] : [[key, { variable, value }]];
    }),
  );
}

/** A proxy that the environment names for outgoing calls (grpc-js takes these), or null. */
export function proxyOf(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): { readonly variable: string; readonly value: string } | null {
  for (const variable of ['grpc_proxy', 'https_proxy', 'http_proxy']) {
    const value = environment[variable];
    if (value !== undefined && value !== '') return { variable, value };
  }
  return null;
}

/** What the surroundings of a process say about where its log goes: systemd's journal, or null if nobody says. */
export function logCollectorOf(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string | null {
  if (environment['JOURNAL_STREAM'] !== undefined) return "systemd's journal";
  return environment['KUBERNETES_SERVICE_HOST'] === undefined ? null : 'the container runtime';
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(
      'ERR_CONFIG_UNREADABLE',
      `configuration ${file} cannot be read`,
      { file },
      cause,
    );
  }
}

function applyEnvironment(
  value: object,
  environment: Readonly<Record<string, string | undefined>>,
): void {
  const { BHS_NODE_LOG_LEVEL: logLevel, BHS_NODE_STATE_DIR: stateDir } = environment;
  if (logLevel !== undefined) Object.assign(value, { logLevel });
  if (stateDir !== undefined) Object.assign(value, { stateDir: resolve(stateDir) });
}

function refusal(
  file: string,
  document: Document,
  lines: LineCounter,
  error: ErrorObject | undefined,
  value: unknown,
): ConfigError {
  const keys = (error?.instancePath ?? '').split('/').filter((part) => part !== '');
  const params = (error?.params ?? {}) as Record<string, unknown>;
  const unknownKey = params['additionalProperty'];
  const where = [...keys, ...(typeof unknownKey === 'string' ? [unknownKey] : [])];
  const node = document.getIn(where, true) as { range?: [number, number, number] } | undefined;
  const line = node?.range === undefined ? null : lines.linePos(node.range[0]).line;
  const at = line === null ? file : `${file}:${line}`;
  const key = where.join('.') || '(the whole file)';
  if (typeof unknownKey === 'string') {
    const known = Object.keys(
      (error?.parentSchema as { properties?: object } | undefined)?.properties ??
        propertiesAt(keys),
    );
    const nearest = nearestOf(unknownKey, known);
    return new ConfigError(
      'ERR_CONFIG_KEY',
      `${at}: ${key}: unknown key; expected one of ${known.join(', ')}${nearest === null ? '' : ` – did you mean '${nearest}'?`}`,
      { file, key, line },
    );
  }
  const missing = params['missingProperty'];
  const full = typeof missing === 'string' ? [...keys, missing].join('.') : key;
  const got = typeof missing === 'string' ? 'nothing' : pictureOf(keys, value);
  const expected =
    error?.keyword === 'enum'
      ? `one of ${(params['allowedValues'] as string[]).join(', ')}`
      : typeof missing === 'string'
        ? 'a value'
        : (error?.message ?? 'a value that fits').replace(/^must /, '');
  return new ConfigError('ERR_CONFIG_VALUE', `${at}: ${full}: expected ${expected}, got ${got}`, {
    file,
    key: full,
    line,
    got,
    expected,
  });
}

function propertiesAt(keys: readonly string[]): object {
  let current: unknown = CONFIG_SCHEMA;
  for (const key of keys) {
    current = (current as { properties?: Record<string, unknown> }).properties?.[key];
  }
  return (current as { properties?: object } | undefined)?.properties ?? {};
}

function pictureOf(keys: readonly string[], value: unknown): string {
  let current = value;
  for (const key of keys) current = (current as Record<string, unknown> | undefined)?.[key];
  const text = JSON.stringify(current) as string | undefined;
  return (text ?? typeof current).slice(0, 80);
}

/** The known key with the fewest edits, if at most a third of the letters differ. */
function nearestOf(key: string, known: readonly string[]): string | null {
  const ranked = known
    .map((each) => ({ each, edits: editDistance(key.toLowerCase(), each.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  return best !== undefined && best.edits <= Math.ceil(best.each.length / 3) ? best.each : null;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

function absolute(config: NodeConfig, folder: string): NodeConfig {
  const at = (file: string): string => (isAbsolute(file) ? file : resolve(folder, file));
  const orNull = (file: string | null): string | null => (file === null ? null : at(file));
  const { tls } = config.federation;
  const { fabric } = config;
  return {
    ...config,
    stateDir: at(config.stateDir),
    log: { ...config.log, file: at(config.log.file) },
    federation: {
      ...config.federation,
      signerCa: at(config.federation.signerCa),
      tls: { ca: at(tls.ca), cert: at(tls.cert), key: at(tls.key) },
    },
    fabric: {
      ...fabric,
      tlsRoot: at(fabric.tlsRoot),
      cert: at(fabric.cert),
      key: at(fabric.key),
    },
    signIn: {
      ...config.signIn,
      provider: absoluteProvider(config.signIn.provider, at),
    },
    secondLine: {
      ...config.secondLine,
      relationsFile: orNull(config.secondLine.relationsFile),
      staffFile: orNull(config.secondLine.staffFile),
      patientsFile: orNull(config.secondLine.patientsFile),
    },
    actorsFile: at(config.actorsFile),
    peopleDir: at(config.peopleDir),
    consoleDir: orNull(config.consoleDir),
    store: { url: config.store.url, passwordFile: orNull(config.store.passwordFile) },
    backup: { stampFile: orNull(config.backup.stampFile) },
    tracing: { setupModule: orNull(config.tracing.setupModule) },
  };
}

function absoluteProvider(
  provider: ProviderConfig | null,
  at: (file: string) => string,
): ProviderConfig | null {
  if (provider === null) return null;
  const { clientSecretFile: file } = provider;
  return { ...provider, clientSecretFile: file === null ? null : at(file) };
}

/** Sign-in in clear text is for one machine only. */
function isWebAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, search, hash } = new URL(text);
  const isLoopback = ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
  return (protocol === 'https:' || (protocol === 'http:' && isLoopback)) && search + hash === '';
}

/** A password in it would be in every copy of the configuration. */
function isPostgresAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, password, pathname } = new URL(text);
  return /^postgres(ql)?:$/.test(protocol) && password === '' && pathname.length > 1;
}

function checkRelations(config: NodeConfig): void {
  const { local, provider } = config.signIn;
  if (!local && provider === null) {
    throw new ConfigError(
      'ERR_CONFIG_RELATION',
      'signIn: expected local accounts or a provider, got neither; nobody could sign in',
      { key: 'signIn' },
    );
  }
  const { binMs } = config.windows;
  if (SIX_HOURS_MS % binMs !== 0) {
    throw new ConfigError(
      'ERR_CONFIG_RELATION',
      `windows.binMs: expected a divisor of six hours (${SIX_HOURS_MS}), got ${binMs}`,
      { key: 'windows.binMs', got: binMs },
    );
  }
  const { liveFromMs } = config.log;
  if (liveFromMs !== null && liveFromMs % SIX_HOURS_MS !== 0) {
    throw new ConfigError(
      'ERR_CONFIG_RELATION',
      `log.liveFromMs: expected a six-hour boundary in UTC (a multiple of ${SIX_HOURS_MS}), got ${liveFromMs}`,
      { key: 'log.liveFromMs', got: liveFromMs },
    );
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const each of Object.values(value)) deepFreeze(each);
  }
  return value;
}

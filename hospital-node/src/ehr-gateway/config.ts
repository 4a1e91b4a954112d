/**
 * Configuration of the EHR gateway: one file (JSON or YAML), checked once, frozen. Relative paths are relative to it.
 * @module
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Ajv } from 'ajv';
import { Type } from 'typebox';
import { parse } from 'yaml';
import { ConfigError } from '../errors.js';

const closed = { additionalProperties: false } as const;
const name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' });
const path = Type.String({ minLength: 1 });

export interface EhrHospital {
  readonly nodeId: string;
  readonly mspId: string;
  readonly log: string;
  /** The hospital's private directory: raw actor → pseudonym. */
  readonly actorsFile: string;
  /** `<pseudonym>.cert.pem` and `<pseudonym>.key.pem` of each actor. */
  readonly identitiesDir: string;
}

export interface EhrGatewayConfig {
  /** Journal, checkpoint and private handles live here. */
  readonly stateDir: string;
  readonly hospitals: readonly EhrHospital[];
  /** Log time at which calls begin to go through the ledger; earlier lines are history. */
  readonly liveFromMs: number;
  /** The federation replays logs: the declared time of a line is part of the call. */
  readonly replay: boolean;
  readonly fabric: {
    readonly endpoints: readonly string[];
    readonly tlsRoot: string;
    readonly channel: string;
    readonly chaincode: string;
    /** Whose identity reads blocks and looks transactions up. */
    readonly mspId: string;
    readonly cert: string;
    readonly key: string;
  };
  /** Actors whose calls are under way at once; one actor's calls never overlap. */
  readonly inFlightMax: number;
  /** Whether a used grant is tried once more, to see it refused: never, for the first release, or for each. */
  readonly replayProbe: 'none' | 'first' | 'all';
  /** How long a transaction that was sent before a crash may still appear. */
  readonly resumePatienceMs: number;
  readonly pollMs: number;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'silent';
}

const schema = Type.Object(
  {
    stateDir: path,
    hospitals: Type.Array(
      Type.Object(
        { nodeId: name, mspId: name, log: path, actorsFile: path, identitiesDir: path },
        closed,
      ),
      { minItems: 1 },
    ),
    liveFromMs: Type.Integer({ minimum: 0 }),
    replay: Type.Boolean({ default: false }),
    fabric: Type.Object(
      {
        endpoints: Type.Array(Type.String({ pattern: '^[^\\s/]+:[0-9]{1,5}$' }), { minItems: 1 }),
        tlsRoot: path,
        channel: name,
        chaincode: name,
        mspId: name,
        cert: path,
        key: path,
      },
      closed,
    ),
    inFlightMax: Type.Integer({ minimum: 1, maximum: 400, default: 16 }),
    replayProbe: Type.Unsafe<EhrGatewayConfig['replayProbe']>({
      enum: ['none', 'first', 'all'],
      default: 'first',
    }),
    resumePatienceMs: Type.Integer({ minimum: 0, default: 5_000 }),
    pollMs: Type.Integer({ minimum: 10, default: 500 }),
    logLevel: Type.Unsafe<EhrGatewayConfig['logLevel']>({
      enum: ['fatal', 'error', 'warn', 'info', 'debug', 'silent'],
      default: 'info',
    }),
  },
  closed,
);

const validate = new Ajv({ useDefaults: true, strict: false }).compile<EhrGatewayConfig>(schema);

/** @throws {ConfigError} `ERR_CONFIG_UNREADABLE`, `ERR_CONFIG_SYNTAX`, `ERR_CONFIG_KEY`, `ERR_CONFIG_VALUE` */
export function loadEhrGatewayConfig(file: string): EhrGatewayConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigError('ERR_CONFIG_UNREADABLE', `${file} cannot be read`, { file }, cause);
  }
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw new ConfigError('ERR_CONFIG_SYNTAX', `${file} is neither JSON nor YAML`, { file }, cause);
  }
  if (!validate(value)) throw refusal(file, value);
  const base = dirname(resolve(file));
  const at = (relative: string): string => resolve(base, relative);
  return Object.freeze({
    ...value,
    stateDir: at(value.stateDir),
    hospitals: value.hospitals.map((hospital) => ({
      ...hospital,
      log: at(hospital.log),
      actorsFile: at(hospital.actorsFile),
      identitiesDir: at(hospital.identitiesDir),
    })),
    fabric: {
      ...value.fabric,
      tlsRoot: at(value.fabric.tlsRoot),
      cert: at(value.fabric.cert),
      key: at(value.fabric.key),
    },
  });
}

function refusal(file: string, value: unknown): ConfigError {
  const error = validate.errors?.[0];
  const parts = (error?.instancePath ?? '').split('/').filter((part) => part !== '');
  const params = (error?.params ?? {}) as Record<string, unknown>;
  const unknownKey = params['additionalProperty'];
  if (typeof unknownKey === 'string') {
    const key = [...parts, unknownKey].join('.');
    return new ConfigError('ERR_CONFIG_KEY', `${file}: ${key}: unknown key`, { file, key });
  }
  const missing = params['missingProperty'];
  const key = [...parts, ...(typeof missing === 'string' ? [missing] : [])].join('.') || '(file)';
  let got = value;
  for (const part of parts) got = (got as Record<string, unknown> | undefined)?.[part];
  const shown = typeof missing === 'string' ? 'nothing' : JSON.stringify(got).slice(0, 80);
  return new ConfigError(
    'ERR_CONFIG_VALUE',
    `${file}: ${key}: got ${shown}, ${error?.message ?? 'expected another value'}`,
    { file, key },
  );
}

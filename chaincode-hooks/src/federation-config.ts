/**
 * `fed~config`: who belongs to the federation and how many must agree. Configured once; hospitals may be admitted later.
 * @module
 */
import { byCodeUnit, parseJsonObject, type JsonObject } from './canonical-json.js';
import { ChaincodeError } from './errors.js';
import type { GuardContext } from './guard-context.js';
import { FEDERATION_CONFIG_KEY } from './ledger-keys.js';
import { readObject } from './ledger.js';

export interface FederationConfig {
  /** MSP ids of the member hospitals. */
  readonly hospitals: readonly string[];
  /** m: attestations that activate a detector, votes that withdraw one. */
  readonly attestations: number;
  /** The channel replays a recorded log: calls may declare a time and a code of their source. */
  readonly replay: boolean;
  /** The source's own vocabulary of acts, for calls with `code=`. */
  readonly vocabulary: { readonly hash: string; readonly size: number } | null;
  /** Functions (`Contract:function`) whose review is approved by another hospital. */
  readonly highRisk: readonly string[];
}

const KEYS = ['hospitals', 'attestations', 'replay', 'vocabulary', 'highRisk'];
const HOSPITALS_MAX = 64;

/**
 * @throws {ChaincodeError} `ERR_ARGUMENT` naming the property, what came and what was expected
 */
export function parseFederationConfig(text: string): FederationConfig {
  let raw: JsonObject;
  try {
    raw = parseJsonObject(text, 'config');
  } catch (cause) {
    throw new ChaincodeError('ERR_ARGUMENT', 'config: expected a JSON object', {}, { cause });
  }
  for (const key of Object.keys(raw).sort(byCodeUnit)) {
    if (!KEYS.includes(key)) throw refused(key, 'an unknown property', KEYS.join(', '));
  }
  const { hospitals, attestations, replay, vocabulary } = raw;
  const highRisk = raw['highRisk'] ?? [];
  if (!isNames(hospitals) || hospitals.length === 0 || hospitals.length > HOSPITALS_MAX) {
    throw refused('hospitals', 'something else', `1 to ${HOSPITALS_MAX} distinct MSP ids`);
  }
  const majority = Math.floor(hospitals.length / 2) + 1;
  if (
    typeof attestations !== 'number' ||
    !Number.isSafeInteger(attestations) ||
    attestations < majority ||
    attestations > hospitals.length
  ) {
    throw refused(
      'attestations',
      typeof attestations === 'number' ? String(attestations) : typeof attestations,
      `an integer from ${majority} (more than half) to ${hospitals.length}`,
    );
  }
  if (typeof replay !== 'boolean') throw refused('replay', typeof replay, 'true or false');
  if (!isNames(highRisk)) throw refused('highRisk', 'something else', 'distinct function names');
  return {
    hospitals,
    attestations,
    replay,
    vocabulary: parseVocabulary(vocabulary ?? null),
    highRisk,
  };
}

/** @throws {ChaincodeError} `ERR_FEDERATION_NOT_CONFIGURED` before `configure` was committed */
export async function readFederationConfig(ctx: GuardContext): Promise<FederationConfig> {
  const raw = await readObject(ctx, FEDERATION_CONFIG_KEY, 'federation config');
  if (raw === null) {
    throw new ChaincodeError(
      'ERR_FEDERATION_NOT_CONFIGURED',
      'FederationContract:configure has not been committed yet',
    );
  }
  return raw as unknown as FederationConfig;
}

/** The configuration with one more hospital; itself if that hospital is a member already. */
export function admitted(config: FederationConfig, mspId: string): FederationConfig {
  const { hospitals, attestations } = config;
  if (hospitals.includes(mspId)) return config;
  if (!isNames([mspId]) || hospitals.length >= HOSPITALS_MAX) {
    throw refused('hospitals', 'something else', `1 to ${HOSPITALS_MAX} distinct MSP ids`);
  }
  const majority = Math.floor((hospitals.length + 1) / 2) + 1;
  return {
    ...config,
    hospitals: [...hospitals, mspId],
    attestations: Math.max(attestations, majority),
  };
}

function parseVocabulary(value: unknown): FederationConfig['vocabulary'] {
  if (value === null) return null;
  const { hash, size } = value as { hash?: unknown; size?: unknown };
  if (typeof hash !== 'string' || !/^[0-9a-f]{64}$/.test(hash)) {
    throw refused('vocabulary.hash', typeof hash, 'a SHA-256 in hex');
  }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 1 || size > 60_000) {
    throw refused('vocabulary.size', String(size), 'an integer from 1 to 60000');
  }
  return { hash, size };
}

function isNames(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.every((name) => typeof name === 'string' && /^[A-Za-z0-9:.-]{1,64}$/.test(name)) &&
    new Set(value).size === value.length
  );
}

function refused(property: string, got: string, expected: string): ChaincodeError {
  return new ChaincodeError(
    'ERR_ARGUMENT',
    `config.${property}: got ${got}, expected ${expected}`,
    {
      property,
    },
  );
}

/**
 * Configuration of the chaincode server: one JSON file, read and checked once.
 *
 * Imported before fabric-shim, because the shim's loggers take their level from the environment when they are made. Left
 * alone they print a line per transaction, and the spelling WARN silently means info.
 * @module
 */
import { readFileSync } from 'node:fs';

import { ChaincodeError } from './errors.js';

process.env['CORE_CHAINCODE_LOGGING_LEVEL'] ??= 'ERROR';

export interface ServerTls {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** The peer must show a certificate of this CA. */
  readonly clientCa: Buffer;
}

export interface ServerConfig {
  /** `host:port` of the chaincode service; port 0 takes a free one. Without `tls` the host must be a loopback address. */
  readonly address: string;
  /** The package id that the peer expects. */
  readonly chaincodeId: string;
  /** Loopback port of /metrics; 0 takes a free one. */
  readonly metricsPort: number;
  readonly tls: ServerTls | null;
}

const KEYS = ['address', 'chaincodeId', 'metricsPort', 'tls'];
const TLS_KEYS = ['cert', 'key', 'clientCa'] as const;
const ADDRESS = /^(?<host>\[[0-9a-f:]+\]|[A-Za-z0-9.-]+):(?<port>[0-9]{1,5})$/;
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

/**
 * @throws {ChaincodeError} `ERR_SERVER_CONFIG` naming the key, what came and what was expected
 */
export function loadServerConfig(file: string): ServerConfig {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new ChaincodeError(
      'ERR_SERVER_CONFIG',
      `${file}: expected a readable JSON file`,
      { file },
      { cause },
    );
  }
  return parseServerConfig(parsed);
}

/** As {@link loadServerConfig}; file names inside are read. */
export function parseServerConfig(value: unknown): ServerConfig {
  const raw = objectOf(value, 'config', KEYS);
  const address = text(raw['address'], 'address', 'host:port');
  const place = ADDRESS.exec(address)?.groups;
  if (place === undefined || Number(place['port']) > 65_535) {
    throw refused('address', address, 'host:port');
  }
  const tls = raw['tls'] === undefined || raw['tls'] === null ? null : readTls(raw['tls']);
  if (tls === null && !LOOPBACK.includes(place['host'] ?? '')) {
    throw refused('address', address, 'a loopback host, or tls beside it');
  }
  const metricsPort = raw['metricsPort'] ?? 0;
  if (
    typeof metricsPort !== 'number' ||
    !Number.isSafeInteger(metricsPort) ||
    metricsPort < 0 ||
    metricsPort > 65_535
  ) {
    throw refused('metricsPort', JSON.stringify(metricsPort), 'a port, or 0 for a free one');
  }
  return Object.freeze({
    address,
    chaincodeId: text(raw['chaincodeId'], 'chaincodeId', 'the package id'),
    metricsPort,
    tls,
  });
}

function readTls(value: unknown): ServerTls {
  const raw = objectOf(value, 'tls', TLS_KEYS);
  const [cert, key, clientCa] = TLS_KEYS.map((name) => {
    const file = text(raw[name], `tls.${name}`, 'a PEM file');
    try {
      return readFileSync(file);
    } catch (cause) {
      throw new ChaincodeError(
        'ERR_SERVER_CONFIG',
        `tls.${name}: got ${file}, expected a readable PEM file`,
        { key: `tls.${name}` },
        { cause },
      );
    }
  });
  return { cert: cert!, key: key!, clientCa: clientCa! };
}

function objectOf(
  value: unknown,
  path: string,
  keys: readonly string[],
): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refused(path, typeof value, 'an object');
  }
  for (const key of Object.keys(value)) {
    if (!keys.includes(key)) throw refused(key, 'an unknown key', keys.join(', '));
  }
  return value as Readonly<Record<string, unknown>>;
}

function text(value: unknown, key: string, expected: string): string {
  if (typeof value !== 'string' || value === '') throw refused(key, typeof value, expected);
  return value;
}

function refused(key: string, got: string, expected: string): ChaincodeError {
  return new ChaincodeError('ERR_SERVER_CONFIG', `${key}: got ${got}, expected ${expected}`, {
    key,
  });
}

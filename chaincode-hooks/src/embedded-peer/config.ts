/**
 * The ledger process's configuration file (JSON): checked once, here; unknown keys are refused.
 * @module
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { LedgerConfigError } from './errors.js';
import type { BatchOptions, EmbeddedPeerOptions, HospitalOptions, KeyPairPem } from './options.js';

/** Paths are relative to the file's own folder, or absolute. */
export interface LedgerConfig {
  readonly channel: string;
  readonly chaincode: { readonly name: string; readonly packageId: string };
  readonly listen: { readonly host: string; readonly port: number };
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly blocksDir: string;
  readonly organisations: readonly {
    readonly mspId: string;
    readonly caFile: string;
    readonly active: boolean;
    readonly peer: { readonly certFile: string; readonly keyFile: string };
    /** `host:port`; may be empty for a spare hospital. */
    readonly chaincodeAddress: string;
    /** What this endorser trusts and shows on its chaincode stream; plaintext when absent. */
    readonly chaincodeTls?: {
      readonly caFile: string;
      readonly certFile: string;
      readonly keyFile: string;
    };
  }[];
  readonly clientOrganisations: readonly { readonly mspId: string; readonly caFile: string }[];
  readonly policy: { readonly outOf: number };
  readonly batch?: Partial<BatchOptions>;
}

/** What `main.ts` still has to add. */
export type LoadedLedgerConfig = Omit<EmbeddedPeerOptions, 'nowMs' | 'log'>;

/** @throws {LedgerConfigError} `ERR_LEDGER_CONFIG` with key, what came, what was expected */
export function loadLedgerConfig(file: string): LoadedLedgerConfig {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new LedgerConfigError({
      key: file,
      got: describe(cause),
      expected: 'a JSON file',
      cause,
    });
  }
  const config = decodeLedgerConfig(parsed);
  const read = (key: string, path: string): string => readPem(key, resolve(dirname(file), path));
  const pair = (key: string, certFile: string, keyFile: string): KeyPairPem => ({
    certificatePem: read(`${key}.certFile`, certFile),
    privateKeyPem: read(`${key}.keyFile`, keyFile),
  });
  const chaincodeTls = (
    key: string,
    files: LedgerConfig['organisations'][number]['chaincodeTls'],
  ): Pick<HospitalOptions, 'chaincodeTls'> => {
    if (files === undefined) return {};
    const rootPem = read(`${key}.caFile`, files.caFile);
    return { chaincodeTls: { rootPem, client: pair(key, files.certFile, files.keyFile) } };
  };
  return {
    channel: config.channel,
    chaincode: config.chaincode,
    listen: config.listen,
    tls: pair('tls', config.tls.cert, config.tls.key),
    blocksDir: resolve(dirname(file), config.blocksDir),
    hospitals: config.organisations.map((organisation, index) => ({
      mspId: organisation.mspId,
      rootPem: read(`organisations[${index}].caFile`, organisation.caFile),
      active: organisation.active,
      peer: pair(
        `organisations[${index}].peer`,
        organisation.peer.certFile,
        organisation.peer.keyFile,
      ),
      chaincodeAddress: organisation.chaincodeAddress,
      ...chaincodeTls(`organisations[${index}].chaincodeTls`, organisation.chaincodeTls),
    })),
    clientOrganisations: config.clientOrganisations.map(({ mspId, caFile }, index) => ({
      mspId,
      rootPem: read(`clientOrganisations[${index}].caFile`, caFile),
    })),
    policy: config.policy,
    ...(config.batch === undefined ? {} : { batch: config.batch }),
  };
}

/** Shape and relations of the values; no file is touched. */
export function decodeLedgerConfig(value: unknown): LedgerConfig {
  const root = new Fields('', value);
  const chaincode = root.object('chaincode');
  const listen = root.object('listen');
  const tls = root.object('tls');
  const policy = root.object('policy');
  const batch = root.optional('batch');
  const config: LedgerConfig = {
    channel: root.string('channel'),
    chaincode: { name: chaincode.string('name'), packageId: chaincode.string('packageId') },
    listen: { host: listen.string('host'), port: listen.integer('port', 0, 65_535) },
    tls: { ca: tls.string('ca'), cert: tls.string('cert'), key: tls.string('key') },
    blocksDir: root.string('blocksDir'),
    organisations: root.list('organisations').map((organisation) => {
      const peer = organisation.object('peer');
      const tls = organisation.optional('chaincodeTls');
      const active = organisation.boolean('active');
      const decoded = {
        mspId: organisation.string('mspId'),
        caFile: organisation.string('caFile'),
        active,
        peer: { certFile: peer.string('certFile'), keyFile: peer.string('keyFile') },
        chaincodeAddress: organisation.string('chaincodeAddress', !active),
        ...(tls === null
          ? {}
          : {
              chaincodeTls: {
                caFile: tls.string('caFile'),
                certFile: tls.string('certFile'),
                keyFile: tls.string('keyFile'),
              },
            }),
      };
      peer.end();
      tls?.end();
      organisation.end();
      return decoded;
    }),
    clientOrganisations: root.list('clientOrganisations').map((organisation) => {
      const decoded = {
        mspId: organisation.string('mspId'),
        caFile: organisation.string('caFile'),
      };
      organisation.end();
      return decoded;
    }),
    policy: { outOf: policy.integer('outOf', 1, 64) },
    ...(batch === null
      ? {}
      : {
          batch: {
            ...batch.optionalInteger('timeoutMs', 0, 60_000),
            ...batch.optionalInteger('messagesMax', 1, 10_000),
            ...batch.optionalInteger('bytesMax', 1, 49_000_000),
          },
        }),
  };
  for (const part of [chaincode, listen, tls, policy, batch, root]) part?.end();
  return config;
}

/** One JSON object that knows its path, and notices keys that nobody asked for. */
class Fields {
  readonly #path: string;
  readonly #record: Readonly<Record<string, unknown>>;
  readonly #asked = new Set<string>();

  constructor(path: string, value: unknown) {
    this.#path = path;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new LedgerConfigError({
        key: path || '(root)',
        got: describe(value),
        expected: 'an object',
      });
    }
    this.#record = value as Readonly<Record<string, unknown>>;
  }

  #key(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }

  #take(name: string): unknown {
    this.#asked.add(name);
    return this.#record[name];
  }

  #refuse(name: string, expected: string): never {
    throw new LedgerConfigError({
      key: this.#key(name),
      got: describe(this.#record[name]),
      expected,
    });
  }

  object(name: string): Fields {
    return new Fields(this.#key(name), this.#take(name));
  }

  optional(name: string): Fields | null {
    return this.#take(name) === undefined ? null : this.object(name);
  }

  list(name: string): Fields[] {
    const value = this.#take(name);
    if (!Array.isArray(value)) return this.#refuse(name, 'a list');
    return value.map((item, index) => new Fields(`${this.#key(name)}[${index}]`, item));
  }

  string(name: string, emptyAllowed = false): string {
    const value = this.#take(name);
    if (typeof value !== 'string') return this.#refuse(name, 'a string');
    return value === '' && !emptyAllowed ? this.#refuse(name, 'a non-empty string') : value;
  }

  boolean(name: string): boolean {
    const value = this.#take(name);
    return typeof value === 'boolean' ? value : this.#refuse(name, 'true or false');
  }

  integer(name: string, least: number, most: number): number {
    const value = this.#take(name);
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) {
      return value;
    }
    return this.#refuse(name, `an integer from ${least} to ${most}`);
  }

  optionalInteger<Name extends string>(
    name: Name,
    least: number,
    most: number,
  ): Partial<Record<Name, number>> {
    if (this.#take(name) === undefined) return {};
    return { [name]: this.integer(name, least, most) } as Record<Name, number>;
  }

  end(): void {
    const unknown = Object.keys(this.#record).find((name) => !this.#asked.has(name));
    if (unknown !== undefined) {
      throw new LedgerConfigError({
        key: this.#key(unknown),
        got: describe(this.#record[unknown]),
        expected: `no such key (known: ${[...this.#asked].join(', ')})`,
      });
    }
  }
}

function readPem(key: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new LedgerConfigError({ key, got: path, expected: 'a readable PEM file', cause });
  }
}

function describe(value: unknown): string {
  if (value instanceof Error) return value.message;
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

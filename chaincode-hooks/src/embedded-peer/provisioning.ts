/**
 * Everything that a development consortium needs before its first block: roots, endorsers' identities, a TLS certificate.
 *
 * `DIR/msp/<MSP id>/{ca,ca-key}.pem` for every organisation; `{peer,peer-key}.pem` beside it for the hospitals, and
 * `{chaincode-tls,peer-tls}[-key].pem` for the two ends of their chaincode streams; `DIR/tls/{ca,server,server-key}.pem`.
 * One TLS root signs all TLS certificates. Keys are readable by their owner only.
 * @module
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createAuthority,
  issueIdentity,
  issueServerCertificate,
  openAuthority,
  type CertificateAuthority,
} from './certificate-authority.js';
import type { LedgerConfig } from './config.js';
import { CertificateError } from './errors.js';
import type { BatchOptions, KeyPairPem } from './options.js';

export interface ConsortiumOptions {
  readonly dir: string;
  /** How many hospitals get an MSP (`H1MSP` …). */
  readonly hospitals?: number;
  /** Organisations without an endorser. */
  readonly clientOrganisations?: readonly string[];
  /** Names and addresses for which the TLS certificate is valid. */
  readonly hosts?: readonly string[];
  readonly nowMs: number;
}

/** The files of a provisioned consortium. */
export interface Consortium {
  readonly dir: string;
  /** `H1MSP` … in order. */
  readonly hospitals: readonly string[];
  readonly clientOrganisations: readonly string[];
  /** PEM file with the root of the ledger's TLS certificate: what clients trust. */
  readonly tlsRootFile: string;
  /** The root of one organisation, able to issue identities. */
  authority(mspId: string): CertificateAuthority;
}

const DEFAULT_HOSPITALS = 8;
const DEFAULT_CLIENT_ORGANISATIONS = ['OpsMSP'];
const DEFAULT_HOSTS = ['127.0.0.1', 'localhost'];

/**
 * Makes a consortium in `dir`.
 * @throws {CertificateError} `ERR_CERTIFICATE` if there is one already: keys are never overwritten
 */
export function provisionConsortium(options: ConsortiumOptions): Consortium {
  const { dir, nowMs } = options;
  const hospitals = hospitalMspIds(options.hospitals ?? DEFAULT_HOSPITALS);
  const clientOrganisations = options.clientOrganisations ?? DEFAULT_CLIENT_ORGANISATIONS;
  const authorities = new Map<string, CertificateAuthority>();
  const tlsRoot = createAuthority({ mspId: 'development ledger TLS', nowMs });
  const hosts = options.hosts ?? DEFAULT_HOSTS;
  const tlsPair = (commonName: string): KeyPairPem =>
    issueServerCertificate(tlsRoot, { commonName, hosts });
  for (const mspId of [...hospitals, ...clientOrganisations]) {
    const authority = createAuthority({ mspId, nowMs });
    authorities.set(mspId, authority);
    const mspDir = join(dir, 'msp', mspId);
    writePair(mspDir, 'ca', authority);
    if (hospitals.includes(mspId)) {
      const peer = { authority, commonName: `peer.${mspId}`, organisationalUnit: 'peer' } as const;
      writePair(mspDir, 'peer', issueIdentity(peer));
      writePair(mspDir, 'peer-tls', tlsPair(`peer.${mspId}`));
      writePair(mspDir, 'chaincode-tls', tlsPair(`chaincode.${mspId}`));
    }
  }
  writePair(join(dir, 'tls'), 'server', tlsPair('ledger'));
  writeFileSync(join(dir, 'tls', 'ca.pem'), tlsRoot.certificatePem, { flag: 'wx' });
  return consortiumOf({ dir, hospitals, clientOrganisations, authorities });
}

/** A consortium that `provisionConsortium` made earlier; authorities are read when asked for. */
export function openConsortium(
  options: Pick<ConsortiumOptions, 'dir' | 'hospitals' | 'clientOrganisations'>,
): Consortium {
  return consortiumOf({
    dir: options.dir,
    hospitals: hospitalMspIds(options.hospitals ?? DEFAULT_HOSPITALS),
    clientOrganisations: options.clientOrganisations ?? DEFAULT_CLIENT_ORGANISATIONS,
    authorities: new Map(),
  });
}

/** The configuration file of a ledger process on this consortium, ready for `JSON.stringify`. */
export function ledgerConfigOf(
  consortium: Consortium,
  options: Readonly<{
    channel: string;
    chaincode: { name: string; packageId: string };
    listen: { host: string; port: number };
    blocksDir: string;
    /** Chaincode server of each active hospital, by MSP id; hospitals without one are spare. */
    chaincodeAddresses: Readonly<Record<string, string>>;
    /** Endorsements needed; ⌊active / 2⌋ + 1 when absent. */
    outOf?: number;
    batch?: Partial<BatchOptions>;
    /** Mutual TLS on the chaincode streams, with the certificates that were provisioned; plaintext when absent. */
    chaincodeTls?: boolean;
  }>,
): LedgerConfig {
  const { dir, hospitals, clientOrganisations } = consortium;
  const msp = (mspId: string, file: string): string => join(dir, 'msp', mspId, file);
  const activeCount = Object.keys(options.chaincodeAddresses).length;
  return {
    channel: options.channel,
    chaincode: options.chaincode,
    listen: options.listen,
    tls: {
      ca: consortium.tlsRootFile,
      cert: join(dir, 'tls', 'server.pem'),
      key: join(dir, 'tls', 'server-key.pem'),
    },
    blocksDir: options.blocksDir,
    organisations: hospitals.map((mspId) => ({
      mspId,
      caFile: msp(mspId, 'ca.pem'),
      active: options.chaincodeAddresses[mspId] !== undefined,
      peer: { certFile: msp(mspId, 'peer.pem'), keyFile: msp(mspId, 'peer-key.pem') },
      chaincodeAddress: options.chaincodeAddresses[mspId] ?? '',
      ...(options.chaincodeTls === true
        ? {
            chaincodeTls: {
              caFile: consortium.tlsRootFile,
              certFile: msp(mspId, 'peer-tls.pem'),
              keyFile: msp(mspId, 'peer-tls-key.pem'),
            },
          }
        : {}),
    })),
    clientOrganisations: clientOrganisations.map((mspId) => ({
      mspId,
      caFile: msp(mspId, 'ca.pem'),
    })),
    policy: { outOf: options.outOf ?? Math.floor(activeCount / 2) + 1 },
    ...(options.batch === undefined ? {} : { batch: options.batch }),
  };
}

function hospitalMspIds(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `H${index + 1}MSP`);
}

function consortiumOf(
  parts: Readonly<{
    dir: string;
    hospitals: readonly string[];
    clientOrganisations: readonly string[];
    authorities: Map<string, CertificateAuthority>;
  }>,
): Consortium {
  const { dir, hospitals, clientOrganisations, authorities } = parts;
  return {
    dir,
    hospitals,
    clientOrganisations,
    tlsRootFile: join(dir, 'tls', 'ca.pem'),
    authority(mspId) {
      let authority = authorities.get(mspId);
      if (authority === undefined) {
        authority = openAuthority(mspId, readPair(join(dir, 'msp', mspId), 'ca'));
        authorities.set(mspId, authority);
      }
      return authority;
    },
  };
}

function writePair(dir: string, name: string, pair: KeyPairPem): void {
  try {
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, `${name}-key.pem`), pair.privateKeyPem, { flag: 'wx', mode: 0o600 });
    writeFileSync(join(dir, `${name}.pem`), pair.certificatePem, { flag: 'wx' });
  } catch (cause) {
    throw new CertificateError({ what: join(dir, `${name}.pem`), reason: 'not written', cause });
  }
}

function readPair(dir: string, name: string): KeyPairPem {
  try {
    return {
      certificatePem: readFileSync(join(dir, `${name}.pem`), 'utf8'),
      privateKeyPem: readFileSync(join(dir, `${name}-key.pem`), 'utf8'),
    };
  } catch (cause) {
    throw new CertificateError({ what: join(dir, `${name}.pem`), reason: 'not readable', cause });
  }
}

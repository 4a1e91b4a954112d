import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeLedgerConfig, loadLedgerConfig } from '../../src/embedded-peer/config.js';
import { CertificateError, LedgerConfigError } from '../../src/embedded-peer/errors.js';
import {
  ledgerConfigOf,
  openConsortium,
  provisionConsortium,
  type Consortium,
} from '../../src/embedded-peer/provisioning.js';

let dir: string;
let consortium: Consortium;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'ledger-config-'));
  consortium = provisionConsortium({ dir, nowMs: Date.now() });
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function config(): Record<string, unknown> {
  const made = ledgerConfigOf(consortium, {
    channel: 'consortium',
    chaincode: { name: 'bhschain', packageId: 'bhschain:1' },
    listen: { host: '127.0.0.1', port: 7051 },
    blocksDir: 'blocks',
    chaincodeAddresses: {
      H1MSP: '127.0.0.1:9001',
      H2MSP: '127.0.0.1:9002',
      H3MSP: '127.0.0.1:9003',
    },
    batch: { timeoutMs: 5 },
  });
  return JSON.parse(JSON.stringify(made)) as Record<string, unknown>;
}

function refusal(value: unknown): LedgerConfigError {
  try {
    decodeLedgerConfig(value);
  } catch (error) {
    expect(error).toBeInstanceOf(LedgerConfigError);
    return error as LedgerConfigError;
  }
  throw new Error('expected a refusal');
}

describe('provisioning', () => {
  it('makes eight hospitals and the operator, keys readable by their owner only', () => {
    expect(consortium.hospitals).toEqual(Array.from({ length: 8 }, (_, i) => `H${i + 1}MSP`));
    for (const mspId of [...consortium.hospitals, 'OpsMSP']) {
      expect(consortium.authority(mspId).mspId).toBe(mspId);
      expect(statSync(join(dir, 'msp', mspId, 'ca-key.pem')).mode & 0o777).toBe(0o600);
    }
  });

  it('never overwrites a consortium', () => {
    expect(() => provisionConsortium({ dir, nowMs: Date.now() })).toThrow(CertificateError);
  });

  it('is found again on disk', () => {
    const opened = openConsortium({ dir });
    const { certificatePem } = consortium.authority('H5MSP');
    expect(opened.authority('H5MSP').certificatePem).toBe(certificatePem);
    expect(() => opened.authority('H9MSP')).toThrow(CertificateError);
  });

  it('makes hospitals with a chaincode active, and a majority of them the policy', () => {
    const decoded = decodeLedgerConfig(config());
    const active = decoded.organisations.filter((organisation) => organisation.active);
    expect(active.map(({ mspId }) => mspId)).toEqual(['H1MSP', 'H2MSP', 'H3MSP']);
    expect(decoded.policy).toEqual({ outOf: 2 });
    expect(decoded.batch).toEqual({ timeoutMs: 5 });
  });
});

describe('the configuration file', () => {
  it('is read with its certificates, paths relative to its folder', () => {
    const file = join(dir, 'ledger.json');
    writeFileSync(file, JSON.stringify(config()));
    const loaded = loadLedgerConfig(file);
    expect(loaded.blocksDir).toBe(join(dir, 'blocks'));
    expect(loaded.hospitals).toHaveLength(8);
    expect(loaded.tls.certificatePem).toContain('BEGIN CERTIFICATE');
    expect(loaded.clientOrganisations[0]!.mspId).toBe('OpsMSP');
  });

  it.each<[string, (value: Record<string, never>) => void, Partial<LedgerConfigError>]>([
    ['an unknown key', (v) => Object.assign(v, { chanel: 'x' }), { key: 'chanel', got: '"x"' }],
    [
      'an unknown key inside',
      (v) => Object.assign(v['policy']!, { n: 1 }),
      { key: 'policy.n', got: '1' },
    ],
    [
      'a missing key',
      (v) => delete (v as object as { channel?: string }).channel,
      { key: 'channel' },
    ],
    ['an empty string', (v) => Object.assign(v, { channel: '' }), { key: 'channel', got: '""' }],
    [
      'a port out of range',
      (v) => Object.assign(v['listen']!, { port: 70_000 }),
      { key: 'listen.port', got: '70000', expected: 'an integer from 0 to 65535' },
    ],
    [
      'a string for a number',
      (v) => Object.assign(v['policy']!, { outOf: '2' }),
      { key: 'policy.outOf', got: '"2"' },
    ],
    [
      'an active hospital without chaincode',
      (v) =>
        Object.assign((v['organisations'] as unknown as object[])[0]!, { chaincodeAddress: '' }),
      { key: 'organisations[0].chaincodeAddress' },
    ],
    ['no list', (v) => Object.assign(v, { organisations: {} }), { key: 'organisations' }],
  ])('is refused with %s', (_, change, facts) => {
    const value = config();
    change(value as Record<string, never>);
    expect(refusal(value)).toMatchObject({ code: 'ERR_LEDGER_CONFIG', ...facts });
  });

  it.each([null, [], 'x', 3])('is refused when it is %j', (value) => {
    expect(refusal(value).key).toBe('(root)');
  });

  it('is refused when it is absent, not JSON, or names a file that is not there', () => {
    expect(() => loadLedgerConfig(join(dir, 'absent.json'))).toThrow(LedgerConfigError);
    const file = join(dir, 'bad.json');
    writeFileSync(file, '{');
    expect(() => loadLedgerConfig(file)).toThrow(LedgerConfigError);
    writeFileSync(file, JSON.stringify({ ...config(), tls: { ca: 'a', cert: 'b', key: 'c' } }));
    expect(() => loadLedgerConfig(file)).toThrow(/tls.certFile: expected a readable PEM file/);
  });
});

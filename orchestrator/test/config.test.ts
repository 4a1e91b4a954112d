import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { TSchema } from 'typebox';
import { CONFIG_SCHEMA } from '../src/config-schema.js';
import { loadConfig, type OrchestratorConfig } from '../src/config.js';
import { temporaryFolder } from './consortium.js';

const folder = temporaryFolder();
afterAll(() => folder.remove());

const RIGHT = {
  federationId: 'demo',
  stateDir: 'state',
  listen: { host: '127.0.0.1', port: 0 },
  http: { host: '127.0.0.1', port: 0 },
  hospitals: [
    { nodeId: 'H1', mspId: 'H1MSP' },
    { nodeId: 'H2', mspId: 'H2MSP' },
    { nodeId: 'H3', mspId: 'H3MSP' },
  ],
  gateway: {
    endpoints: ['127.0.0.1:7051'],
    tlsRoot: 'tls.pem',
    channel: 'consortium',
    chaincode: 'bhschain',
    mspId: 'OpsMSP',
    certFile: 'cert.pem',
    keyFile: 'key.pem',
  },
};

let files = 0;
function load(text: string, environment: Record<string, string> = {}): OrchestratorConfig {
  mkdirSync(folder.path, { recursive: true });
  const file = join(folder.path, `${++files}.yaml`);
  writeFileSync(file, text);
  return loadConfig(file, environment);
}
const loadObject = (change: object): OrchestratorConfig =>
  load(JSON.stringify({ ...RIGHT, ...change }));
const code = (expected: string, message: RegExp): object =>
  expect.objectContaining({
    code: expected,
    message: expect.stringMatching(message) as string,
  }) as object;

describe('configuration', () => {
  it('fills in exactly the defaults that the schema tells its readers', () => {
    const config = loadObject({}) as unknown as Record<string, unknown>;
    const told = (schema: TSchema): [string, unknown][] =>
      Object.entries((schema as { properties: Record<string, { default?: unknown }> }).properties)
        .filter(([, { default: value }]) => value !== undefined)
        .map(([key, { default: value }]) => [key, value]);
    for (const [key, value] of told(CONFIG_SCHEMA)) expect(config[key], key).toEqual(value);
    const { policy } = (CONFIG_SCHEMA as { properties: Record<string, TSchema> }).properties;
    for (const [key, value] of told(policy!)) {
      expect((config['policy'] as Record<string, unknown>)[key], key).toEqual(value);
    }
  });

  it('fills in the defaults of the design, relative to the file', () => {
    const config = loadObject({});
    expect(config).toMatchObject({
      stateDir: join(folder.path, 'state'),
      attestations: 2,
      attestMaxMs: 21_600_000,
      planPreset: 'hospital',
      replay: null,
      databaseUrl: null,
      policy: { slotLengthMs: 21_600_000, quorum: 2, catchUp: 'skip', roundsMax: null },
      gateway: { certFile: join(folder.path, 'cert.pem') },
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('takes the database from the environment only', () => {
    const url = 'postgresql://bhs@127.0.0.1/federation';
    expect(load(JSON.stringify(RIGHT), { DATABASE_URL: url }).databaseUrl).toBe(url);
    expect(() => loadObject({ databaseUrl: url })).toThrow(code('ERR_CONFIG', /unknown key/));
  });

  it('names an unknown key with its place, and guesses what was meant', () => {
    expect(() => load('federationId: demo\nstateDir: s\nhospital: []\n')).toThrow(
      code('ERR_CONFIG', /:3:\d+: hospital: unknown key; did you mean hospitals\?/),
    );
    expect(() => loadObject({ policy: { slotLenghtMs: 1 } })).toThrow(
      code('ERR_CONFIG', /policy\.slotLenghtMs: unknown key; did you mean slotLengthMs\?/),
    );
  });

  it.each([
    [
      { listen: { host: 'x', port: 70_000 } },
      'ERR_CONFIG',
      /listen\.port: must be <= 65535, got 70000/,
    ],
    [{ hospitals: [] }, 'ERR_CONFIG', /hospitals/],
    [{ planPreset: 'best' }, 'ERR_CONFIG', /planPreset/],
    [{ hospitals: [RIGHT.hospitals[0], RIGHT.hospitals[0]] }, 'ERR_CONFIG', /each nodeId once/],
    [{ attestations: 1 }, 'ERR_CONFIG', /attestations: expected 2 to 3, got 1/],
    [{ policy: { quorum: 4 } }, 'ERR_POLICY', /policy\.quorum: expected at most the 3/],
    [{ policy: { slotLengthMs: 60_000 } }, 'ERR_POLICY', /policy\.slotLengthMs: expected at least/],
    [{ federationId: '../etc' }, 'ERR_CONFIG', /federationId/],
  ] as const)('refuses %j', (change, expected, message) => {
    expect(() => loadObject(change)).toThrow(code(expected, message));
  });

  it('refuses a file that is missing or no YAML, with the place', () => {
    expect(() => loadConfig(join(folder.path, 'none.yaml'), {})).toThrow(
      code('ERR_CONFIG_FILE', /none\.yaml/),
    );
    expect(() => load('a: [1,\nb: 2')).toThrow(code('ERR_CONFIG_SYNTAX', /:\d+:\d+: not YAML/));
  });
});

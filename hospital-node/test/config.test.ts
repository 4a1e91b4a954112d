import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { temporaryFolder } from './temporary-folder.js';

const VALID = {
  nodeId: 'H1',
  mspId: 'H1MSP',
  stateDir: '.',
  log: { file: '../logs/H1.jsonl' },
  federation: {
    id: 'consortium',
    address: '127.0.0.1:7000',
    tls: { ca: 'tls/ca.pem', cert: 'tls/cert.pem', key: 'tls/key.pem' },
    signerCa: '../ops.pem',
  },
  fabric: {
    endpoints: ['127.0.0.1:7051'],
    tlsRoot: '../tls.pem',
    channel: 'consortium',
    chaincode: 'bhschain',
    cert: 'identity/cert.pem',
    key: 'identity/key.pem',
  },
  actorsFile: 'actors.jsonl',
  peopleDir: 'people',
};

function written(value: unknown, name = 'config.json'): string {
  const file = join(temporaryFolder(), name);
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value, null, 2));
  return file;
}

describe('the configuration', () => {
  it('fills in defaults, makes file names absolute and is frozen', () => {
    const file = written(VALID);
    const config = loadConfig(file, {});
    const folder = join(file, '..');
    expect(config).toMatchObject({
      stateDir: folder,
      log: {
        file: join(folder, '../logs/H1.jsonl'),
        format: 'native',
        liveFromMs: null,
        watermarkMs: 600_000,
      },
      windows: { binMs: 21_600_000, retentionDays: 35 },
      privacy: {
        approvedPlans: null,
        declareBudget: false,
        ceilings: {
          epsilonPerRound: 0.5,
          actorEpsilon: 8,
          actorHorizonDays: 30,
          windowsPerActorMax: 6,
        },
      },
      http: { host: '127.0.0.1', port: 0 },
      vocabulary: null,
      timeGranularity: 'exact',
    });
    expect(config.fabric.key).toBe(join(folder, 'identity/key.pem'));
    expect(Object.isFrozen(config) && Object.isFrozen(config.privacy.ceilings)).toBe(true);
  });

  it('fills in defaults inside a group that may be null, once it is there', () => {
    const provider = {
      issuer: 'https://sso.hospital.example',
      clientId: 'bhs-node',
      publicUrl: 'https://review.hospital.example',
      roles: { reviewers: 'analyst' },
    };
    expect(loadConfig(written({ ...VALID, signIn: { provider } }), {}).signIn).toEqual({
      local: true,
      provider: {
        ...provider,
        clientSecretFile: null,
        scope: 'openid profile',
        nameClaim: 'preferred_username',
        roleClaim: 'roles',
        clockToleranceSeconds: 30,
      },
    });
  });

  it.each([
    ['neither accounts nor a provider', { local: false }, 'ERR_CONFIG_RELATION', 'signIn'],
    ['a provider in clear text', { issuer: 'http://sso.hospital.example' }, 'ERR_CONFIG_VALUE'],
    ['a way back in clear text', { publicUrl: 'http://review.example' }, 'ERR_CONFIG_VALUE'],
    ['a role that is none of ours', { roles: { staff: 'root' } }, 'ERR_CONFIG_VALUE'],
    ['no role at all', { roles: {} }, 'ERR_CONFIG_VALUE'],
    ['a scope without openid', { scope: 'profile' }, 'ERR_CONFIG_VALUE'],
    ['a key that it does not know', { clientSecret: 'in the file' }, 'ERR_CONFIG_KEY'],
  ])('refuses for sign-in: %s', (_what, change, code, key = 'signIn.provider') => {
    const provider = {
      issuer: 'https://sso.hospital.example',
      clientId: 'bhs-node',
      publicUrl: 'https://review.hospital.example',
      roles: { reviewers: 'analyst' },
      ...change,
    };
    const signIn = 'local' in change ? change : { provider };
    expect(() => loadConfig(written({ ...VALID, signIn }), {})).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(key) as string }),
    );
  });

  it('of the README is sound', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const yaml = /```yaml\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    expect(loadConfig(written(yaml, 'node.yaml'), {})).toMatchObject({
      nodeId: 'H1',
      fabric: { chaincode: 'bhschain' },
    });
  });

  it('takes two values from the environment', () => {
    const config = loadConfig(written(VALID), {
      BHS_NODE_LOG_LEVEL: 'debug',
      BHS_NODE_STATE_DIR: '/x',
    });
    expect(config.logLevel).toBe('debug');
    expect(config.stateDir).toBe('/x');
  });

  it('names an unknown key, its line and the nearest known one', () => {
    const file = written({ ...VALID, actorsFiel: 'x' });
    const lines = readFileSync(file, 'utf8').split('\n');
    const line = lines.findIndex((each) => each.includes('actorsFiel')) + 1;
    expect(() => loadConfig(file, {})).toThrow(
      expect.objectContaining({
        code: 'ERR_CONFIG_KEY',
        facts: { file, key: 'actorsFiel', line },
        message: expect.stringContaining("did you mean 'actorsFile'?") as string,
      }) as Error,
    );
  });

  it.each([
    ['a missing value', { ...VALID, nodeId: undefined }, 'nodeId', 'nothing'],
    ['a wrong type', { ...VALID, http: { port: 'many' } }, 'http.port', '"many"'],
    ['a bad name', { ...VALID, mspId: 'a b' }, 'mspId', '"a b"'],
    [
      'an unknown member of a list',
      { ...VALID, timeGranularity: 'week' },
      'timeGranularity',
      '"week"',
    ],
    [
      'an empty list of gateways',
      { ...VALID, fabric: { ...VALID.fabric, endpoints: [] } },
      'fabric.endpoints',
      '[]',
    ],
  ])('refuses %s with key, what came and what was expected', (_, value, key, got) => {
    expect(() => loadConfig(written(value), {})).toThrow(
      expect.objectContaining({
        code: 'ERR_CONFIG_VALUE',
        facts: expect.objectContaining({ key, got }) as object,
      }) as Error,
    );
  });

  it('refuses values that do not go together', () => {
    for (const value of [
      { ...VALID, windows: { binMs: 7_000_000 } },
      { ...VALID, log: { ...VALID.log, liveFromMs: 1 } },
    ]) {
      expect(() => loadConfig(written(value), {})).toThrow(
        expect.objectContaining({ code: 'ERR_CONFIG_RELATION' }) as Error,
      );
    }
  });

  it('reads YAML, and names line and column of a syntax fault', () => {
    const file = written('nodeId: H1\nlog: {file: [\n', 'config.yaml');
    expect(() => loadConfig(file, {})).toThrow(
      expect.objectContaining({
        code: 'ERR_CONFIG_SYNTAX',
        facts: expect.objectContaining({ line: 3 }) as object,
      }) as Error,
    );
    expect(() => loadConfig(join(temporaryFolder(), 'none'), {})).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_UNREADABLE' }) as Error,
    );
  });
});

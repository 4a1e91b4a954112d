/** `config check` and `config explain`: every key, where its value comes from, and what it means. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  checkConfig,
  diffConfig,
  explainConfig,
  type ExplainedKey,
} from '../src/commands/config-command.js';
import { CONFIG_SCHEMA } from '../src/config-schema.js';
import { temporaryFolder } from './temporary-folder.js';

const HALF = `mspId: H1MSP
stateDir: state
log:
  file: access.jsonl
http: { port: 8443 }
logLevel: debug
`;

function written(text: string): string {
  const file = join(temporaryFolder(), 'node.yaml');
  writeFileSync(file, text);
  return file;
}
afterEach(() => vi.unstubAllEnvs());

const keysOf = (file: string): Map<string, ExplainedKey> => {
  const { keys } = explainConfig(file).facts as { keys: readonly ExplainedKey[] };
  return new Map(keys.map((each) => [each.key, each]));
};

describe('config diff', () => {
  const differing = (file: string, other: string | null): string[] =>
    (diffConfig(file, other).facts as { keys: readonly { key: string }[] }).keys.map(
      ({ key }) => key,
    );

  it('names the keys that differ from another file, by value and not by how it is written', () => {
    const file = written(HALF);
    const other = written(
      HALF.replace('{ port: 8443 }', '\n  port: 8444').replace('debug', 'info'),
    );
    expect(differing(file, other)).toEqual(['http.port', 'logLevel']);
    expect(diffConfig(file, other)).toMatchObject({ exitCode: 1 });
    expect(diffConfig(file, other).sentences[0]).toBe(`http.port: 8443   (${other}: 8444)`);
    const same = written(`# a comment\n${HALF.replace('logLevel: debug', "logLevel: 'debug'")}`);
    expect(diffConfig(file, same)).toMatchObject({ exitCode: 0, facts: { keys: [] } });
  });

  it('names against the defaults what the file says of its own', () => {
    expect(differing(written(HALF), null)).toEqual([
      'mspId',
      'stateDir',
      'log.file',
      'http.port',
      'logLevel',
    ]);
    expect(diffConfig(written(HALF), null).exitCode).toBe(0);
  });
});

describe('config explain', () => {
  it('tells value, origin, default and meaning of every key, also of an unfinished file', () => {
    vi.stubEnv('BHS_NODE_LOG_LEVEL', 'warn');
    const file = written(HALF);
    const keys = keysOf(file);
    expect(keys.get('http.port')).toMatchObject({ value: 8443, origin: `${file}:5`, default: '0' });
    expect(keys.get('http.host')).toMatchObject({ value: '127.0.0.1', origin: 'default' });
    expect(keys.get('logLevel')).toMatchObject({
      value: 'warn',
      origin: 'environment BHS_NODE_LOG_LEVEL',
    });
    expect(keys.get('federation.address')).toMatchObject({
      value: null,
      origin: 'missing',
      default: null,
    });
    expect(explainConfig(file).exitCode).toBe(1);
    for (const { key, meaning } of keys.values()) expect(meaning, key).toMatch(/\w{3}.*[.)]$/);
  });

  it('knows every key of the schema', () => {
    interface Keys {
      readonly properties?: Readonly<Record<string, Keys>>;
      readonly default?: unknown;
    }
    // A group that may be null is one value.
    const count = ({ properties, default: fallback }: Keys): number =>
      properties === undefined || fallback === null
        ? 1
        : Object.values(properties).reduce((sum, each) => sum + count(each), 0);
    expect(keysOf(written(HALF)).size).toBe(count(CONFIG_SCHEMA as Keys));
    expect(keysOf(written(HALF)).size).toBeGreaterThan(30);
  });
});

describe('config check', () => {
  it('says yes in a sentence, or names line, key and code', () => {
    const { exitCode, sentences } = checkConfig(written(`${HALF}logLevl: x\n`));
    expect(exitCode).toBe(2);
    expect(sentences[0]).toMatch(/ERR_CONFIG_/);
  });
});

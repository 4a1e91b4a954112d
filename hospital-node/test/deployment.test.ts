/**
 * What is shipped to run a node with: units that systemd understands, a Compose file by its specification, a chart.
 * Helm's own lint runs apart (`npm run lint:charts -w hospital-node`), because helm comes from elsewhere.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { temporaryFolder } from './temporary-folder.js';

const DEPLOY = fileURLToPath(new URL('../deploy/', import.meta.url));
const CHART = join(DEPLOY, 'helm', 'bhs-node');
const read = (...path: readonly string[]): string => readFileSync(join(DEPLOY, ...path), 'utf8');
const has = (command: string): boolean => spawnSync(command, ['--version']).error === undefined;
/** 10 × systemd's exposure figure; a node needs the network and V8's compiler, and nothing else. */
const EXPOSURE_MOST = 20;

describe('the systemd unit', () => {
  const unit = read('systemd', 'bhs-node.service');

  it('starts the shipped program with a configuration, and gives a stop its time', () => {
    expect(unit).toMatch(/^ExecStart=\S+node \S+hospital-node\/dist\/main\.js --config \S+$/m);
    expect(unit).toMatch(/^RestartPreventExitStatus=2$/m);
    expect(unit).toMatch(/^TimeoutStopSec=30s$/m);
  });

  it.skipIf(!has('systemd-analyze'))(
    'is understood by systemd, and closed as far as it can be',
    () => {
      const folder = temporaryFolder();
      const file = join(folder, 'bhs-node.service');
      writeFileSync(file, unit.replaceAll('/usr/bin/node', process.execPath));
      const verified = spawnSync('systemd-analyze', ['verify', '--man=no', file], {
        encoding: 'utf8',
      });
      expect(verified.stderr).toBe('');
      expect(verified.status).toBe(0);
      const security = spawnSync(
        'systemd-analyze',
        ['security', '--offline=true', '--no-pager', `--threshold=${EXPOSURE_MOST}`, file],
        { encoding: 'utf8' },
      );
      expect(security.stdout).toContain('Overall exposure level');
      expect(security.status, security.stdout).toBe(0);
    },
  );
});

describe('the Compose file', () => {
  /** From github.com/compose-spec/compose-go v2.16.2, schema/compose-spec.json, Apache-2.0. */
  const schema = JSON.parse(
    readFileSync(new URL('./schemas/compose-spec.json', import.meta.url), 'utf8'),
  ) as object;
  const compose = parse(read('compose', 'compose.yaml'), { merge: true }) as {
    services: Record<string, Record<string, unknown>>;
    volumes: Record<string, unknown>;
  };
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema);

  it('fits the Compose specification', () => {
    expect(validate(compose), JSON.stringify(validate.errors)).toBe(true);
    const wrong = { ...compose, services: { h1: { imagee: 'x' } } };
    expect(validate(wrong)).toBe(false);
  });

  it('gives five nodes a state each, and none of them the right to write anything else', () => {
    expect(Object.keys(compose.services)).toEqual(['h1', 'h2', 'h3', 'h4', 'h5']);
    for (const [name, service] of Object.entries(compose.services)) {
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], user: '10001:10001' });
      const volumes = service['volumes'] as string[];
      expect(volumes.filter((volume) => !volume.endsWith(':ro'))).toEqual([
        `${name}-state:/var/lib/bhs-node`,
      ]);
      expect(compose.volumes).toHaveProperty(`${name}-state`);
    }
  });
});

describe('the Helm chart', () => {
  const values = parse(read('helm', 'bhs-node', 'values.yaml')) as Record<string, unknown>;
  const schema = JSON.parse(read('helm', 'bhs-node', 'values.schema.json')) as object;
  const templates = readdirSync(join(CHART, 'templates')).map((name) => ({
    name,
    text: read('helm', 'bhs-node', 'templates', name),
  }));

  it('has values that fit its schema, and refuses others', () => {
    const validate = new Ajv({ strict: false }).compile(schema);
    expect(validate(values), JSON.stringify(validate.errors)).toBe(true);
    expect(validate({ ...values, replicas: 3 }), 'a privacy ledger has one writer').toBe(false);
  });

  it('asks only for values that there are', () => {
    const asked = templates.flatMap(({ text }) =>
      [...text.matchAll(/\.Values\.([A-Za-z.]+)/g)].map((match) => match[1]!),
    );
    expect(asked.length).toBeGreaterThan(8);
    for (const path of asked) {
      const found = path
        .split('.')
        .reduce<unknown>(
          (value, key) => (value as Record<string, unknown> | undefined)?.[key],
          values,
        );
      expect(found, path).not.toBeUndefined();
    }
  });
});

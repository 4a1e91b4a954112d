import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ExperimentError } from '../src/errors.js';
import { closest } from '../src/harness/closest.js';
import { describeRun, resolvedYaml } from '../src/harness/run-store.js';
import { loadStudyConfig } from '../src/harness/study-config.js';
import { HOSPITAL_SCHEMA } from '../src/studies/hospital/config.js';

const dir = mkdtempSync(join(tmpdir(), 'bhs-config-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, text: string): string {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
}

const load = (
  name: string,
  text: string,
  overrides: readonly string[] = [],
): ReturnType<typeof loadStudyConfig> =>
  loadStudyConfig({ file: file(name, text), overrides, schemas: { hospital: HOSPITAL_SCHEMA } });

function faultOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ExperimentError);
    expect((error as ExperimentError).code).toBe('ERR_STUDY_CONFIG');
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
}

const BASE = 'study: hospital\nname: base\nworld:\n  staff: 300\ntraining: { rounds: 3 }\n';

describe('a study configuration', () => {
  it('says where each value came from: a file and its line, what it extends, an override, a default', () => {
    file('base.yaml', BASE);
    const { points, origins } = load('child.yaml', 'extends: base.yaml\nname: child\n', [
      'training.rounds=5',
    ]);
    expect(points).toHaveLength(1);
    expect(points[0]!.config).toMatchObject({
      name: 'child',
      world: { staff: 300, days: 28 },
      training: { rounds: 5 },
    });
    expect(origins.get('name')).toMatch(/child\.yaml:2:1$/);
    expect(origins.get('world.staff')).toMatch(/base\.yaml:4:3$/);
    expect(origins.get('training.rounds')).toBe('override training.rounds=5');
    expect(origins.get('world.days')).toBe('default');
  });

  it('refuses an unknown key with the one that was meant, its line and its column', () => {
    expect(
      faultOf(() => load('a.yaml', 'study: hospital\nname: aa\nworld:\n  stafff: 3\n')),
    ).toMatch(/a\.yaml:4:3: world\.stafff: unknown key "stafff"; did you mean "staff"\?/);
    expect(faultOf(() => load('b.yaml', BASE, ['trainig.rounds=1']))).toContain(
      'did you mean "training"?',
    );
    expect(faultOf(() => load('c.yaml', 'study: hospitl\nname: cc\n'))).toContain(
      'did you mean "hospital"?',
    );
  });

  it.each([
    ['world: { staff: 5 }', /world\.staff: expected integer at least 20 and at most 20000, got 5/],
    ['world: { staff: many }', /world\.staff: expected integer.*got "many"/],
    ['attack: { kind: flip }', /attack\.kind: expected one of none, scaled, .*, got "flip"/],
    [
      'training: { epsilon: zero }',
      /training\.epsilon: expected one of a number, none, got "zero"/,
    ],
    ['arms: [federatd]', /arms\.0: expected one of detector-zero/],
    ['world: [', /d\.yaml:4:1: Flow sequence/],
    ['just words', /expected keys and values|d\.yaml/],
  ])('refuses %s', (line, message) => {
    expect(faultOf(() => load('d.yaml', `study: hospital\nname: dd\n${line}\n`))).toMatch(message);
  });

  it('refuses a missing name, a missing file, an override without a value and a circle', () => {
    expect(faultOf(() => load('e.yaml', 'study: hospital\n'))).toMatch(
      /name: expected a value, got nothing/,
    );
    expect(
      faultOf(() => loadStudyConfig({ file: join(dir, 'none.yaml'), overrides: [], schemas: {} })),
    ).toContain('none.yaml');
    expect(faultOf(() => load('f.yaml', BASE, ['world.staff']))).toContain('expected path=value');
    expect(faultOf(() => load('g.yaml', 'extends: g.yaml\n'))).toContain('extends: more than');
  });

  it('takes a list where one value is expected as a sweep, and every pair of two lists', () => {
    const { points } = load('h.yaml', BASE, [
      'training.epsilon=[none, 8, 0.5]',
      'world.hospitals=[3, 5]',
    ]);
    expect(points.map(({ swept }) => swept)).toEqual(
      ['none', 8, 0.5].flatMap((epsilon) =>
        [3, 5].map((hospitals) => ({ 'training.epsilon': epsilon, 'world.hospitals': hospitals })),
      ),
    );
    expect(load('i.yaml', BASE, ['seeds=[4, 5]']).points).toHaveLength(1);
  });

  it('a run is named by what is done, not by how often', () => {
    const study = {
      name: 'hospital',
      about: '',
      schema: HOSPITAL_SCHEMA,
      code: [],
      dataHash: () => '',
      run: () => Promise.reject(new Error()),
    };
    const idOf = (...overrides: string[]): string => {
      const { points, origins } = load('j.yaml', BASE, overrides);
      return describeRun(study, points[0]!, { file: 'j.yaml', overrides, origins }).id;
    };
    expect(idOf()).toMatch(/^base-[0-9a-f]{8}$/);
    expect(idOf('seeds=[7]', 'title=other')).toBe(idOf());
    expect(idOf('world.staff=301')).not.toBe(idOf());
    expect(idOf('training.epsilon=[8]')).toMatch(/^base-epsilon-8-[0-9a-f]{8}$/);
  });

  it('its resolved form is YAML that gives the same configuration again', () => {
    const { points, origins } = load('k.yaml', BASE);
    const text = resolvedYaml({ config: points[0]!.config, origins: Object.fromEntries(origins) });
    expect(text).toMatch(/staff: 300 # .*k\.yaml:4:3/);
    expect(load('l.yaml', text).points[0]!.config).toEqual(points[0]!.config);
  });

  it('the configurations that are shipped load', () => {
    const configs = new URL('../configs/', import.meta.url);
    for (const name of [
      'quick',
      'headline',
      'small',
      'poisoning',
      'privacy-utility',
      'hospitals',
      'non-iid',
      'contamination',
      'central-vs-federated',
    ]) {
      const path = new URL(`${name}.yaml`, configs);
      expect(readFileSync(path, 'utf8')).toContain('title:');
      const { points } = loadStudyConfig({
        file: path.pathname,
        overrides: [],
        schemas: { hospital: HOSPITAL_SCHEMA },
      });
      expect(points.length, name).toBeGreaterThan(0);
    }
  });
});

describe('the nearest name', () => {
  it('forgives two slips, not a different word', () => {
    expect(closest('staf', ['staff', 'days'])).toBe('staff');
    expect(closest('dasy', ['staff', 'days'])).toBe('days');
    expect(closest('hospital', ['staff', 'days'])).toBeNull();
  });
});

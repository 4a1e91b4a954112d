/**
 * From a YAML file to what is run: `extends`, overrides, defaults, sweeps – and where each value came from. Nothing is
 * guessed: an unknown key is refused with the key that was meant, its line and its column.
 * @module
 */
import { readFileSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import type { TObject, TSchema } from 'typebox';
import { isMap, isPair, isScalar, LineCounter, parse, parseDocument, type Node } from 'yaml';
import { ExperimentError } from '../errors.js';
import { closest } from './closest.js';

export type ConfigValue =
  | string
  | number
  | boolean
  | null
  | readonly ConfigValue[]
  | { readonly [key: string]: ConfigValue };
export type Config = Readonly<Record<string, ConfigValue>>;

export interface StudyConfig {
  /** One configuration each; more than one if a list stood where one value is expected. */
  readonly points: readonly SweepPoint[];
  /** By path (`training.rounds`): `file:line`, `override` or `default`. */
  readonly origins: ReadonlyMap<string, string>;
}

export interface SweepPoint {
  readonly config: Config;
  /** The swept values by path; empty without a sweep. */
  readonly swept: Readonly<Record<string, ConfigValue>>;
}

interface Leaf {
  readonly value: ConfigValue;
  readonly origin: string;
}

export interface LoadOptions {
  readonly file: string;
  /** `path=value` each, the value as YAML. */
  readonly overrides: readonly string[];
  /** Schema of each study, by name. */
  readonly schemas: Readonly<Record<string, TObject>>;
}

/** A value as text: words as they are, everything else as JSON. */
export function textOf(value: ConfigValue | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

const EXTENDS = 'extends';
const EXTENDS_MOST = 8;

/** @throws {ExperimentError} `ERR_STUDY_CONFIG` with file, line, column and the fault in words */
export function loadStudyConfig({ file, overrides, schemas }: LoadOptions): StudyConfig {
  const leaves = new Map<string, Leaf>();
  for (const layer of layersOf(resolve(file))) {
    for (const [path, leaf] of layer) put(leaves, path, leaf);
  }
  for (const text of overrides) put(leaves, ...overrideOf(text));
  const study = leaves.get('study');
  const wanted = textOf(study?.value);
  const schema = schemas[wanted];
  if (schema === undefined) {
    refuse(study?.origin ?? relativeName(resolve(file)), [
      `study: expected one of ${Object.keys(schemas).join(', ')}, got ${wanted}`,
      hint(wanted, Object.keys(schemas)),
    ]);
  }
  checkKeys(leaves, schema);
  fillDefaults(leaves, schema, '');
  const axes = [...leaves].filter(
    ([path, { value }]) => Array.isArray(value) && !takesList(schemaAt(schema, path)),
  );
  const validate = validatorOf(schema);
  const points = pointsOf(axes).map((swept) => {
    const config = treeOf(leaves, swept);
    if (!validate(config)) refuseInvalid(validate, leaves);
    return { config, swept };
  });
  const origins = new Map([...leaves].map(([path, { origin }]) => [path, origin] as const));
  return { points, origins };
}

/** The layers of a file, the one it extends first. */
function layersOf(file: string, depth = 0): Map<string, Leaf>[] {
  if (depth > EXTENDS_MOST) refuse(relativeName(file), [`extends: more than ${EXTENDS_MOST} deep`]);
  const lines = new LineCounter();
  const document = parseDocument(readText(file), { lineCounter: lines });
  const place = (node: Node | null | undefined): string => {
    const { line, col } = lines.linePos(node?.range?.[0] ?? 0);
    return `${relativeName(file)}:${line}:${col}`;
  };
  const [fault] = document.errors;
  if (fault !== undefined) {
    const { line, col } = lines.linePos(fault.pos[0]);
    refuse(`${relativeName(file)}:${line}:${col}`, [fault.message.split('\n')[0]!]);
  }
  const leaves = new Map<string, Leaf>();
  const base: string[] = [];
  const walk = (node: unknown, path: string): void => {
    if (isMap(node)) {
      for (const pair of node.items) {
        if (!isPair(pair) || !isScalar(pair.key)) continue;
        const key = String(pair.key.value);
        const at = path === '' ? key : `${path}.${key}`;
        if (isMap(pair.value) && pair.value.items.length > 0) walk(pair.value, at);
        else if (at === EXTENDS) base.push(String((pair.value as Node).toJS(document)));
        else {
          const value = (pair.value as Node | null)?.toJS(document) as ConfigValue | undefined;
          leaves.set(at, { value: value ?? null, origin: place(pair.key) });
        }
      }
    } else if (node !== null) refuse(place(node as Node), ['expected keys and values']);
  };
  walk(document.contents, '');
  const own = [leaves];
  return [...base.flatMap((name) => layersOf(resolve(dirname(file), name), depth + 1)), ...own];
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ExperimentError(
      'ERR_STUDY_CONFIG',
      `expected a readable study file, got ${JSON.stringify(file)} (${(cause as Error).message})`,
      { file },
      { cause },
    );
  }
}

function overrideOf(text: string): [string, Leaf] {
  const at = text.indexOf('=');
  if (at < 1) refuse('override', [`expected path=value, got ${JSON.stringify(text)}`]);
  return [
    text.slice(0, at),
    { value: parse(text.slice(at + 1)) as ConfigValue, origin: `override ${text}` },
  ];
}

/** A later value replaces an earlier one, and all that stood below it. */
function put(leaves: Map<string, Leaf>, path: string, leaf: Leaf): void {
  for (const known of leaves.keys()) if (known.startsWith(`${path}.`)) leaves.delete(known);
  leaves.set(path, leaf);
}

function checkKeys(leaves: ReadonlyMap<string, Leaf>, schema: TObject): void {
  for (const [path, { origin }] of leaves) {
    let at: TSchema = schema;
    const keys = path.split('.');
    keys.forEach((key, depth) => {
      const known = propertiesOf(at);
      const next = known[key];
      if (next === undefined) {
        const parent = keys.slice(0, depth).join('.');
        const names = Object.keys(known);
        refuse(origin, [
          `${path}: unknown key ${JSON.stringify(key)}`,
          hint(key, names),
          names.length === 0
            ? `${parent} has no keys`
            : `known${parent === '' ? '' : ` in ${parent}`}: ${names.join(', ')}`,
        ]);
      }
      at = next;
    });
  }
}

function fillDefaults(leaves: Map<string, Leaf>, schema: TSchema, path: string): void {
  for (const [key, part] of Object.entries(propertiesOf(schema))) {
    const at = path === '' ? key : `${path}.${key}`;
    if (isObject(part)) fillDefaults(leaves, part, at);
    else if (!leaves.has(at) && 'default' in part) {
      leaves.set(at, { value: part.default as ConfigValue, origin: 'default' });
    }
  }
}

function pointsOf(axes: readonly (readonly [string, Leaf])[]): Record<string, ConfigValue>[] {
  let points: Record<string, ConfigValue>[] = [{}];
  for (const [path, { value }] of axes) {
    points = points.flatMap((point) =>
      (value as readonly ConfigValue[]).map((one) => ({ ...point, [path]: one })),
    );
  }
  return points;
}

function treeOf(
  leaves: ReadonlyMap<string, Leaf>,
  swept: Readonly<Record<string, ConfigValue>>,
): Config {
  const tree: Record<string, unknown> = {};
  for (const [path, { value }] of [...leaves].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const keys = path.split('.');
    let at = tree;
    for (const key of keys.slice(0, -1)) at = (at[key] ??= {}) as Record<string, unknown>;
    at[keys.at(-1)!] = Object.hasOwn(swept, path) ? swept[path] : value;
  }
  return tree as Config;
}

const validators = new WeakMap<TSchema, ValidateFunction>();

function validatorOf(schema: TSchema): ValidateFunction {
  let validate = validators.get(schema);
  if (validate === undefined) {
    validate = new Ajv({ allErrors: false, verbose: true }).compile(schema);
    validators.set(schema, validate);
  }
  return validate;
}

function refuseInvalid(validate: ValidateFunction, leaves: ReadonlyMap<string, Leaf>): never {
  const errors = validate.errors ?? [];
  // Of a choice the last error names the place of the choice itself.
  const error = errors.at(-1)!;
  const missing = (error.params as { missingProperty?: string }).missingProperty;
  const path = [...error.instancePath.split('/').slice(1), ...(missing ? [missing] : [])].join('.');
  const expected = missing
    ? 'a value'
    : expectedOf(error.parentSchema, error.message ?? 'another value');
  const origin = leaves.get(path)?.origin ?? leaves.get(path.replace(/\.\d+$/, ''))?.origin;
  refuse(origin ?? 'study', [
    `${path}: expected ${expected}, got ${missing ? 'nothing' : JSON.stringify(error.data)}`,
  ]);
}

function expectedOf(schema: TSchema | undefined, message: string): string {
  const part = (schema ?? {}) as {
    type?: string;
    minimum?: number;
    maximum?: number;
    anyOf?: readonly { const?: string; type?: string }[];
    enum?: readonly unknown[];
  };
  if (part.enum !== undefined) return `one of ${part.enum.join(', ')}`;
  if (part.anyOf !== undefined) {
    return `one of ${part.anyOf.map((one) => one.const ?? `a ${one.type ?? 'value'}`).join(', ')}`;
  }
  if (part.type === undefined) return message;
  const bounds = [
    ...(part.minimum === undefined ? [] : [`at least ${part.minimum}`]),
    ...(part.maximum === undefined ? [] : [`at most ${part.maximum}`]),
  ].join(' and ');
  return `${part.type}${bounds === '' ? '' : ` ${bounds}`}`;
}

function schemaAt(schema: TSchema, path: string): TSchema {
  return path.split('.').reduce<TSchema>((at, key) => propertiesOf(at)[key]!, schema);
}

function takesList(schema: TSchema): boolean {
  return (schema as { type?: string }).type === 'array';
}

function isObject(schema: TSchema): boolean {
  return (schema as { type?: string }).type === 'object';
}

function propertiesOf(schema: TSchema): Record<string, TSchema> {
  return (schema as { properties?: Record<string, TSchema> }).properties ?? {};
}

function hint(word: string, names: readonly string[]): string {
  const meant = closest(word, names);
  return meant === null ? '' : `did you mean ${JSON.stringify(meant)}?`;
}

function relativeName(file: string): string {
  const short = relative(process.cwd(), file);
  return short.startsWith('..') ? basename(file) : short;
}

function refuse(where: string, parts: readonly string[]): never {
  throw new ExperimentError(
    'ERR_STUDY_CONFIG',
    `${where}: ${parts.filter((part) => part !== '').join('; ')}`,
    { where },
  );
}

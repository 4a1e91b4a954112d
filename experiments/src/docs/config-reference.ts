/** `docs/reference/configuration.md`: every key of every process, from the schemas that check the files. @module */
import { code, generatedPage, table } from './markdown.js';
import { readJson } from './repository.js';
import { declarationsOf, membersOf, parsed } from './source-text.js';

interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema | readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly pattern?: string;
}

/** What a name's ending says about its unit. */
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/Ms$/, 'milliseconds'],
  [/Days$/, 'days'],
  [/Hours?$/, 'hours'],
  [/Minutes?$/, 'minutes'],
  [/Bytes$/, 'bytes'],
  [/Micro$/, 'millionths'],
  [/[Ee]psilon/, 'ε, natural logarithm'],
];

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return code(JSON.stringify(schema.const));
  if (schema.enum !== undefined) return schema.enum.map((each) => code(String(each))).join(', ');
  if (schema.anyOf !== undefined) {
    const kinds = schema.anyOf.map((each) => (each.type === 'null' ? 'null' : typeOf(each)));
    return [...new Set(kinds)].join(' or ');
  }
  if (schema.type === 'array') {
    const { items } = schema;
    if (items === undefined) return 'list';
    return 'length' in items ? `[${items.map(typeOf).join(', ')}]` : `list of ${typeOf(items)}`;
  }
  if (schema.type === 'integer' || schema.type === 'number') {
    const low =
      schema.exclusiveMinimum === undefined
        ? schema.minimum === undefined
          ? ''
          : `from ${schema.minimum.toLocaleString('en')}`
        : `above ${schema.exclusiveMinimum}`;
    const high = schema.maximum === undefined ? '' : `to ${schema.maximum.toLocaleString('en')}`;
    return [schema.type, low, high].filter((part) => part !== '').join(' ');
  }
  const types = [schema.type ?? 'any'].flat();
  return types.map((type) => (type === 'object' ? 'group' : type)).join(' or ');
}

/** The group inside a key: its own, its list's, or the one beside null. */
function groupIn(schema: Schema): Schema | null {
  if (schema.properties !== undefined) return schema;
  const inside = [
    ...(schema.anyOf ?? []),
    ...(schema.items !== undefined && !('length' in schema.items) ? [schema.items] : []),
  ].filter((each) => each.properties !== undefined);
  return inside.length === 1 ? inside[0]! : null;
}

function rowsOf(schema: Schema, path: string): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, each]) => {
    const key = path === '' ? name : `${path}.${name}`;
    const list = each.type === 'array';
    const group = groupIn(each);
    const isPlainGroup = each.type === 'object' && each.properties !== undefined;
    const unit = UNITS.find(([ending]) => ending.test(name))?.[1] ?? '';
    const optional = schema.required?.includes(name) !== true;
    const fallback =
      each.default === undefined
        ? optional
          ? 'may be left out'
          : 'required'
        : code(JSON.stringify(each.default));
    const own = [
      code(key),
      typeOf(each),
      unit,
      isPlainGroup ? '' : fallback,
      each.description ?? '',
    ];
    return [own, ...(group === null ? [] : rowsOf(group, list ? `${key}[]` : key))];
  });
}

/** Keys of a file that no schema describes: the members of its interface, with the comment above each. */
function keysIn(path: string, name: string): string[][] {
  return membersOf(name, declarationsOf([parsed(path)])).map(({ path: key, type, comment }) => [
    code(key),
    type.replaceAll("'", '`'),
    UNITS.find(([ending]) => ending.test(key))?.[1] ?? '',
    comment,
  ]);
}

const HEADS = ['key', 'type', 'unit', 'default', 'meaning'];

/** A study's value, or a list of values to sweep: the value. */
function unswept(schema: Schema): Schema {
  const [value, list] = schema.anyOf ?? [];
  const inner = value !== undefined && list?.type === 'array' ? value : schema;
  const { properties } = inner;
  if (properties === undefined) return inner;
  const entries = Object.entries(properties).map(([key, each]) => [key, unswept(each)] as const);
  return { ...inner, properties: Object.fromEntries(entries) };
}

function studies(): string[] {
  const { anyOf = [] } = readJson('experiments/configs/schema.json') as Schema;
  return anyOf.flatMap((study) => {
    const { properties = {} } = study;
    const name = properties['study']?.const as string | undefined;
    return [
      name === undefined ? '### A study that extends another' : `### Study ${name}`,
      `${study.description ?? ''}.`,
      table(
        HEADS.slice(0, -1),
        rowsOf(unswept(study), '').map((row) => row.slice(0, -1)),
      ),
    ];
  });
}

export function configReference(): string {
  const schema = (path: string): string => table(HEADS, rowsOf(readJson(path) as Schema, ''));
  return generatedPage('Configuration', 'the schemas that check the files', [
    'Files are YAML or JSON. An unknown key is refused with its line, its column and the key that was probably meant. Relative file names count from the folder of the file. `bhs-node config explain --config FILE` shows every value in force and where it comes from.',
    '## Hospital node',
    'An editor that knows JSON Schema can use [config.schema.json](../../hospital-node/config.schema.json).',
    schema('hospital-node/config.schema.json'),
    '## Orchestrator',
    '`DATABASE_URL` in the environment names a PostgreSQL database; without it the store is SQLite in `stateDir`. An editor can use [config.schema.json](../../orchestrator/config.schema.json).',
    schema('orchestrator/config.schema.json'),
    '## Chaincode server',
    'One JSON file; what is unknown is refused.',
    table(
      ['key', 'type', 'unit', 'meaning'],
      keysIn('chaincode-hooks/src/config.ts', 'ServerConfig'),
    ),
    '## EHR gateway',
    'The process that turns log lines into transactions; the demo writes its file.',
    table(
      ['key', 'type', 'unit', 'meaning'],
      keysIn('hospital-node/src/ehr-gateway/config.ts', 'EhrGatewayConfig'),
    ),
    '## Studies',
    'Files in `experiments/configs`. Any value may be a list, which is a sweep; `extends` names a file to start from; `path=value` on the command line replaces a value. The schema: [schema.json](../../experiments/configs/schema.json).',
    ...studies(),
  ]);
}

/**
 * `experiment schema`: what a configuration may say, as JSON Schema for editors; `configs/schema.json` is this.
 * @module
 */
import { Command } from 'commander';
import type { TObject } from 'typebox';
import { STUDIES } from '../studies/index.js';
import type { CommandIo } from './io.js';

type Schema = Readonly<Record<string, unknown>>;

export function schemaCommand(io: CommandIo): Command {
  return new Command('schema')
    .description('JSON Schema of configuration files.')
    .action(() => io.out(JSON.stringify(configurationSchema(), null, 2)));
}

/** A file may leave out what it takes from another or by default, and a list where one value is expected is a sweep. */
export function configurationSchema(): Schema {
  const studies = Object.values(STUDIES);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'A study of experiments/configs',
    type: 'object',
    anyOf: [
      ...studies.map(({ schema, about }) => ({ description: about, ...fileSchema(schema) })),
      {
        description: 'the rest is that of another file',
        type: 'object',
        required: ['extends'],
        properties: { extends: { type: 'string' } },
      },
    ],
  };
}

function fileSchema(schema: TObject): Schema {
  const { properties } = plain(schema) as { properties: Readonly<Record<string, Schema>> };
  return {
    type: 'object',
    required: ['study'],
    additionalProperties: false,
    properties: {
      extends: { type: 'string' },
      ...Object.fromEntries(
        Object.entries(properties).map(([key, value]) => [
          key,
          key === 'study' ? value : sweepable(value),
        ]),
      ),
    },
  };
}

function sweepable(schema: Schema): Schema {
  if (schema['type'] === 'array') return schema;
  if (schema['type'] !== 'object') {
    return { anyOf: [schema, { type: 'array', items: schema, minItems: 1 }] };
  }
  const properties = schema['properties'] as Readonly<Record<string, Schema>>;
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(
      Object.entries(properties).map(([key, value]) => [key, sweepable(value)]),
    ),
  };
}

/** Without the marks of the library that made it. */
function plain(schema: TObject): Schema {
  return JSON.parse(JSON.stringify(schema)) as Schema;
}

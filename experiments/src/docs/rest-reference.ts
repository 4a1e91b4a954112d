/** `docs/reference/rest.md`: the HTTP interfaces, from the OpenAPI documents that the processes serve. @module */
import { code, generatedPage, table } from './markdown.js';
import { readJson } from './repository.js';

interface Field {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Field[];
  readonly properties?: Readonly<Record<string, Field>>;
  readonly required?: readonly string[];
}

interface Operation {
  readonly summary?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema?: Field;
  }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: Field }>>;
  };
}

interface OpenApi {
  readonly info: { readonly title: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

function typeOf(field: Field | undefined): string {
  if (field?.enum !== undefined) return field.enum.map((each) => String(each)).join(' / ');
  if (field?.anyOf !== undefined) return field.anyOf.map(typeOf).join(' / ');
  return field?.type === undefined ? '' : [field.type].flat().join(' / ');
}

const named = (name: string, field: Field | undefined, required: boolean): string => {
  const type = typeOf(field);
  return `${code(name)}${required ? '' : '?'}${type === '' || type === 'string' ? '' : ` (${type})`}`;
};

function operationRow(path: string, method: string, operation: Operation): string[] {
  const parameters = operation.parameters ?? [];
  const from = (place: string): string =>
    parameters
      .filter((each) => each.in === place)
      .map((each) => named(each.name, each.schema, each.required === true || place === 'path'))
      .join(', ');
  const body = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
  const fields = Object.entries(body?.properties ?? {})
    .map(([name, field]) => named(name, field, body?.required?.includes(name) === true))
    .join(', ');
  return [
    code(`${method.toUpperCase()} ${path}`),
    operation.summary ?? '',
    [from('query'), from('header')].filter((part) => part !== '').join(', '),
    fields,
  ];
}

function operations(document: OpenApi): string {
  const rows = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => operationRow(path, method, operation)),
  );
  return table(['operation', 'what it does', 'query and headers', 'body'], rows);
}

export function restReference(): string {
  const api = (path: string): OpenApi => readJson(path) as OpenApi;
  return generatedPage('REST', 'the OpenAPI documents of the processes', [
    'A field with `?` may be left out; a field without a type is text. Refusals are `application/problem+json` (RFC 9457) with a stable `code`: see [error codes](error-codes.md).',
    ...['hospital-node', 'orchestrator'].flatMap((room) => {
      const document = api(`${room}/openapi.json`);
      return [
        `## ${document.info.title}`,
        `${document.info.description} The document: [openapi.json](../../${room}/openapi.json), served at \`/api/v1/openapi.json\`.`,
        operations(document),
      ];
    }),
    '## Health',
    'Both processes answer `/livez`, `/readyz`, `/startupz` (200 or 503, with a word for each part) and `/metrics`.',
  ]);
}

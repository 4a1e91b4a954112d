/** `docs/reference/grpc.md`: the wire between a node and the orchestrator, from the proto file and its comments. @module */
import protobuf from 'protobufjs';
import { code, generatedPage, table } from './markdown.js';
import { read } from './repository.js';

const PROTO = 'orchestrator/proto/federation.proto';

/** Comment lines before the first statement: what holds for all of it. */
function preamble(text: string): string {
  const lines = text.split('\n');
  const end = lines.findIndex((line) => !line.startsWith('//'));
  return lines
    .slice(0, end)
    .map((line) => line.replace(/^\/\/ ?/, ''))
    .join('\n');
}

const sentence = (each: { readonly comment: string | null }): string => each.comment ?? '';

function typeOf(field: protobuf.Field): string {
  const { repeated } = field;
  const type =
    field instanceof protobuf.MapField ? `map<${field.keyType}, ${field.type}>` : field.type;
  const oneof = field.partOf;
  return `${repeated ? 'repeated ' : ''}${code(type)}${oneof === null || oneof.isProto3Optional ? '' : ` (one of ${oneof.name})`}`;
}

export function grpcReference(): string {
  const text = read(PROTO);
  const { root, package: packageName } = protobuf.parse(text, {
    keepCase: true,
    alternateCommentMode: true,
  });
  const space = root.lookup(packageName ?? '') as protobuf.Namespace;
  const nested = space.nestedArray;
  const services = nested.filter((each) => each instanceof protobuf.Service);
  const messages = nested.filter((each) => each instanceof protobuf.Type);
  const enums = nested.filter((each) => each instanceof protobuf.Enum);
  return generatedPage('gRPC', `[federation.proto](../../${PROTO}) and its comments`, [
    preamble(text),
    ...services.flatMap((service) => [
      `## ${service.name}`,
      sentence(service),
      table(
        ['call', 'request', 'response', 'what must hold'],
        service.methodsArray.map((method) => [
          code(method.name),
          code(method.requestType),
          `${method.responseStream === true ? 'stream of ' : ''}${code(method.responseType)}`,
          sentence(method),
        ]),
      ),
    ]),
    '## Messages',
    ...messages.flatMap((message) => [
      `### ${message.name}`,
      ...(sentence(message) === '' ? [] : [sentence(message)]),
      message.fieldsArray.length === 0
        ? 'No fields.'
        : table(
            ['field', 'type', 'number', 'meaning'],
            message.fieldsArray.map((field) => [
              code(field.name),
              typeOf(field),
              String(field.id),
              sentence(field),
            ]),
          ),
    ]),
    '## Enumerations',
    ...enums.flatMap((each) => [
      `### ${each.name}`,
      ...(sentence(each) === '' ? [] : [sentence(each)]),
      table(
        ['value', 'number', 'meaning'],
        Object.entries(each.values).map(([name, value]) => [
          code(name),
          String(value),
          each.comments[name] ?? '',
        ]),
      ),
    ]),
  ]);
}

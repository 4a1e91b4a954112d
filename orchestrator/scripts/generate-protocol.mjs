/**
 * Makes src/protocol/generated/federation.ts from proto/federation.proto, without protoc: protobufjs parses the file
 * and gives a descriptor, protoc-gen-ts_proto turns the descriptor into TypeScript.
 * With --check it writes nothing and exits 1 if the committed file differs; a test runs that.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const protobuf = require('protobufjs');
require('protobufjs/ext/descriptor');

const room = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(room, 'src/protocol/generated/federation.ts');
const options =
  'outputServices=grpc-js,esModuleInterop=true,forceLong=bigint,env=node,importSuffix=.js,' +
  'outputJsonMethods=false,outputPartialMethods=false,useExactTypes=false,oneof=unions,enumsAsLiterals=true';

const root = new protobuf.Root();
protobuf.parse(readFileSync(join(room, 'proto/federation.proto'), 'utf8'), root, {
  keepCase: true,
});
root.resolveAll();
const files = root.toDescriptor('proto3').file;
const file = files.find((each) => each.package === 'bhschain.federation.v1');
file.name = 'federation.proto';
qualify(file);

const writer = protobuf.Writer.create();
writer.uint32((1 << 3) | 2).string(file.name);
writer.uint32((2 << 3) | 2).string(options);
writer.uint32((15 << 3) | 2).bytes(file.$type.encode(file).finish());

const plugin = require.resolve('ts-proto/protoc-gen-ts_proto');
const run = spawnSync(process.execPath, [plugin], { input: writer.finish(), maxBuffer: 1 << 26 });
if (run.status !== 0) throw new Error(run.stderr.toString());

let contents = '';
const reader = protobuf.Reader.create(run.stdout);
while (reader.pos < reader.len) {
  const tag = reader.uint32();
  if (tag >>> 3 === 1) throw new Error(reader.string());
  if (tag >>> 3 !== 15) {
    reader.skipType(tag & 7);
    continue;
  }
  const end = reader.uint32() + reader.pos;
  let name = '';
  let text = '';
  while (reader.pos < end) {
    const field = reader.uint32();
    if (field >>> 3 === 1) name = reader.string();
    else if (field >>> 3 === 15) text = reader.string();
    else reader.skipType(field & 7);
  }
  if (name.endsWith('federation.ts')) contents = text;
}
if (contents === '') throw new Error('the generator returned no federation.ts');

/** protobufjs writes the names of types as they stand in the source; a descriptor needs them in full. */
function qualify(descriptor) {
  const full = (name) => (name.startsWith('.') ? name : `.${descriptor.package}.${name}`);
  for (const message of descriptor.messageType) {
    for (const field of message.field) if (field.typeName) field.typeName = full(field.typeName);
  }
  for (const service of descriptor.service) {
    for (const method of service.method) {
      method.inputType = full(method.inputType);
      method.outputType = full(method.outputType);
    }
  }
}

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== contents) {
    process.stderr.write('generated code differs: run `node scripts/generate-protocol.mjs`\n');
    process.exitCode = 1;
  }
} else {
  writeFileSync(target, contents);
}

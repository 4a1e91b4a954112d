// Compiles the kernel and writes it twice: wasm/kernel.wasm, and as base64 in src/kernel/kernel-bytes.ts, so that this
// leaf loads it without I/O and bundlers need no special case.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const room = join(dirname(fileURLToPath(import.meta.url)), '..');
const options = '-O3 --noAssert --enable simd --runtime stub --use abort= --initialMemory 1'.split(
  ' ',
);

export async function compileKernel() {
  const files = new Map();
  const { error, stderr } = await asc.main(
    ['index.ts', ...options, '--baseDir', join(room, 'assembly'), '-o', 'kernel.wasm'],
    {
      writeFile: (name, contents) => void files.set(name, contents),
      readFile: (name, base) => {
        try {
          return readFileSync(join(base, name), 'utf8');
        } catch {
          return null;
        }
      },
    },
  );
  if (error) throw new Error(stderr.toString(), { cause: error });
  return files.get('kernel.wasm');
}

export function kernelModuleSource(wasm) {
  const hash = createHash('sha256').update(wasm).digest('hex');
  const lines = Buffer.from(wasm)
    .toString('base64')
    .match(/.{1,120}/g);
  return [
    '// Made by `npm run build:wasm -w models` from assembly/. Do not edit.',
    '',
    '/** SHA-256 of the kernel, in hex. */',
    `export const kernelHash = '${hash}';`,
    '',
    'export const KERNEL_BASE64: string = [',
    ...lines.map((line) => `  '${line}',`),
    "].join('');",
    '',
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const wasm = await compileKernel();
  mkdirSync(join(room, 'wasm'), { recursive: true });
  writeFileSync(join(room, 'wasm/kernel.wasm'), wasm);
  writeFileSync(join(room, 'src/kernel/kernel-bytes.ts'), kernelModuleSource(wasm));
  console.log(`wasm/kernel.wasm: ${wasm.length} bytes`);
}

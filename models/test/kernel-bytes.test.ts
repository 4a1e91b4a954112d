import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { kernelBytes, kernelHash } from '../src/kernel/index.js';

const room = new URL('../', import.meta.url);
const build = (await import(new URL('assembly/build.mjs', room).href)) as {
  compileKernel(): Promise<Uint8Array>;
  kernelModuleSource(wasm: Uint8Array): string;
};
const committed = readFileSync(new URL('wasm/kernel.wasm', room));

describe('the committed kernel', () => {
  it('is what its source compiles to', async () => {
    expect(Buffer.from(await build.compileKernel()).equals(committed)).toBe(true);
  }, 120_000);

  it('is the same in the generated module', () => {
    expect(Buffer.from(kernelBytes()).equals(committed)).toBe(true);
    expect(kernelHash).toBe(createHash('sha256').update(committed).digest('hex'));
    expect(build.kernelModuleSource(committed)).toBe(
      readFileSync(new URL('src/kernel/kernel-bytes.ts', room), 'utf8'),
    );
  });

  it('imports nothing and uses no relaxed instruction', () => {
    const module = new (globalThis as unknown as WebAssemblyHolder).WebAssembly.Module(committed);
    expect((globalThis as unknown as WebAssemblyHolder).WebAssembly.Module.imports(module)).toEqual(
      [],
    );
    expect(relaxedInstructions(committed)).toEqual([]);
    // The search does find them: i8x16.relaxed_swizzle is 0xfd 0x80 0x02.
    expect(relaxedInstructions(Uint8Array.of(0, 0xfd, 0x80, 0x02))).toEqual([1]);
  });
});

interface WebAssemblyHolder {
  WebAssembly: {
    Module: { new (bytes: Uint8Array): object; imports(module: object): unknown[] };
  };
}

/** Offsets of 0xfd with an opcode of 0x100 … 0x113 (LEB128), which nothing else in the module looks like. */
function relaxedInstructions(bytes: Uint8Array): number[] {
  const found: number[] = [];
  for (let i = 0; i + 2 < bytes.length; i++) {
    const low = bytes[i + 1]!;
    if (bytes[i] === 0xfd && low >= 0x80 && low <= 0x93 && bytes[i + 2] === 0x02) found.push(i);
  }
  return found;
}

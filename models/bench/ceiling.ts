/** What one core can do at best with 128-bit multiplications and additions in WebAssembly registers. */

const CHAINS = 12;
const lanes = Array.from({ length: CHAINS }, (_, i) => i);
const SOURCE = `
export function spin(n: i32): f32 {
  const m = f32x4.splat(0.5), x = f32x4.splat(1);
  ${lanes.map((i) => `let a${i} = f32x4.splat(${i}.25);`).join(' ')}
  for (let i = 0; i < n; i++) {
    ${lanes.map((i) => `a${i} = f32x4.add(f32x4.mul(a${i}, m), x);`).join('\n    ')}
  }
  return f32x4.extract_lane(${lanes.slice(1).reduce((sum, i) => `f32x4.add(${sum}, a${i})`, 'a0')}, 0);
}`;

/** The compiler's own types would redefine `Array` for every file that is checked together with this one. */
interface Compiler {
  readonly main: (
    args: string[],
    io: {
      readFile: (name: string) => string | null;
      writeFile: (name: string, contents: Uint8Array) => void;
    },
  ) => Promise<{ error: Error | null }>;
}

interface Spinner {
  spin(n: number): number;
}

export interface Ceiling {
  /** Operations of one run. */
  readonly flop: number;
  readonly run: () => void;
}

/** A loop of nothing but multiplications and additions, warm: what is compared with runs in the same race. */
export async function createCeiling(): Promise<Ceiling> {
  const files = new Map<string, Uint8Array>();
  const compilerName = 'assemblyscript/asc';
  const { main } = (await import(compilerName)) as Compiler;
  const { error } = await main(
    ['spin.ts', '-O3', '--noAssert', '--enable', 'simd', '--runtime', 'stub', '-o', 'spin.wasm'],
    {
      readFile: (name) => (name === 'spin.ts' ? SOURCE : null),
      writeFile: (name, contents) => void files.set(name, contents),
    },
  );
  if (error) throw error;
  const { WebAssembly } = globalThis as unknown as {
    WebAssembly: {
      Module: new (bytes: Uint8Array) => object;
      Instance: new (module: object) => { exports: Spinner };
    };
  };
  const module = new WebAssembly.Module(files.get('spin.wasm')!);
  const { exports } = new WebAssembly.Instance(module);
  // Short calls at first, until the engine has optimised the loop.
  const warm = performance.now() + 500;
  while (performance.now() < warm) exports.spin(10_000);
  const steps = 500_000;
  return { flop: steps * CHAINS * 8, run: () => void exports.spin(steps) };
}

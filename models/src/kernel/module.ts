/**
 * Compiles the committed bytes once per process. `WebAssembly` is typed here, because neither Node's types nor this
 * room's `lib` name it, and a leaf should not see the DOM.
 * @module
 */
import { KERNEL_BASE64 } from './kernel-bytes.js';

/** What the module exports; addresses are byte offsets in `memory`. */
export interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  plan(steps: number, features: number, hidden: number, latent: number): number;
  setGroups(count: number): void;
  packParameters(): void;
  packWhitening(width: number): void;
  parametersAt(): number;
  windowsAt(): number;
  lengthsAt(): number;
  masksAt(): number;
  residualsAt(): number;
  lossesAt(): number;
  summariesAt(): number;
  distancesAt(): number;
  gradientAt(): number;
  sumsAt(): number;
  groupsAt(): number;
  whiteningIndexesAt(): number;
  whiteningMeanAt(): number;
  whiteningFactorAt(): number;
  reconstruct(count: number): void;
  measureLosses(count: number): void;
  measureSummaries(count: number, raw: number): void;
  measureDistances(count: number, raw: number, width: number): void;
  addGradient(count: number, first: number): void;
  endGradient(scale: number): void;
  differentiate(count: number, byGram: number): void;
  formWindow(lane: number, byGram: number): number;
  beginSum(): void;
  addRounded(factor: number, towardsZero: number): number;
  takeRounded(factor: number, towardsZero: number): void;
  flush(): void;
  activate(which: number, count: number): void;
}

interface WebAssemblyDoor {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyDoor };

let compiled: object | undefined;

/** A fresh instance with memory of its own. */
export function instantiateKernel(): KernelExports {
  compiled ??= new WebAssembly.Module(kernelBytes());
  return new WebAssembly.Instance(compiled, {}).exports as KernelExports;
}

/** The bytes of `wasm/kernel.wasm`. */
export function kernelBytes(): Uint8Array {
  return Uint8Array.from(atob(KERNEL_BASE64), (character) => character.charCodeAt(0));
}

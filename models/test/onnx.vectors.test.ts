/**
 * Numbers of ONNX Runtime for exported networks, made by `golden/onnx-runtime.mjs`; the hash says that the model which it
 * ran is the one that is exported today.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Architecture } from '../src/architecture/index.js';
import { InteropError } from '../src/errors.js';
import type { NetworkParameters } from '../src/interop/networks.js';
import { toOnnx } from '../src/interop/onnx.js';
import { createKernel } from '../src/kernel/index.js';
import { relativeError } from './reference.js';

interface Case {
  readonly name: string;
  readonly architecture: Architecture;
  readonly parameters: readonly number[];
  readonly windows: readonly number[];
  readonly lengths: readonly number[];
  readonly reconstruction: readonly number[];
}
interface Vectors {
  readonly source: string;
  readonly modelSha256: string;
  readonly cases: readonly Case[];
}
const { modelSha256, cases } = JSON.parse(
  readFileSync(new URL('onnx.vectors.json', import.meta.url), 'utf8'),
) as Vectors;
const networkOf = ({ architecture, parameters }: Case): NetworkParameters => ({
  architecture,
  parameters: Float32Array.from(parameters),
});

it('the exported model of three networks is the one that ONNX Runtime ran', () => {
  const model = toOnnx(Object.fromEntries(cases.map((given) => [given.name, networkOf(given)])));
  expect(createHash('sha256').update(model).digest('hex')).toBe(modelSha256);
});

it.each(cases)('the kernel reconstructs the $name of ONNX Runtime, padded windows too', (given) => {
  const { architecture, lengths, reconstruction } = given;
  const kernel = createKernel(architecture);
  kernel.setParameters(networkOf(given).parameters);
  const windows = Float32Array.from(given.windows);
  const residuals = kernel.reconstruct({ windows, lengths: Uint8Array.from(lengths) });
  const { steps, features } = architecture;
  const inside = [...windows.keys()].filter(
    (cell) => Math.floor(cell / features) % steps < lengths[Math.floor(cell / features / steps)]!,
  );
  expect(inside).toHaveLength(2 * steps * features);
  const ours = inside.map((cell) => windows[cell]! - residuals[cell]!);
  const theirs = inside.map((cell) => reconstruction[cell]!);
  expect(relativeError(ours, theirs)).toBeLessThan(2e-6);
});

it('refuses parameters of another network', () => {
  const { architecture, parameters } = networkOf(cases[0]!);
  expect(() => toOnnx({ architecture, parameters: parameters.subarray(1) })).toThrow(InteropError);
});

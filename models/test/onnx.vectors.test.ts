/**
 * Numbers of ONNX Runtime for the exported network, made by `golden/onnx-runtime.mjs`; the hash says that the model which it
 * ran is the one that is exported today.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Architecture } from '../src/architecture/index.js';
import { InteropError } from '../src/errors.js';
import { toOnnx } from '../src/interop/onnx.js';
import { createKernel } from '../src/kernel/index.js';
import { relativeError } from './reference.js';

interface Vectors {
  readonly source: string;
  readonly architecture: Architecture;
  readonly parameters: readonly number[];
  readonly windows: readonly number[];
  readonly lengths: readonly number[];
  readonly modelSha256: string;
  readonly reconstruction: readonly number[];
}
const vectors = JSON.parse(
  readFileSync(new URL('onnx.vectors.json', import.meta.url), 'utf8'),
) as Vectors;
const { architecture } = vectors;
const parameters = Float32Array.from(vectors.parameters);

it('the exported model is the one that ONNX Runtime ran', () => {
  const model = toOnnx({ architecture, parameters });
  expect(createHash('sha256').update(model).digest('hex')).toBe(vectors.modelSha256);
});

it('the kernel reconstructs what ONNX Runtime reconstructs, padded windows too', () => {
  const kernel = createKernel(architecture);
  kernel.setParameters(parameters);
  const windows = Float32Array.from(vectors.windows);
  const residuals = kernel.reconstruct({ windows, lengths: Uint8Array.from(vectors.lengths) });
  const { steps, features } = architecture;
  const inside = [...windows.keys()].filter(
    (cell) =>
      Math.floor(cell / features) % steps < vectors.lengths[Math.floor(cell / features / steps)]!,
  );
  expect(inside).toHaveLength(10 * features);
  const ours = inside.map((cell) => windows[cell]! - residuals[cell]!);
  const theirs = inside.map((cell) => vectors.reconstruction[cell]!);
  expect(relativeError(ours, theirs)).toBeLessThan(2e-6);
});

it('refuses parameters of another network', () => {
  expect(() => toOnnx({ architecture, parameters: parameters.subarray(1) })).toThrow(InteropError);
});

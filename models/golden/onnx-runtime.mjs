// What ONNX Runtime makes of the exported network: writes test/onnx.vectors.json.
//   npm i --no-save --ignore-scripts onnxruntime-web && node golden/onnx-runtime.mjs
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web';
import { layoutOf } from '../dist/index.js';
import { toOnnx } from '../dist/interop/onnx.js';

const architecture = { steps: 5, features: 7, hidden: 6, latent: 3 };
let state = 41;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
// Multiples of 1/256 and no -0, so that JSON holds them exactly.
const draw = (length, size) =>
  Array.from({ length }, () => (Math.round((2 * random() - 1) * 256) * size) / 256 + 0);
const parameters = draw(layoutOf(architecture).parameterCount, 1);
const windows = draw(3 * 5 * 7, 2);
const lengths = [5, 1, 4];

const model = toOnnx({ architecture, parameters: Float32Array.from(parameters) });
const session = await ort.InferenceSession.create(model);
const { reconstruction } = await session.run({
  windows: new ort.Tensor('float32', Float32Array.from(windows), [3, 5, 7]),
  lengths: new ort.Tensor('int32', Int32Array.from(lengths), [3]),
});
const vectors = {
  source: `onnxruntime-web ${ort.env.versions.web}`,
  architecture,
  parameters,
  windows,
  lengths,
  modelSha256: createHash('sha256').update(model).digest('hex'),
  reconstruction: Array.from(reconstruction.data),
};
writeFileSync(
  new URL('../test/onnx.vectors.json', import.meta.url),
  `${JSON.stringify(vectors)}\n`,
);

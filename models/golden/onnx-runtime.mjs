// What ONNX Runtime makes of the exported network: writes test/onnx.vectors.json.
//   node golden/onnx-runtime.mjs FOLDER      FOLDER/node_modules has onnxruntime-web (npm i --ignore-scripts onnxruntime-web)
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { layoutOf } from '../dist/index.js';
import { toOnnx } from '../dist/interop/onnx.js';

const folder = process.argv[2] ?? '.';
const ort = createRequire(`${resolve(folder)}/`)('onnxruntime-web');

const networks = {
  numbers: { steps: 5, features: 7, hidden: 6, latent: 3 },
  mixed: { steps: 4, features: 9, hidden: 5, latent: 2, groups: [{ first: 3, size: 4 }] },
  categories: {
    steps: 3,
    features: 5,
    hidden: 4,
    latent: 2,
    groups: [
      { first: 0, size: 2 },
      { first: 2, size: 3 },
    ],
  },
};
let state = 41;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
// Multiples of 1/256 and no -0, so that JSON holds them exactly.
const draw = (length, size) =>
  Array.from({ length }, () => (Math.round((2 * random() - 1) * 256) * size) / 256 + 0);

const cases = Object.entries(networks).map(([name, a]) => {
  const windows = draw(3 * a.steps * a.features, 2);
  for (const { first, size } of a.groups ?? []) {
    for (let row = 0; row < windows.length; row += a.features) {
      windows.fill(0, row + first, row + first + size);
      windows[row + first + Math.floor(random() * size)] = 1;
    }
  }
  const parameters = draw(layoutOf(a).parameterCount, 1);
  return { name, architecture: a, parameters, windows, lengths: [a.steps, 1, a.steps - 1] };
});

const parametersOf = ({ architecture, parameters }) => ({
  architecture,
  parameters: Float32Array.from(parameters),
});
const model = toOnnx(Object.fromEntries(cases.map((given) => [given.name, parametersOf(given)])));
const session = await ort.InferenceSession.create(model);
const feeds = {};
for (const { name, architecture: a, windows, lengths } of cases) {
  feeds[`${name}/windows`] = new ort.Tensor('float32', Float32Array.from(windows), [
    3,
    a.steps,
    a.features,
  ]);
  feeds[`${name}/lengths`] = new ort.Tensor('int32', Int32Array.from(lengths), [3]);
}
const outputs = await session.run(feeds);
const vectors = {
  source: `onnxruntime-web ${ort.env.versions.web}`,
  modelSha256: createHash('sha256').update(model).digest('hex'),
  cases: cases.map((given) => ({
    ...given,
    reconstruction: Array.from(outputs[`${given.name}/reconstruction`].data),
  })),
};
writeFileSync(
  new URL('../test/onnx.vectors.json', import.meta.url),
  `${JSON.stringify(vectors)}\n`,
);

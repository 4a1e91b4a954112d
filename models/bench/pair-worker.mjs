// Answers each number n with the private sum of n windows of the big shape.
import { parentPort } from 'node:worker_threads';
import { createKernel, layoutOf } from '../dist/index.js';

const a = { steps: 20, features: 32, hidden: 64, latent: 64 };
const { parameterCount } = layoutOf(a);
const kernel = createKernel(a);
kernel.setParameters(new Float32Array(parameterCount).fill(0.01));
const out = new Float64Array(parameterCount);

parentPort.on('message', (count) => {
  kernel.clippedSum({
    windows: new Float32Array(count * a.steps * a.features).fill(0.5),
    lengths: new Uint8Array(count).fill(a.steps),
    select: new Uint8Array(count).fill(1),
    clippingNorm: 0.3,
    gridScale: 37279 / 0.3,
    sensitivityUnits: 37279,
    out,
  });
  parentPort.postMessage(count);
});

// Prints the golden vectors of this process, and the best time of a plain step at the big shape.
import * as models from '../dist/index.js';
import { goldenVectors } from '../golden/vectors.mjs';

const a = { steps: 20, features: 32, hidden: 64, latent: 64 };
const kernel = models.createKernel(a);
kernel.setParameters(new Float32Array(models.layoutOf(a).parameterCount).fill(0.01));
const batch = {
  windows: new Float32Array(256 * a.steps * a.features).fill(0.5),
  lengths: new Uint8Array(256).fill(a.steps),
};
let ms = Infinity;
for (let i = 0; i < 25; i++) {
  const start = performance.now();
  kernel.gradient(batch);
  ms = Math.min(ms, performance.now() - start);
}
console.log(JSON.stringify({ vectors: JSON.stringify(await goldenVectors(models)), ms }));

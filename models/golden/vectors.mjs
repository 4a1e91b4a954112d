/**
 * What the kernel makes of seeded inputs, as SHA-256 of the bits. Runs anywhere that has WebAssembly and WebCrypto, and uses
 * no function of Math whose result an engine may choose.
 */

const SHAPES = [
  { steps: 16, features: 24, hidden: 12, latent: 4 },
  { steps: 7, features: 5, hidden: 9, latent: 3 },
  { steps: 64, features: 33, hidden: 24, latent: 8 },
  { steps: 3, features: 12, hidden: 10, latent: 2, groups: [{ first: 4, size: 5 }] },
];

/** @param {typeof import('../src/index.js')} models */
export async function goldenVectors(models) {
  const vectors = {};
  for (const a of SHAPES) {
    const name = `${a.steps}x${a.features}-${a.hidden}-${a.latent}`;
    for (const [what, bits] of Object.entries(outputs(models, a))) {
      vectors[`${name}/${what}`] = await digest(bits);
    }
  }
  return vectors;
}

/** Scores of the public canaries under detector 0, through every step from integers to millionths. */
export async function canaryVector(models) {
  const { DETECTOR_ZERO, PUBLIC_CANARIES } = models;
  const report = models.canaryReport(DETECTOR_ZERO.detector, DETECTOR_ZERO.table, PUBLIC_CANARIES);
  return digest(report.scoreBytes);
}

function outputs(models, a) {
  const random = seeded(a.steps);
  const { parameterCount } = models.layoutOf(a);
  const kernel = models.createKernel(a);
  kernel.setParameters(Float32Array.from({ length: parameterCount }, () => random() - 0.5));
  const count = 29;
  const batch = {
    windows: Float32Array.from({ length: count * a.steps * a.features }, () => 12 * random() - 6),
    lengths: Uint8Array.from({ length: count }, () => 1 + Math.floor(random() * a.steps)),
    columnMask: Uint32Array.from({ length: count }, (_, i) => (i % 4 === 0 ? 0b1010 : 0)),
  };
  const width = 3 * (a.features - 2);
  const whitening = {
    columnMask: 0b11,
    mean: Float32Array.from({ length: width }, random),
    whitening: Float32Array.from({ length: (width * (width + 1)) / 2 }, () => random() - 0.5),
  };
  const clipped = (more) => {
    const out = new Float64Array(parameterCount);
    const select = new Uint8Array(count).fill(1);
    const clip = { clippingNorm: 0.25, gridScale: 37279 / 0.25, sensitivityUnits: 37279 };
    kernel.clippedSum({ ...batch, ...clip, ...more, select, out });
    return out;
  };
  const { gradient, loss } = kernel.gradient(batch);
  return {
    residuals: kernel.reconstruct(batch),
    losses: kernel.losses(batch),
    summaries: kernel.summary(batch),
    distances: kernel.squaredDistances(batch, whitening),
    gradient,
    loss: Float64Array.of(loss),
    sums: clipped({}),
    gramSums: clipped({ norms: 'gram' }),
    automaticSums: clipped({ automaticStability: 0.01 }),
  };
}

function seeded(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

async function digest(values) {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const hash = await crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

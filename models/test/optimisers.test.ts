import { describe, expect, it } from 'vitest';
import { createAdam, createMomentum } from '../src/training/index.js';
import { relativeError, seeded } from './reference.js';

const COUNT = 50;
const STEPS = 300;

/** Gradients of very different sizes, with noise of a known variance. */
function gradients(seed: number, noise: number): Float32Array[] {
  const random = seeded(seed);
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: STEPS }, (_, t) =>
    Float32Array.from(
      { length: COUNT },
      (__, i) => 10 ** (i / 10 - 3) * Math.sin(t / 7 + i) + noise * normal(),
    ),
  );
}

const start = (): Float32Array =>
  Float32Array.from({ length: COUNT }, (_, i) => Math.fround(Math.cos(i)));

describe('over 300 steps, against the formulas in float64', () => {
  it('momentum moves the same', () => {
    const parameters = start();
    const optimiser = createMomentum(COUNT, 0.9);
    const theta = Float64Array.from(parameters);
    const v = new Float64Array(COUNT);
    for (const g of gradients(1, 0)) {
      optimiser.step(parameters, g, 1e-3);
      g.forEach((x, i) => (theta[i]! -= 1e-3 * (v[i] = 0.9 * v[i]! + x)));
    }
    expect(relativeError(parameters, theta)).toBeLessThan(1e-5);
  });

  it.each([0, 0.05 ** 2, 2])('Adam with a noise variance of %d moves the same', (variance) => {
    const parameters = start();
    const adam = createAdam(COUNT, { noiseVariance: variance });
    const theta = Float64Array.from(parameters);
    const [m, v] = [new Float64Array(COUNT), new Float64Array(COUNT)];
    gradients(2, Math.sqrt(variance)).forEach((g, step) => {
      adam.step(parameters, g, 1e-2);
      g.forEach((x, i) => {
        m[i] = 0.9 * m[i]! + 0.1 * x;
        v[i] = 0.999 * v[i]! + 0.001 * x * x;
        const moment = v[i] / (1 - 0.999 ** (step + 1));
        const held = variance > 0 ? Math.max(moment - variance, variance) : moment;
        theta[i]! -= (1e-2 * (m[i] / (1 - 0.9 ** (step + 1)))) / (Math.sqrt(held) + 1e-8);
      });
    });
    expect(relativeError(parameters, theta)).toBeLessThan(1e-4);
    expect(relativeError(start(), theta)).toBeGreaterThan(0.1);
  });
});

it('Adam with the noise variance taken out steps as it would on clean gradients', () => {
  // A constant gradient of 1, noise of half its size: uncorrected, the second moment is 1.25.
  const random = seeded(3);
  const normal = (): number =>
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const moved = (noiseVariance: number): number => {
    const parameters = new Float32Array(400);
    const adam = createAdam(400, { noiseVariance });
    for (let t = 0; t < 400; t++) {
      adam.step(
        parameters,
        parameters.map(() => 1 + 0.5 * normal()),
        1e-3,
      );
    }
    return -parameters.reduce((sum, x) => sum + x, 0) / 400 / 0.4;
  };
  expect(moved(0.25)).toBeCloseTo(1, 1);
  expect(moved(0)).toBeCloseTo(1 / Math.sqrt(1.25), 1);
  expect(Math.abs(moved(0.25) - 1)).toBeLessThan(0.03);
  expect(Math.abs(moved(0) - 1)).toBeGreaterThan(0.08);
});

import { describe, expect, it } from 'vitest';
import { DEFAULT_ARCHITECTURE, initialParameters } from '../src/architecture/index.js';
import { fitNormaliser, standardise } from '../src/detector/index.js';
import { createKernel } from '../src/kernel/index.js';
import { createAdam, createMomentum, pick, preTrain } from '../src/training/index.js';
import { makeWindows } from './fixture.js';
import { seeded } from './reference.js';

describe('momentum', () => {
  it('accumulates v ← μ v + g and steps by η v', () => {
    const parameters = Float32Array.of(1, 2);
    const optimiser = createMomentum(2, 0.5);
    optimiser.step(parameters, Float32Array.of(1, -2), 0.25);
    expect(parameters).toEqual(Float32Array.of(0.75, 2.5));
    optimiser.step(parameters, Float32Array.of(1, 0), 0.25);
    expect(optimiser.velocity).toEqual(Float32Array.of(1.5, -1));
    expect(parameters).toEqual(Float32Array.of(0.375, 2.75));
  });
});

describe('Adam', () => {
  it('moves by the learning rate at first, whatever the size of the gradient', () => {
    const parameters = Float32Array.of(0, 0, 0);
    createAdam(3).step(parameters, Float32Array.of(1e-3, -10, 0), 0.1);
    expect(parameters[0]).toBeCloseTo(-0.1, 5);
    expect(parameters[1]).toBeCloseTo(0.1, 5);
    expect(parameters[2]).toBe(0);
  });

  it('follows Algorithm 1 of the paper', () => {
    const parameters = Float32Array.of(1);
    const adam = createAdam(1, { beta1: 0.8, beta2: 0.9 });
    let [m, v, expected] = [0, 0, 1];
    for (let t = 1; t <= 20; t++) {
      const g = Math.fround(Math.sin(t));
      m = 0.8 * m + 0.2 * g;
      v = 0.9 * v + 0.1 * g * g;
      expected -= (0.01 * (m / (1 - 0.8 ** t))) / (Math.sqrt(v / (1 - 0.9 ** t)) + 1e-8);
      adam.step(parameters, Float32Array.of(g), 0.01);
    }
    expect(parameters[0]).toBeCloseTo(expected, 5);
  });

  it('with known noise subtracts its variance and holds the rest at or above it', () => {
    const plain = Float32Array.of(0);
    const corrected = Float32Array.of(0);
    createAdam(1).step(plain, Float32Array.of(2), 0.1);
    createAdam(1, { noiseVariance: 3 }).step(corrected, Float32Array.of(2), 0.1);
    // Second moment 4 − 3 = 1 lies below the floor of 3.
    expect(corrected[0]).toBeCloseTo(-0.2 / Math.sqrt(3), 5);
    expect(plain[0]).toBeCloseTo(-0.1, 5);
  });
});

describe('pre-training', () => {
  const windows = makeWindows(400, 31);
  const columns = Array.from({ length: DEFAULT_ARCHITECTURE.features }, (_, column) => column);
  const batch = standardise(windows, fitNormaliser(windows), columns);
  const mean = (losses: Float32Array): number =>
    losses.reduce((sum, x) => sum + x, 0) / losses.length;
  const train = (seed: number): { before: number; after: number; parameters: Float32Array } => {
    const kernel = createKernel(DEFAULT_ARCHITECTURE);
    const parameters = initialParameters(DEFAULT_ARCHITECTURE, seeded(seed));
    kernel.setParameters(parameters);
    const before = mean(kernel.losses(batch));
    preTrain({
      kernel,
      parameters,
      batch,
      steps: 150,
      windowsPerStep: 64,
      learningRate: 0.01,
      random: seeded(seed),
    });
    return { before, after: mean(kernel.losses(batch)), parameters };
  };

  it('lowers the loss, and is the same from the same seed', () => {
    const first = train(1);
    expect(first.after).toBeLessThan(0.85 * first.before);
    expect(train(1).parameters).toEqual(first.parameters);
    expect(train(2).parameters).not.toEqual(first.parameters);
  });

  it('picks windows with their lengths and masks', () => {
    const columnMask = Uint32Array.from({ length: 400 }, (_, i) => i);
    const chosen = pick({ ...batch, columnMask }, Uint32Array.of(7, 7, 0));
    expect(chosen.columnMask).toEqual(Uint32Array.of(7, 7, 0));
    expect(chosen.lengths).toEqual(
      Uint8Array.of(batch.lengths[7]!, batch.lengths[7]!, batch.lengths[0]!),
    );
    const cells = 16 * 24;
    expect(chosen.windows.subarray(cells, 2 * cells)).toEqual(
      batch.windows.subarray(7 * cells, 8 * cells),
    );
  });
});

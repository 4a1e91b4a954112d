import type { RoundTrainer, Trained, TrainRequest } from '@bhschain/hospital-node';
import { describe, expect, it } from 'vitest';
import { halvingFirst } from '../src/demo/strange-update.js';

const honest: Trained = {
  update: Int32Array.of(7, -7, 0, 2 ** 31 - 1, -(2 ** 31)),
  scoreHistogram: null,
  data: { commitment: 'c', salt: 's' },
  facts: {
    ...{ windows: 1, excludedPending: 0, excludedConfirmed: 0, contributing: 1 },
    ...{ clipped: 0, nonFinite: 0, updateNorm: 1 },
  },
};
const trainer: RoundTrainer = {
  prepare: () => Promise.resolve(),
  train: () => Promise.resolve(honest),
};
const request = {} as TrainRequest;

describe('the simulated defect', () => {
  it('halves the update of a hospital that has not released one, and nothing else', async () => {
    const trained = await halvingFirst(trainer, () => false).train(request);
    expect([...trained.update]).toEqual([3, -3, 0, 2 ** 30 - 1, -(2 ** 30)]);
    expect({ ...trained, update: honest.update }).toEqual(honest);
  });

  it('is over with the first release, also after a restart', async () => {
    expect(await halvingFirst(trainer, () => true).train(request)).toBe(honest);
  });

  it('leaves the trainer’s own failure as it is', async () => {
    const failing = { ...trainer, train: () => Promise.reject(new Error('worker')) };
    await expect(halvingFirst(failing, () => false).train(request)).rejects.toThrow('worker');
  });
});

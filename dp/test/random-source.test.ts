import { randomFillSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RandomnessError } from '../src/errors.js';
import { createExperimentRandom, createSecureRandom } from '../src/random-source.js';

describe('secure random source', () => {
  it('passes on what the platform drew, each word once', () => {
    let counter = 0;
    const random = createSecureRandom((bytes) => {
      const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
      for (let i = 0; i < words.length; i++) words[i] = counter++;
    });
    let due = 0;
    for (const size of [1, 3, 65_536, 10, 200_000]) {
      const words = new Uint32Array(size);
      random.fill(words);
      expect(words.every((word) => word === due++)).toBe(true);
    }
  });

  it('refuses a source that was not wired or is stuck', () => {
    const silent = createSecureRandom(() => undefined);
    expect(() => silent.fill(new Uint32Array(1))).toThrow(RandomnessError);
    const stuck = createSecureRandom((bytes) => bytes.fill(7));
    expect(() => stuck.fill(new Uint32Array(1))).toThrow(RandomnessError);
  });

  it('works with node:crypto', () => {
    const random = createSecureRandom((bytes) => randomFillSync(bytes));
    const words = new Uint32Array(1000);
    random.fill(words);
    expect(new Set(words).size).toBeGreaterThan(990);
  });

  it('draws nothing for an empty request', () => {
    createSecureRandom(() => {
      throw new Error('drawn');
    }).fill(new Uint32Array(0));
  });
});

describe('experiment random source', () => {
  it('gives the same words for a seed, however they are asked for', () => {
    const [a, b] = [createExperimentRandom('42/noise'), createExperimentRandom('42/noise')];
    const whole = new Uint32Array(100);
    a.fill(whole);
    const parts = [...Array(10).keys()].flatMap(() => {
      const part = new Uint32Array(10);
      b.fill(part);
      return [...part];
    });
    expect(parts).toEqual([...whole]);
  });

  it('keeps to its known answer, so that results can be repeated in ten years', () => {
    const words = new Uint32Array(4);
    createExperimentRandom('seed').fill(words);
    expect([...words]).toMatchInlineSnapshot(`
      [
        1054876688,
        2468440049,
        321033971,
        374760571,
      ]
    `);
  });

  it('gives other words for another seed', () => {
    const [a, b] = [new Uint32Array(8), new Uint32Array(8)];
    createExperimentRandom('a').fill(a);
    createExperimentRandom('b').fill(b);
    expect([...a]).not.toEqual([...b]);
  });
});

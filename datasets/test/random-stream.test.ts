import { describe, expect, it } from 'vitest';
import { randomStream } from '../src/index.js';

describe('random stream', () => {
  it('repeats itself by seed and name, and differs by either', () => {
    const draw = (seed: number, name: string): number[] => {
      const random = randomStream(seed, name);
      return Array.from({ length: 5 }, () => random.uniform());
    };
    expect(draw(1, 'a')).toEqual(draw(1, 'a'));
    expect(draw(1, 'a')).not.toEqual(draw(1, 'b'));
    expect(draw(1, 'a')).not.toEqual(draw(2, 'a'));
  });

  it('has the moments that it promises', () => {
    const random = randomStream(1, 'moments');
    const n = 40_000;
    const mean = (of: () => number): number => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += of();
      return sum / n;
    };
    expect(mean(() => random.normal())).toBeCloseTo(0, 1);
    expect(mean(() => random.normal() ** 2)).toBeCloseTo(1, 1);
    expect(mean(() => Math.log(random.logNormal(7, 0.5)))).toBeCloseTo(Math.log(7), 1);
    expect(mean(() => random.poisson(3.5))).toBeCloseTo(3.5, 1);
    expect(mean(() => random.weighted([1, 3]))).toBeCloseTo(0.75, 1);
    expect(mean(() => (random.chance(0.1) ? 1 : 0))).toBeCloseTo(0.1, 1);
  });

  it('shuffles without losing anything and leaves the list alone', () => {
    const list = Array.from({ length: 50 }, (_, i) => i);
    const shuffled = randomStream(1, 'shuffle').shuffled(list);
    expect(shuffled).not.toEqual(list);
    expect([...shuffled].sort((a, b) => a - b)).toEqual(list);
    expect(list[0]).toBe(0);
  });

  it('writes hex of the asked length', () => {
    expect(randomStream(1, 'hex').hex(14)).toMatch(/^[0-9a-f]{14}$/);
  });
});

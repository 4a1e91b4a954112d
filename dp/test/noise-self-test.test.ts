import { randomFillSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { RandomnessError } from '../src/errors.js';
import { noiseSelfTest } from '../src/noise-self-test.js';
import { createSecureRandom } from '../src/random-source.js';

describe('noise self-test', () => {
  it('passes with the CSPRNG of the platform', () => {
    noiseSelfTest(createSecureRandom((bytes) => randomFillSync(bytes)));
  });

  it.each<[string, (word: number) => number]>([
    ['a stuck top bit', (word) => word & 0x7fffffff],
    ['a stuck low bit, which is the sign', (word) => (word & ~1) >>> 0],
    ['words that come in half size', (word) => word >>> 1],
  ])('blocks training on %s', (_, fault) => {
    const random = createSecureRandom((bytes) => {
      randomFillSync(bytes);
      const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
      for (let i = 0; i < words.length; i++) words[i] = fault(words[i]!);
    });
    expect(() => noiseSelfTest(random)).toThrow(RandomnessError);
  });
});

import { createExperimentRandom, createSecureRandom, type SecureRandom } from '@bhschain/dp';

/** A source that production code takes, repeatable for a test. */
export function seededWords(seed: string): SecureRandom {
  const random = createExperimentRandom(seed);
  return createSecureRandom((bytes) => {
    const words = new Uint32Array(bytes.length / 4);
    random.fill(words);
    bytes.set(new Uint8Array(words.buffer));
  });
}

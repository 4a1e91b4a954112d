/**
 * One root seed, a stream for each consumer: a new consumer moves no other one.
 * @module
 */
import { randomStream, type RandomStream } from '@bhschain/datasets';
import { sha256 } from './canonical.js';

/** What draws at random in a study; the list is printed in every manifest. */
export const SEED_PURPOSES = [
  'world',
  'public-world',
  'case-sample',
  'initial-parameters',
  'window-sampling',
  'noise',
  'partition',
  'contamination',
  'random-score',
  'bootstrap',
  'user-switch',
  'step-order',
] as const;
export type SeedPurpose = (typeof SEED_PURPOSES)[number];

export function seedStream(
  root: number,
  purpose: SeedPurpose,
  ...name: (string | number)[]
): RandomStream {
  return randomStream(`experiment/${root}`, purpose, ...name);
}

/** A 48-bit integer for what wants one number, drawn as a stream would be. */
export function seedNumber(
  root: number,
  purpose: SeedPurpose,
  ...name: (string | number)[]
): number {
  return Number.parseInt(sha256(['experiment', root, purpose, ...name].join('/')).slice(0, 12), 16);
}

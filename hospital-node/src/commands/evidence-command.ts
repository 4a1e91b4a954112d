/**
 * `bhs-node evidence verify FILE`: for whoever got the file; needs neither network nor configuration.
 * @module
 */
import { readText } from '../parts/surroundings.js';
import { verifyBundle } from '../proof/verify-bundle.js';
import type { CommandOutcome } from './outcome.js';

const WORDS = { pass: 'PASS', fail: 'FAIL', skip: 'SKIP' } as const;

/** @throws {HospitalNodeError} `ERR_FILE` if the file cannot be read */
export async function verifyEvidence(file: string): Promise<CommandOutcome> {
  const checks = await verifyBundle(readText(file));
  const failed = checks.some(({ outcome }) => outcome === 'fail');
  const skipped = checks.some(({ outcome }) => outcome === 'skip');
  return {
    exitCode: failed ? 2 : skipped ? 1 : 0,
    facts: { file, checks },
    sentences: [
      ...checks.map(
        ({ name, outcome, found }) => `${WORDS[outcome]}  ${name.padEnd(10)}  ${found}`,
      ),
      failed
        ? 'This file does not prove what it says.'
        : 'Whose certificates these are is not in the file: compare the node’s and the organisations’ roots with ones you trust.',
    ],
  };
}

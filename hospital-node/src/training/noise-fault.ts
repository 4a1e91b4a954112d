/**
 * Whether this build's noise, from this machine's randomness, is the noise that was accounted for. Looked at once, when
 * the node starts: a node without it reviews and attests, and trains nothing.
 * @module
 */
import { DpError, noiseSelfTest, type SecureRandom } from '@bhschain/dp';
import { codeOf, HospitalNodeError } from '../errors.js';

/** Why this node may not train, or null. Takes about half a second at most. */
export function noiseFault(random: SecureRandom): HospitalNodeError | null {
  try {
    noiseSelfTest(random);
    return null;
  } catch (error) {
    if (!(error instanceof DpError)) throw error;
    return new HospitalNodeError(codeOf(error), `does not train: ${error.message}`, {}, error);
  }
}

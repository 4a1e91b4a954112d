/**
 * Which version number a detector gets.
 * @module
 */
import type { Publication } from '../store/store.js';

/**
 * One more than the last number that is gone. The channel wants its versions without a gap, so what it refused to take, and
 * what is given up before it is proposed, leaves its number to the next.
 * @param earlier - publications before this one; 0 is detector 0's own number, whatever became of it
 * @param isSound - whether a publication that waits will be proposed at all
 */
export function nextVersion(
  earlier: readonly Publication[],
  isSound: (publication: Publication) => boolean,
): number {
  const gone = earlier.filter((each) => {
    if (each.proposedAtMs !== null) return true;
    if (each.state === 'built') return isSound(each);
    // The channel has the number, under bytes that are not ours.
    return each.reason === 'ERR_DETECTOR_DIGEST';
  });
  return Math.max(0, ...gone.map((each) => each.version ?? 0)) + 1;
}

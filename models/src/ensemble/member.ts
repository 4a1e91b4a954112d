/**
 * A member of an ensemble: one way to see that a window is strange. One interface, higher is stranger; what a member is
 * worth is decided by calibration, not by its scale.
 * @module
 */
import { DetectorError } from '../errors.js';
import type { ScoredWindow, StratumKey } from '../detector/detector.js';
import { stratumFor } from '../detector/strata.js';

/** What a stratum goes by. Windows of calls have rows of columns, sequences of a public log have events. */
export interface Judged {
  readonly rows: ArrayLike<unknown>;
  readonly mask: number;
}

export interface Member<W extends Judged = ScoredWindow> {
  readonly name: string;
  /** One uint32 a window. */
  nonconformities(windows: readonly W[]): Uint32Array;
}

/**
 * Indexes of the windows of each stratum, by the stratum's place in the list.
 * @throws {DetectorError} `ERR_SCORE_STRATUM` for a window that no stratum judges
 */
export function groupByStratum(
  strata: readonly StratumKey[],
  windows: readonly Judged[],
): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  windows.forEach((window, index) => {
    const stratum = stratumIndexOf(strata, window);
    const group = groups.get(stratum);
    if (group === undefined) groups.set(stratum, [index]);
    else group.push(index);
  });
  return groups;
}

/**
 * Place of a window's stratum.
 * @throws {DetectorError} `ERR_SCORE_STRATUM`
 */
export function stratumIndexOf(strata: readonly StratumKey[], { rows, mask }: Judged): number {
  const stratum = stratumFor(strata, { mask, length: rows.length });
  if (stratum !== undefined) return strata.indexOf(stratum);
  throw new DetectorError(
    'ERR_SCORE_STRATUM',
    `window: expected a stratum for ${rows.length} rows without columns 0x${mask.toString(16)}, got none`,
    { length: rows.length, mask },
  );
}

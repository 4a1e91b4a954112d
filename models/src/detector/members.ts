/**
 * Members of an ensemble: ways to see that a window is strange. One interface, higher is stranger; what they are worth is
 * decided by calibration, not by their scale.
 * @module
 */
import { DetectorError } from '../errors.js';
import { COLUMN } from '../features/index.js';
import type { Kernel, SummarySource } from '../kernel/index.js';
import type { Normaliser, ScoredWindow, Stratum } from './detector.js';
import { standardise } from './normaliser.js';
import { nonconformityOf } from './nonconformity.js';
import { stratumFor } from './strata.js';

export interface Member {
  readonly name: string;
  /** One uint32 a window. */
  nonconformities(windows: readonly ScoredWindow[]): Uint32Array;
}

export interface WhitenedMemberOptions {
  readonly name: string;
  /** Holds the member's parameters. */
  readonly kernel: Kernel;
  readonly strata: readonly Stratum[];
  readonly normaliser: Normaliser;
  /** `residuals` for an autoencoder, `features` for the same without a network. */
  readonly of: SummarySource;
}

/** The whitened summary of a network's residuals, or of the features themselves. */
export function whitenedMember(options: WhitenedMemberOptions): Member {
  const { name, kernel, strata, normaliser, of } = options;
  return {
    name,
    nonconformities(windows) {
      const all = new Uint32Array(windows.length);
      for (const [stratum, indexes] of groupByStratum(strata, windows)) {
        const chosen = indexes.map((index) => windows[index]!);
        const batch = standardise(chosen, normaliser, kernel.architecture.steps);
        const { columnMask } = stratum;
        const distances = kernel.squaredDistances({ ...batch, columnMask }, stratum, of);
        indexes.forEach((index, i) => (all[index] = nonconformityOf(distances[i]!)));
      }
      return all;
    },
  };
}

/** Steps that the likelihood ratio looks back. */
const RECENT = 5;

/** How much stranger the last five acts are for this actor than for its peers: sum and largest, in 1/256 bit. */
export function likelihoodRatioMember(): Member {
  return integerMember('likelihood-ratio', ({ rows, mask }) => {
    if (isAbsent(mask, COLUMN.logRatio)) return 0;
    const ratios = rows.slice(-RECENT).map((row) => row[COLUMN.logRatio]!);
    return ratios.reduce((sum, x) => sum + x, 0) + Math.max(...ratios);
  });
}

/** How many acts and pairs of acts in the window the actor has never shown before. */
export function unseenMember(): Member {
  return integerMember('unseen', ({ rows, mask }) =>
    [COLUMN.actUnseen, COLUMN.pairUnseen]
      .filter((column) => !isAbsent(mask, column))
      .reduce((sum, column) => sum + rows.reduce((count, row) => count + row[column]!, 0), 0),
  );
}

function integerMember(name: string, measure: (window: ScoredWindow) => number): Member {
  return {
    name,
    nonconformities: (windows) =>
      Uint32Array.from(windows, (window) => Math.max(0, measure(window))),
  };
}

function isAbsent(mask: number, column: number): boolean {
  return ((mask >>> column) & 1) === 1;
}

/**
 * Indexes of the windows of each stratum.
 * @throws {DetectorError} `ERR_SCORE_STRATUM` for a window that no stratum judges
 */
export function groupByStratum<
  S extends { columnMask: number; lengthMin: number; lengthMax: number },
>(strata: readonly S[], windows: readonly ScoredWindow[]): Map<S, number[]> {
  const groups = new Map<S, number[]>();
  windows.forEach(({ rows, mask }, index) => {
    const stratum = stratumFor(strata, { mask, length: rows.length });
    if (stratum === undefined) throw noStratum(rows.length, mask);
    const group = groups.get(stratum);
    if (group === undefined) groups.set(stratum, [index]);
    else group.push(index);
  });
  return groups;
}

export function noStratum(length: number, mask: number): DetectorError {
  return new DetectorError(
    'ERR_SCORE_STRATUM',
    `window: expected a stratum for ${length} rows without columns 0x${mask.toString(16)}, got none`,
    { length, mask },
  );
}

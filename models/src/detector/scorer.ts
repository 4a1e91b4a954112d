/**
 * From a window to a score in millionths: standardise, reconstruct, summarise and whiten in the kernel, then two look-ups.
 * Nothing here is a power or a logarithm, so every machine gets the same integer.
 * @module
 */
import {
  DEFAULT_ARCHITECTURE,
  DEFAULT_LAYOUT_HASH,
  fromFixedPoint,
} from '../architecture/index.js';
import { DetectorError } from '../errors.js';
import { featureSchemaHash, featureSchemaVersion, LAYOUT } from '../features/index.js';
import { createKernel, kernelHash, type Kernel } from '../kernel/index.js';
import { scoreOf } from './calibration-table.js';
import type {
  CalibrationTable,
  Detector,
  ScoredWindow,
  Stratum,
  TableStratum,
} from './detector.js';
import { explainWindow, type ColumnReason } from './explanation.js';
import { groupByStratum, noStratum } from './members.js';
import { nonconformityOf } from './nonconformity.js';
import { standardise } from './normaliser.js';
import { stratumFor } from './strata.js';

export interface Score {
  /** `trunc(d² · 65536)`, saturated at 2^32 − 1; higher is stranger. */
  readonly nonconformity: number;
  /** `1 − p^γ` in millionths; ≥ θ ⇔ p ≤ α. */
  readonly scoreMillionths: number;
}

export interface Explanation extends Score {
  readonly length: number;
  /** Huber error per step and column, `[length, features]`; 0 in absent columns. */
  readonly errors: Float32Array;
  /** Sum per step, `[length]`. */
  readonly stepErrors: Float32Array;
  /** Strongest first, at most five. */
  readonly columns: readonly ColumnReason[];
  /** The same in words, with numbers. */
  readonly sentences: readonly string[];
}

export interface Scorer {
  readonly detector: Detector;
  readonly table: CalibrationTable;
  /**
   * @throws {DetectorError} `ERR_SCORE_WINDOW` if the rows do not fit, `ERR_SCORE_STRATUM` if no stratum leaves out all
   *   that the window lacks, `ERR_SCORE_NOT_FINITE`
   */
  score(window: ScoredWindow): Score;
  /** The same for many windows at once: the same bits, less time each. */
  scoreAll(windows: readonly ScoredWindow[]): Score[];
  explain(window: ScoredWindow): Explanation;
}

/**
 * @throws {DetectorError} `ERR_DETECTOR_KERNEL`, `ERR_DETECTOR_SCHEMA`, `ERR_DETECTOR_LAYOUT` if the detector was made for
 *   another kernel, feature schema or layout; `ERR_DETECTOR_TABLE` if the table does not cover one of its strata
 */
export function createScorer(detector: Detector, table: CalibrationTable): Scorer {
  checkFit(detector, table);
  const kernel = createKernel(detector.architecture);
  kernel.setParameters(fromFixedPoint(detector.parameters));
  return new KernelScorer(detector, table, kernel);
}

class KernelScorer implements Scorer {
  readonly detector: Detector;
  readonly table: CalibrationTable;
  readonly #kernel: Kernel;

  constructor(detector: Detector, table: CalibrationTable, kernel: Kernel) {
    this.detector = detector;
    this.table = table;
    this.#kernel = kernel;
  }

  score(window: ScoredWindow): Score {
    return this.#scoreStratum(this.#stratumOf(window), [window])[0]!;
  }

  scoreAll(windows: readonly ScoredWindow[]): Score[] {
    const scores = new Array<Score>(windows.length);
    for (const [stratum, indexes] of groupByStratum(this.detector.strata, windows)) {
      const part = this.#scoreStratum(
        stratum,
        indexes.map((index) => windows[index]!),
      );
      indexes.forEach((index, i) => (scores[index] = part[i]!));
    }
    return scores;
  }

  explain(window: ScoredWindow): Explanation {
    const stratum = this.#stratumOf(window);
    return {
      ...this.score(window),
      ...explainWindow(window, {
        stratum,
        kernel: this.#kernel,
        normaliser: this.detector.normaliser,
        theta: this.table.theta,
        score: (other) => this.#scoreStratum(stratum, [other])[0]!.scoreMillionths,
      }),
    };
  }

  #stratumOf({ rows, mask }: ScoredWindow): Stratum {
    const stratum = stratumFor(this.detector.strata, { mask, length: rows.length });
    if (stratum === undefined) throw noStratum(rows.length, mask);
    return stratum;
  }

  #scoreStratum(stratum: Stratum, windows: readonly ScoredWindow[]): Score[] {
    const { columnMask } = stratum;
    const { windows: inputs, lengths } = standardise(
      windows,
      this.detector.normaliser,
      this.detector.architecture.steps,
    );
    const distances = this.#kernel.squaredDistances(
      { windows: inputs, lengths, columnMask },
      stratum,
    );
    return Array.from(distances, (distance, i) => {
      const nonconformity = nonconformityOf(distance);
      const steps = tableStratum(this.table, columnMask, lengths[i]!)!;
      return { nonconformity, scoreMillionths: scoreOf(steps, nonconformity) };
    });
  }
}

function tableStratum(
  table: CalibrationTable,
  columnMask: number,
  length: number,
): TableStratum | undefined {
  return table.strata.find(
    (stratum) =>
      stratum.columnMask === columnMask &&
      stratum.lengthMin <= length &&
      length <= stratum.lengthMax,
  );
}

function checkFit(detector: Detector, table: CalibrationTable): void {
  const { version } = detector;
  const refuse = (code: string, expected: string | number, got: string | number): never => {
    throw new DetectorError(code, `detector ${version}: expected ${expected}, got ${got}`, {
      expected,
      got,
      version,
    });
  };
  const { architecture: a } = detector;
  if (detector.kernelHash !== kernelHash)
    refuse('ERR_DETECTOR_KERNEL', `kernel ${kernelHash}`, detector.kernelHash);
  if (detector.featureSchemaVersion !== featureSchemaVersion) {
    refuse(
      'ERR_DETECTOR_SCHEMA',
      `feature schema ${featureSchemaVersion}`,
      detector.featureSchemaVersion,
    );
  }
  if (detector.featureSchemaHash !== featureSchemaHash) {
    refuse(
      'ERR_DETECTOR_SCHEMA',
      `feature schema ${featureSchemaHash}`,
      detector.featureSchemaHash,
    );
  }
  if (a.features !== LAYOUT.columns.length || a.steps !== LAYOUT.steps) {
    refuse(
      'ERR_DETECTOR_LAYOUT',
      `${LAYOUT.steps} × ${LAYOUT.columns.length} inputs`,
      `${a.steps} × ${a.features}`,
    );
  }
  const ours = a.hidden === DEFAULT_ARCHITECTURE.hidden && a.latent === DEFAULT_ARCHITECTURE.latent;
  if (ours && detector.layoutHash !== DEFAULT_LAYOUT_HASH) {
    refuse('ERR_DETECTOR_LAYOUT', `layout ${DEFAULT_LAYOUT_HASH}`, detector.layoutHash);
  }
  for (const { columnMask, lengthMin, lengthMax } of detector.strata) {
    for (let length = lengthMin; length <= lengthMax; length++) {
      if (tableStratum(table, columnMask, length) !== undefined) continue;
      refuse('ERR_DETECTOR_TABLE', `table steps for mask ${columnMask}, length ${length}`, 'none');
    }
  }
}

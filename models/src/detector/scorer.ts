/**
 * From a window to a score in millionths: each member's nonconformity, a look-up for its evidence, the sum, a look-up for the
 * score. Nothing here is a power or a logarithm, so every machine gets the same integer.
 * @module
 */
import { DetectorError } from '../errors.js';
import { checkMembers, joinedScores, type Score } from '../ensemble/joined-score.js';
import { membersOf } from '../ensemble/members-of.js';
import {
  ENSEMBLE_LAYOUT_HASH,
  ENSEMBLE_NETWORKS,
  networksDescription,
} from '../ensemble/networks.js';
import { featureSchemaHash, featureSchemaVersion, LAYOUT } from '../features/index.js';
import { kernelHash } from '../kernel/index.js';
import { isAutoencoder } from './detector-codec.js';
import type { CalibrationTable, Detector, ScoredWindow, StratumKey } from './detector.js';
import { explainWindow, type WindowReasons } from './explanation.js';

export interface Explanation extends Score, WindowReasons {}

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
 *   another kernel, feature schema or layout; `ERR_DETECTOR_TABLE` if the table has other members or strata
 */
export function createScorer(detector: Detector, table: CalibrationTable): Scorer {
  checkFit(detector, table);
  const members = membersOf(detector);
  const scoreAll = (windows: readonly ScoredWindow[]): Score[] =>
    joinedScores(members, table, windows);
  const score = (window: ScoredWindow): Score => scoreAll([window])[0]!;
  return {
    detector,
    table,
    score,
    scoreAll,
    explain(window) {
      const judged = score(window);
      return {
        ...judged,
        ...explainWindow(window, { detector, members, table, judged, score }),
      };
    },
  };
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
  const columns = LAYOUT.columns.length;
  if (detector.normaliser.center.length !== columns) {
    refuse('ERR_DETECTOR_LAYOUT', `${columns} columns`, detector.normaliser.center.length);
  }
  const ours = networksDescription(ENSEMBLE_NETWORKS);
  if (
    networksDescription(detector.members.filter(isAutoencoder)) === ours &&
    detector.layoutHash !== ENSEMBLE_LAYOUT_HASH
  ) {
    refuse('ERR_DETECTOR_LAYOUT', `layout ${ENSEMBLE_LAYOUT_HASH}`, detector.layoutHash);
  }
  checkMembers(detector.members, table);
  const expected = detector.strata.map(textOf).join(', ');
  const got = table.strata.map(textOf).join(', ');
  if (got !== expected) refuse('ERR_DETECTOR_TABLE', `strata ${expected}`, got);
}

function textOf({ columnMask, lengthMin, lengthMax }: StratumKey): string {
  return `0x${columnMask.toString(16)}: ${lengthMin} … ${lengthMax}`;
}

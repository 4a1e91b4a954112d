/**
 * From a sealed model to the bytes that are proposed, and the gate before it: a version that does worse on the public
 * canaries is never proposed. Design: federation §7, detection §7.
 * @module
 */
import {
  canaryReport,
  decodeDetector,
  decodeTable,
  encodeDetector,
  type CanaryReport,
  type Canaries,
} from '@bhschain/models/detector';
import { nextDetector, type NextDetectorFacts } from '../protocol/next-detector.js';

/** The area under the canaries' curve may fall by this much. */
const AUC_LOSS_MAX = 0.03;

export interface CanaryVerdict {
  readonly passed: boolean;
  /** Empty if it passed. */
  readonly reason: string;
  readonly auc: number;
  readonly alertRatePpm: number;
}

export interface DetectorBuilder {
  /** Canonical bytes of the next version; the same facts give the same bytes. */
  build(previous: Uint8Array, facts: NextDetectorFacts): Uint8Array;
  /** Compares a candidate with its predecessor and with detector 0, all with the same table. */
  judge(candidate: Uint8Array, predecessor: Uint8Array): CanaryVerdict;
}

/** @throws {DetectorError} if detector 0, its table or the canaries do not fit this build */
export function createDetectorBuilder(
  o: Readonly<{ genesis: Uint8Array; table: Uint8Array; canaries: Canaries }>,
): DetectorBuilder {
  const table = decodeTable(o.table);
  const reportOf = (bytes: Uint8Array): CanaryReport =>
    canaryReport(decodeDetector(bytes), table, o.canaries);
  // At once, so that a detector 0 that this build cannot use stops the process at start.
  const genesisReport = reportOf(o.genesis);
  return {
    build: (previous, facts) => encodeDetector(nextDetector(decodeDetector(previous), facts)),
    judge: (candidate, predecessor) => {
      const before = Math.max(genesisReport.auc, reportOf(predecessor).auc);
      const { auc, alertRatePpm } = reportOf(candidate);
      const reason =
        auc < before - AUC_LOSS_MAX
          ? 'canary-auc'
          : alertRatePpm < table.alphaPpm / 2 || alertRatePpm > 2 * table.alphaPpm
            ? 'canary-alert-rate'
            : '';
      return { passed: reason === '', reason, auc, alertRatePpm };
    },
  };
}

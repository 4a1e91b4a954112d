/** MOD: the detector's parts, recomputed here. @module */
import { sha256Hex } from '@bhschain/dp';
import {
  canaryReport,
  DETECTOR_ZERO,
  ENSEMBLE_LAYOUT_HASH,
  ENSEMBLE_NETWORKS,
  networksDescription,
  PUBLIC_CANARIES,
} from '@bhschain/models/detector';
import { kernelBytes, kernelHash } from '@bhschain/models/kernel';
import { fail, pass, type Check } from './check.js';

export function modelChecks(): Check[] {
  return [
    {
      code: 'MOD-002',
      look: () => {
        const { detector, table } = DETECTOR_ZERO;
        const { auc, scoreBytes } = canaryReport(detector, table, PUBLIC_CANARIES);
        return pass(
          `Detector 0 on the public canaries: area ${auc.toFixed(3)}, scores ${sha256Hex(scoreBytes).slice(0, 12)}… (equal in every hospital).`,
        );
      },
    },
    {
      code: 'MOD-003',
      look: () =>
        sha256Hex(kernelBytes()) === kernelHash && DETECTOR_ZERO.detector.kernelHash === kernelHash
          ? pass('The kernel is the one that detectors name.')
          : fail('The kernel has other bytes than its hash names.', 'Install the package again.'),
    },
    {
      code: 'MOD-004',
      look: () =>
        sha256Hex(networksDescription(ENSEMBLE_NETWORKS)) === ENSEMBLE_LAYOUT_HASH
          ? pass('The parameter layout is the published one.')
          : fail('The parameter layout has another hash.', 'Install the package again.'),
    },
  ];
}

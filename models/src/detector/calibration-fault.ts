import { DetectorError } from '../errors.js';

/** What all calibration refuses with: the field, what was expected, what came. */
export function calibrationFault(field: string, expected: string, got: number): DetectorError {
  return new DetectorError('ERR_TABLE_CALIBRATION', `${field}: expected ${expected}, got ${got}`, {
    field,
    expected,
    got: Number.isFinite(got) ? got : String(got),
  });
}

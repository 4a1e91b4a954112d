/**
 * Parameters as they travel: int32 in units of 2^-20 (federation.md §6).
 * Below 16 in size every grid point is a float32, so grid → float → grid is the identity.
 * @module
 */
import { ArchitectureError } from '../errors.js';

export const PARAMETER_SCALE_LOG2 = 20;
/** Parameters stay below this size. */
export const PARAMETER_LIMIT = 16;

const SCALE = 2 ** PARAMETER_SCALE_LOG2;

/**
 * Nearest grid point, ties to even.
 * @throws {ArchitectureError} `ERR_PARAMETER_RANGE` with the index of an entry that is not finite or not below 16 in size
 */
export function toFixedPoint(parameters: Float32Array): Int32Array {
  const grid = new Int32Array(parameters.length);
  for (let i = 0; i < parameters.length; i++) {
    const value = parameters[i]!;
    const rounded = roundHalfEven(value * SCALE);
    if (!(Math.abs(rounded) < PARAMETER_LIMIT * SCALE)) throw outOfRange(i, value);
    grid[i] = rounded;
  }
  return grid;
}

/**
 * @throws {ArchitectureError} `ERR_PARAMETER_RANGE` with the index of an entry of 16 or more in size
 */
export function fromFixedPoint(grid: Int32Array): Float32Array {
  const parameters = new Float32Array(grid.length);
  for (let i = 0; i < grid.length; i++) {
    const value = grid[i]! / SCALE;
    if (!(Math.abs(value) < PARAMETER_LIMIT)) throw outOfRange(i, value);
    parameters[i] = value;
  }
  return parameters;
}

function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

function outOfRange(index: number, got: number): ArchitectureError {
  return new ArchitectureError(
    'ERR_PARAMETER_RANGE',
    `parameters[${index}]: expected a finite number below ${PARAMETER_LIMIT} in size, got ${got}`,
    { index, got: String(got) },
  );
}

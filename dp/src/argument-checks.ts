/**
 * The checks at the door. Inside, values are trusted.
 * @module
 */
import { InvalidArgumentError } from './errors.js';

export function requirePositive(argument: string, value: number): void {
  if (!(Number.isFinite(value) && value > 0)) {
    throw new InvalidArgumentError(argument, 'a finite number > 0', value);
  }
}

export function requireNonNegative(argument: string, value: number): void {
  if (!(Number.isFinite(value) && value >= 0)) {
    throw new InvalidArgumentError(argument, 'a finite number >= 0', value);
  }
}

export function requireProbability(argument: string, value: number): void {
  if (!(value >= 0 && value <= 1)) {
    throw new InvalidArgumentError(argument, 'a number in [0, 1]', value);
  }
}

/** δ of a guarantee that means something: strictly between 0 and 1. */
export function requireDelta(argument: string, value: number): void {
  if (!(value > 0 && value < 1)) {
    throw new InvalidArgumentError(argument, 'a number in (0, 1)', value);
  }
}

export function requireInteger(
  argument: string,
  value: number,
  bounds: Readonly<{ min: number; max: number }>,
): void {
  if (!(Number.isInteger(value) && value >= bounds.min && value <= bounds.max)) {
    throw new InvalidArgumentError(argument, `an integer in [${bounds.min}, ${bounds.max}]`, value);
  }
}

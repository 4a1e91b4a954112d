/**
 * The two questions that everybody asks.
 * @module
 */
import { requireDelta } from '../argument-checks.js';
import { InvalidArgumentError } from '../errors.js';
import { decodeEvent } from '../event-codec.js';
import type { Adjacency, PrivacyEvent } from '../privacy-event.js';
import type { Accountant } from './mechanism.js';
import {
  pldDelta,
  pldDeltaInterval,
  pldEpsilon,
  pldEpsilonInterval,
  pldUpperEpsilon,
  type DeltaInterval,
  type EpsilonInterval,
} from './pld-accountant.js';
import { rdpDelta, rdpEpsilon } from './rdp-accountant.js';

/**
 * ε of an event at δ; the PLD value unless RDP is asked for.
 *
 * | event                             | result |
 * |-----------------------------------|--------|
 * | no-op, zero counts, q = 0         | 0      |
 * | non-private, noise multiplier 0   | +∞     |
 *
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT`: δ outside (0, 1)
 * @throws {EventFormatError} `ERR_DP_EVENT`: a parameter of the event out of its range
 * @throws {UnsupportedEventError} `ERR_DP_UNSUPPORTED`: no rule for this event under this relation
 * @throws {GridTooLargeError} `ERR_DP_GRID`: the accuracy cannot be had in bounded memory
 */
export function epsilonOf(
  given: PrivacyEvent,
  options: Readonly<{ delta: number; adjacency?: Adjacency; accountant?: Accountant }>,
): number {
  requireDelta('delta', options.delta);
  const event = decodeEvent(given);
  const adjacency = options.adjacency ?? 'add-or-remove-one';
  return options.accountant === 'rdp'
    ? rdpEpsilon(event, options.delta, adjacency)
    : pldEpsilon(event, options.delta, { adjacency });
}

/** δ of an event at ε >= 0. Errors as `epsilonOf`. */
export function deltaOf(
  given: PrivacyEvent,
  options: Readonly<{ epsilon: number; adjacency?: Adjacency; accountant?: Accountant }>,
): number {
  requireEpsilon(options.epsilon);
  const event = decodeEvent(given);
  const adjacency = options.adjacency ?? 'add-or-remove-one';
  return options.accountant === 'rdp'
    ? rdpDelta(event, options.epsilon, adjacency)
    : pldDelta(event, options.epsilon, { adjacency });
}

/**
 * The least ε that is proved: for PLD the upper end of the certified interval, round-off included; for RDP its value.
 * Calibration and plans ask this one. Errors as `epsilonOf`; +∞ where δ is below what the grid can certify.
 */
export function provenEpsilonOf(
  given: PrivacyEvent,
  options: Readonly<{ delta: number; adjacency?: Adjacency; accountant?: Accountant }>,
): number {
  requireDelta('delta', options.delta);
  const event = decodeEvent(given);
  const adjacency = options.adjacency ?? 'add-or-remove-one';
  return options.accountant === 'rdp'
    ? rdpEpsilon(event, options.delta, adjacency)
    : pldUpperEpsilon(event, options.delta, { adjacency });
}

/**
 * The certified interval of the smallest ε at δ, by PLD: a pessimistic and an optimistic grid, with the proven bound
 * on truncation and floating-point round-off charged to either side. Batches of a capped size count in `upper` alone.
 * Worked: q .0512, s 3.0499, T 59, δ 1e-5 gives [0.49992, 0.49999616].
 */
export function epsilonInterval(
  given: PrivacyEvent,
  options: Readonly<{ delta: number; adjacency?: Adjacency }>,
): EpsilonInterval {
  requireDelta('delta', options.delta);
  return pldEpsilonInterval(decodeEvent(given), options.delta, {
    adjacency: options.adjacency ?? 'add-or-remove-one',
  });
}

/** The certified interval of δ at ε >= 0, by PLD. Errors as `epsilonOf`. */
export function deltaInterval(
  given: PrivacyEvent,
  options: Readonly<{ epsilon: number; adjacency?: Adjacency }>,
): DeltaInterval {
  requireEpsilon(options.epsilon);
  return pldDeltaInterval(decodeEvent(given), options.epsilon, {
    adjacency: options.adjacency ?? 'add-or-remove-one',
  });
}

function requireEpsilon(epsilon: number): void {
  if (!(epsilon >= 0)) throw new InvalidArgumentError('epsilon', 'a number >= 0', epsilon);
}

export type { DeltaInterval, EpsilonInterval };

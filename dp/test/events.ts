/**
 * Short spellings of events for tests.
 * @module
 */
import type { PrivacyEvent } from '../src/privacy-event.js';

export function gaussian(noiseMultiplier: number): PrivacyEvent {
  return { kind: 'gaussian', noiseMultiplier };
}

export function poisson(samplingProbability: number, event: PrivacyEvent): PrivacyEvent {
  return { kind: 'poisson-sampled', samplingProbability, event };
}

export function times(count: number, event: PrivacyEvent): PrivacyEvent {
  return { kind: 'self-composed', count, event };
}

export function all(...events: PrivacyEvent[]): PrivacyEvent {
  return { kind: 'composed', events };
}

/** T steps of DP-SGD. */
export function dpSgd(q: number, s: number, steps: number): PrivacyEvent {
  return times(steps, poisson(q, gaussian(s)));
}

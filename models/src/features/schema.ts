/**
 * The feature schema: everything that must be equal on two machines before their integers mean the same.
 * @module
 */

import { FEATURE_RULES } from './feature-row.js';
import { FUNCTION_POLICY } from './function-policy.js';
import { LAYOUT } from './layout.js';
import { PROFILE_ACTS_MAX, PROFILE_BYTES_MAX } from './profile.js';
import { HISTOGRAM_LIMITS, HOUR_BINS } from './session-histogram.js';
import { ACTIONS, CODE_ACT_BASE, PURPOSES, ROLES, SECTIONS } from './vocabulary.js';

export const featureSchemaVersion = 1;

/** SHA-256 of `featureSchemaDescription()` in hex; a test recomputes it, so that no change goes unnoticed. */
export const featureSchemaHash = 'd836cfca9d69404580a8b11fa15d32f6562afa4ecd9f14003cc6a5c7f460cd88';

/** Canonical text of the schema. Any change of meaning must change it. */
export function featureSchemaDescription(): string {
  return JSON.stringify({
    version: featureSchemaVersion,
    layout: LAYOUT,
    lists: { ROLES, ACTIONS, SECTIONS, PURPOSES },
    codeActBase: CODE_ACT_BASE,
    policy: FUNCTION_POLICY,
    histogram: HISTOGRAM_LIMITS,
    hourBins: HOUR_BINS,
    profile: { actsMax: PROFILE_ACTS_MAX, bytesMax: PROFILE_BYTES_MAX, format: 1 },
    ring: { format: 1, gapUnitMs: 125 },
    rules: FEATURE_RULES,
  });
}

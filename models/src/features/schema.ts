/**
 * The feature schema: everything that must be equal on two machines before their integers mean the same.
 * @module
 */

import { FEATURE_RULES } from './feature-row.js';
import { FUNCTION_POLICY } from './function-policy.js';
import { LAYOUT, VIEWS } from './layout.js';
import { PROFILE_ACTS_MAX, PROFILE_BYTES_MAX } from './profile.js';
import { HISTOGRAM_LIMITS, HOUR_BINS } from './session-histogram.js';
import { TRIGRAM_BITS_MAX, TRIGRAM_CELLS } from './trigrams.js';
import { ACTIONS, CODE_ACT_BASE, PURPOSES, ROLES, SECTIONS } from './vocabulary.js';

export const featureSchemaVersion = 2;

/** SHA-256 of `featureSchemaDescription()` in hex; a test recomputes it, so that no change goes unnoticed. */
export const featureSchemaHash = 'd2ea491ebcbf20b9073544ddaeb663e792c9265ec7f63d048ae4af7b301f280b';

/** Canonical text of the schema. Any change of meaning must change it. */
export function featureSchemaDescription(): string {
  return JSON.stringify({
    version: featureSchemaVersion,
    layout: LAYOUT,
    views: VIEWS,
    lists: { ROLES, ACTIONS, SECTIONS, PURPOSES },
    codeActBase: CODE_ACT_BASE,
    policy: FUNCTION_POLICY,
    histogram: HISTOGRAM_LIMITS,
    hourBins: HOUR_BINS,
    profile: { actsMax: PROFILE_ACTS_MAX, bytesMax: PROFILE_BYTES_MAX, format: 1 },
    ring: { format: 2, gapUnitMs: 125 },
    trigrams: { cells: TRIGRAM_CELLS, bitsMax: TRIGRAM_BITS_MAX },
    rules: FEATURE_RULES,
  });
}

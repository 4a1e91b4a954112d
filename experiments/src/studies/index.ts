/**
 * The studies, by the name that a configuration file gives.
 * @module
 */
import type { Study } from '../harness/study.js';
import { hospitalStudy } from './hospital/study.js';
import { latencyStudy } from './latency/study.js';
import { logStudy } from './logs/study.js';
import { paperStudy } from './paper/study.js';

const ALL: readonly Study[] = [hospitalStudy, logStudy, latencyStudy, paperStudy];

export const STUDIES: Readonly<Record<string, Study>> = Object.fromEntries(
  ALL.map((study) => [study.name, study]),
);

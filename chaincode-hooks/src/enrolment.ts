/**
 * Enrolments: a hospital's own people, with the profiles of its own history.
 * @module
 */
import { FeatureError, PROFILE_BYTES_MAX, decodeProfile } from '@bhschain/models/features';

import { actorArgument, base64Argument, memberArgument, refusedArgument } from './arguments.js';

/** 50 profiles of 2 KB in base64 stay far below a transaction's limit. */
const ENROLMENTS_MAX = 50;

export interface Enrolment {
  readonly actor: string;
  readonly class: 'person' | 'service';
  /** Canonical profile bytes in base64. */
  readonly profile: string;
}

export function parseEnrolments(text: string): readonly Enrolment[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    list = null;
  }
  if (!Array.isArray(list) || list.length === 0 || list.length > ENROLMENTS_MAX) {
    throw refusedArgument('actors', `a JSON array of 1 to ${ENROLMENTS_MAX} entries`);
  }
  const actors = list.map((entry: unknown, i) => parseEnrolment(entry, `actors[${i}]`));
  if (new Set(actors.map(({ actor }) => actor)).size !== actors.length) {
    throw refusedArgument('actors', 'each actor once');
  }
  return actors;
}

function parseEnrolment(entry: unknown, path: string): Enrolment {
  if (typeof entry !== 'object' || entry === null) throw refusedArgument(path, 'an object');
  const raw = entry as Readonly<Record<string, unknown>>;
  const profile = raw['profile'];
  const actorClass = raw['class'];
  if (typeof profile !== 'string') throw refusedArgument(`${path}.profile`, 'base64');
  if (typeof actorClass !== 'string') throw refusedArgument(`${path}.class`, 'person or service');
  try {
    decodeProfile(base64Argument(profile, `${path}.profile`, PROFILE_BYTES_MAX));
  } catch (error) {
    if (!(error instanceof FeatureError)) throw error;
    throw refusedArgument(`${path}.profile`, 'canonical profile bytes');
  }
  return {
    actor: actorArgument(raw['actor'], `${path}.actor`),
    class: memberArgument(actorClass, `${path}.class`, ['person', 'service'] as const),
    profile,
  };
}

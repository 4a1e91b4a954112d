/**
 * Benign windows of worlds, as the ledger would judge them: what detectors are trained and calibrated on.
 * @module
 */
import { randomStream, type Consortium } from '@bhschain/datasets';
import type { ScoredWindow } from '@bhschain/models/detector';
import type { RoleTables } from '@bhschain/models/features';
import { replay, type JudgedCall } from './ledger-replay.js';
import type { TrainingSet } from './train.js';
import * as worlds from './worlds.js';

const CALLS_PER_ACTOR_MAX = 150;

export function trainingSet(roles: RoleTables): TrainingSet {
  return {
    full: worlds.trainingWorlds().flatMap((world) => sampled(world, 0.22, roles)),
    coded: worlds.codedTrainingWorlds().flatMap((world) => sampled(world, 1, roles)),
  };
}

/** Held-out benign calls with the guard at work: a held call stays in the ring and makes the next one stranger. */
export function calibrationCalls(
  roles: RoleTables,
  diverts: (call: JudgedCall) => boolean,
): JudgedCall[] {
  const held = [...worlds.calibrationWorlds(), ...worlds.codedCalibrationWorlds()];
  return held.flatMap((world) => evenly(replay(world, { roles, diverts, plays: innocent(world) })));
}

/** Windows of a benign world, a share of them, with some calls diverted at random, so that diversion is no novelty. */
function sampled(world: Consortium, share: number, roles: RoleTables): ScoredWindow[] {
  const random = randomStream('detector-zero', 'sample', world.startMs, world.liveFromMs);
  const hot = new Map<string, boolean>();
  const calls = replay(world, {
    roles,
    diverts({ session }) {
      if (!hot.has(session)) hot.set(session, random.chance(0.08));
      return hot.get(session)! && random.chance(0.35);
    },
    plays: innocent(world),
  });
  return evenly(calls)
    .filter(() => random.chance(share))
    .map(({ window }) => window);
}

/** At most so many calls of one actor, so that a log's one great department does not speak for all departments. */
function evenly(calls: Iterable<JudgedCall>): JudgedCall[] {
  const counts = new Map<string, number>();
  return [...calls].filter(({ actor }) => {
    const count = (counts.get(actor) ?? 0) + 1;
    counts.set(actor, count);
    return count <= CALLS_PER_ACTOR_MAX;
  });
}

/** Leaves the planted incidents out. */
function innocent(world: Consortium): (session: string) => boolean {
  const guilty = new Set(world.truth.flatMap((incident) => incident.eventIds));
  if (guilty.size === 0) return () => true;
  const sessions = new Set<string | null>();
  for (const hospital of world.hospitals) {
    for (const event of hospital.events()) {
      if (guilty.has(event.eventId)) sessions.add(event.session);
    }
  }
  return (session) => !sessions.has(session);
}

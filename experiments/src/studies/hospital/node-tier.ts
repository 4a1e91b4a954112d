/**
 * The node tier of a study: each hospital counts its own log with its own care relations, and reads the blocks of all. What the
 * SIEM is told, no more: other hospitals' logs and relations it never sees.
 * @module
 */
import type { HospitalWorld } from '@bhschain/datasets';
import {
  createChannelSightings,
  createDayCounter,
  daySurprises,
  type CareKnowledge,
  type DayCounts,
} from '@bhschain/models/features';
import { knowledgeOf } from '../../siem/knowledge.js';
import { DAY_MS, type Borders } from './featurise.js';
import { CASE_DAYS_OPEN, caseDays, merged } from './siem-arm.js';

/** By `<node> <actor> <day>`: surprises in the order of `DAY_MEMBERS`. */
export type NodeTierCases = Readonly<Record<string, readonly number[]>>;

export function nodeTierCases(world: HospitalWorld, borders: Borders): NodeTierCases {
  const siem = knowledgeOf(world);
  const knowledge: CareKnowledge = {
    isExplained: (event) => siem.isExplained(event),
    isAcquainted: (event) => siem.acquaintanceOf(event) !== null,
    leftMs: (actor) => siem.leftMs(actor),
  };
  const sightings = createChannelSightings();
  const counters = new Map(
    world.hospitals.map(({ nodeId }) => [nodeId, createDayCounter(knowledge)]),
  );
  const finished = new Map(world.hospitals.map(({ nodeId }) => [nodeId, [] as DayCounts[]]));
  /** Whose patients they were is forgotten with a day that is over. */
  const finish = (beforeDay: number): void => {
    for (const [nodeId, counter] of counters) {
      for (const { actor, role, day, columns, acts } of counter.days()) {
        if (day < beforeDay) finished.get(nodeId)!.push({ actor, role, day, columns, acts });
      }
      counter.forgetBefore(beforeDay);
    }
  };
  const dayOf = caseDays();
  let today = 0;
  for (const event of merged(world)) {
    const now = Math.floor(event.timeMs / DAY_MS);
    if (now !== today) finish((today = now) - CASE_DAYS_OPEN);
    counters.get(event.nodeId)!.see(event, dayOf(event), sightings.see(event));
  }
  finish(Infinity);
  const fromDay = Math.floor(borders.calibrateFromMs / DAY_MS);
  return Object.fromEntries(
    [...finished].flatMap(([nodeId, days]) =>
      daySurprises(days, fromDay).map(({ actor, day, surprises }) => [
        `${nodeId} ${actor} ${day}`,
        Array.from(surprises, (value) => Math.round(value * 1e6) / 1e6),
      ]),
    ),
  );
}

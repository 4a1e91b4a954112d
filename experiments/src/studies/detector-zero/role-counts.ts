/**
 * Role tables from simulated worlds: public, so that they cost no privacy budget.
 * @module
 */
import type { Consortium } from '@bhschain/datasets';
import {
  ACT_COUNT,
  callFromEvent,
  HOUR_BINS,
  hourBinOf,
  PURPOSES,
  ROLES,
  SECTIONS,
  sharesOf,
  trigramTable,
  type RoleTables,
  type TrigramCount,
} from '@bhschain/models/features';

export function countRoleTables(worlds: readonly Consortium[]): RoleTables {
  const acts = rows(ROLES.length, ACT_COUNT);
  const hours = rows(ROLES.length, HOUR_BINS);
  const purposes = rows(ROLES.length * SECTIONS.length, PURPOSES.length);
  const users = Array.from({ length: ACT_COUNT }, () => new Set<string>());
  const actors = new Set<string>();
  const trigrams = new Map<string, { acts: TrigramCount['acts']; count: number }>();
  worlds.forEach((world, index) => {
    for (const hospital of world.hospitals) {
      const before = new Map<string, readonly [number | null, number | null]>();
      for (const event of hospital.events()) {
        const call = callFromEvent(event);
        if (call === null) continue;
        const actor = `${index} ${event.actor}`;
        actors.add(actor);
        users[call.act]!.add(actor);
        const session = event.session ?? event.actor;
        const [first, second] = before.get(session) ?? [null, null];
        const key = `${first} ${second} ${call.act}`;
        const seen = trigrams.get(key);
        if (seen === undefined) trigrams.set(key, { acts: [first, second, call.act], count: 1 });
        else seen.count++;
        before.set(session, [second, call.act]);
        // Row 0 (role unknown) holds the average of all.
        for (const role of [0, call.role]) {
          acts[role]![call.act]!++;
          hours[role]![hourBinOf(call.timeMs)]!++;
          purposes[role * SECTIONS.length + call.section]![call.purpose]!++;
        }
      }
    }
  });
  return {
    // One pseudo-event per act and role: a peer's act is never impossible, only rare.
    actShares: flat(acts, ACT_COUNT * 0.25),
    hourShares: flat(hours, HOUR_BINS),
    purposeShares: flat(purposes, 2),
    actorShares: Uint16Array.from(users, (set) =>
      Math.max(1, Math.min(65_535, Math.floor((set.size * 65_536) / Math.max(1, actors.size)))),
    ),
    trigrams: trigramTable(trigrams.values()),
  };
}

function rows(count: number, width: number): number[][] {
  return Array.from({ length: count }, () => new Array<number>(width).fill(0));
}

function flat(counts: readonly number[][], smoothing: number): Uint16Array {
  return Uint16Array.from(counts.flatMap((row) => [...sharesOf(row, smoothing)]));
}

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join, resolve } from 'node:path';
import { callFromEvent, CODE_ACT_BASE } from '@bhschain/models/features';
import { describe, expect, it } from 'vitest';
import {
  createLogConsortium,
  type DatasetError,
  logConsortiumOf,
  selectLiveCalls,
  simulateDepartmentLog,
  type LogConsortium,
} from '../src/index.js';

function checkWorld(world: LogConsortium): void {
  const guilty = new Map(world.truth.flatMap((i) => i.eventIds.map((id) => [id, i] as const)));
  let found = 0;
  for (const hospital of world.hospitals) {
    let before = 0;
    for (const event of hospital.events()) {
      const code = callFromEvent(event)!.act - CODE_ACT_BASE;
      const coded = code >= 0 && code < world.vocabulary.activities.length;
      const inOrder = event.timeMs >= before && event.nodeId === hospital.nodeId;
      if (!coded || !inOrder) expect(event).toBe('an event in order, with a code of the table');
      before = event.timeMs;
      const incident = guilty.get(event.eventId);
      if (incident === undefined) continue;
      found++;
      expect(event.actor).toBe(incident.actor);
      expect(event.timeMs).toBeGreaterThanOrEqual(world.liveFromMs);
    }
    expect(before).toBeLessThan(world.endMs);
  }
  expect(found).toBe(guilty.size);
}

describe('log consortium, simulated log', () => {
  const log = simulateDepartmentLog({ seed: 4, days: 120 });
  const options = { file: 'simulated', hospitals: 3, seed: 9 };
  const world = logConsortiumOf(log, options);

  it('is a consortium with coded acts and its truth', () => checkWorld(world));

  it('gives the same for the same seed', () => {
    const again = logConsortiumOf(simulateDepartmentLog({ seed: 4, days: 120 }), options);
    expect(again.truth).toEqual(world.truth);
    expect([...again.hospitals[0]!.events()]).toEqual([...world.hospitals[0]!.events()]);
  });

  it('gives a swapped actor the other’s activities, from the day on and not before', () => {
    const swap = world.swaps[0]!;
    const [a, b] = swap.actors;
    const codesOf = (actor: string, swapped: boolean): Set<string | null> =>
      new Set(
        world.hospitals
          .flatMap((h) => [...h.events()])
          .filter((e) => e.ward === actor && e.patient !== null)
          .filter((e) => e.timeMs >= swap.fromDay * 86_400_000 === swapped)
          .map((e) => e.code),
      );
    const own = codesOf(a, false);
    const now = codesOf(a, true);
    const others = codesOf(b, false);
    const share = (of: Set<string | null>): number =>
      [...now].filter((code) => of.has(code)).length / now.size;
    expect(share(others)).toBeGreaterThan(0.7);
    expect(share(others)).toBeGreaterThan(share(own));
  });

  it('spreads actors so that no hospital stands empty while another has two', () => {
    const sizes = world.hospitals.map((h) => h.staff.length);
    expect(Math.min(...sizes)).toBeGreaterThan(0);
    const actors = world.hospitals.flatMap((h) => h.staff.map((s) => s.actor));
    expect(new Set(actors).size).toBe(actors.length);
  });

  it('refuses a log that is too small, and one without history', () => {
    const fault = (rows: typeof log.rows): DatasetError | null => {
      try {
        logConsortiumOf({ ...log, rows }, options);
        return null;
      } catch (error) {
        return error as DatasetError;
      }
    };
    expect(fault(log.rows.slice(0, 499))?.code).toBe('ERR_EVENT_LOG_TOO_SMALL');
    const oneDay = log.rows.slice(0, 900).map((row) => ({ ...row, timeMs: 0 }));
    expect(fault(oneDay)?.code).toBe('ERR_EVENT_LOG_TOO_SMALL');
  });

  it('does not pretend to a clock', () => {
    for (const hospital of world.hospitals) {
      expect([...hospital.events()].every((e) => e.timeGranularity !== 'exact')).toBe(true);
    }
  });
});

const root = fileURLToPath(new URL('../..', import.meta.url));
const data = resolve(root, process.env['BHS_DATA'] ?? '../shared/data', 'hospital_event_logs');
const there = existsSync(data);
if (!there)
  console.warn(`skipped: real event logs are not at ${data}; set BHS_DATA to their folder`);

describe.skipIf(!there)('log consortium, real logs', () => {
  it.each([
    ['sepsis.csv.gz', 15_214, 16, 'case-shifted'],
    ['bpic2011_hospital.csv.gz', 150_291, 624, 'day'],
  ])('%s becomes a consortium', async (name, rows, activities, granularity) => {
    const file = join(data, name);
    const world = await createLogConsortium({ file, hospitals: 3, seed: 7 });
    expect(world.log.rowCount).toBe(rows);
    expect(world.log.malformedCount).toBe(0);
    expect(world.log.timeGranularity).toBe(granularity);
    expect(world.vocabulary.activities.length).toBe(activities + 3);
    expect(world.truth.filter((i) => i.kind === 'actor swap').length).toBe(4);
    expect(world.truth.filter((i) => i.kind === 'bulk reading').length).toBe(2);
    checkWorld(world);
    const live = selectLiveCalls(world, { seed: 7 });
    expect(live.callCount).toBeGreaterThan(900);
    expect(live.callCount).toBeLessThanOrEqual(1_500);
  });
});

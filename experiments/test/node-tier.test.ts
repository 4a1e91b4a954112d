import { describe, expect, it } from 'vitest';
import { createHospitalWorld } from '@bhschain/datasets';
import { DAY_MEMBERS } from '@bhschain/models/features';
import { DAY_MS, type Borders } from '../src/studies/hospital/featurise.js';
import { nodeTierCases } from '../src/studies/hospital/node-tier.js';

const world = createHospitalWorld({
  seed: 5,
  hospitals: 2,
  staff: 60,
  days: 6,
  liveDays: 2,
  load: 0.2,
  serviceShare: 0.1,
  incidents: { scenarios: ['S2', 'S9', 'S13', 'S17'], difficulties: [1] },
});
const borders: Borders = {
  trainFromMs: world.startMs + DAY_MS,
  calibrateFromMs: world.liveFromMs - DAY_MS,
  liveFromMs: world.liveFromMs,
};
const cases = nodeTierCases(world, borders);

/** Largest surprise of a member in the incident's days. */
function most(scenario: string, member: string): number {
  const incident = world.truth.find((one) => one.scenario === scenario)!;
  const at = DAY_MEMBERS.indexOf(member);
  const own = Object.entries(cases).filter(([name]) =>
    incident.actors.some((actor) => name.includes(` ${actor} `)),
  );
  return Math.max(...own.map(([, surprises]) => surprises[at]!));
}

describe('node tier of a world', () => {
  it('judges days from the calibration on, each by every member', () => {
    const first = Math.floor(borders.calibrateFromMs / DAY_MS);
    for (const [name, surprises] of Object.entries(cases)) {
      expect(Number(name.split(' ')[2])).toBeGreaterThanOrEqual(first);
      expect(surprises.length).toBe(DAY_MEMBERS.length);
      expect(surprises.every((value) => value >= 0 && Number.isFinite(value))).toBe(true);
    }
  });

  it.each([
    ['S2', 'acquainted'],
    ['S9', 'shared'],
    ['S13', 'departed'],
    ['S17', 'moves'],
  ])('%s shows in %s, which hardly any other day does', (scenario, member) => {
    const at = DAY_MEMBERS.indexOf(member);
    const all = Object.values(cases).map((surprises) => surprises[at]!);
    const own = most(scenario, member);
    expect(own).toBeGreaterThan(1);
    expect(all.filter((value) => value >= own).length / all.length).toBeLessThan(0.1);
  });
});

import { describe as suite, expect, it } from 'vitest';
import {
  createDescriber,
  createHospitalWorld,
  describe,
  describeAgainstTargets,
  targetTable,
} from '../src/index.js';

suite('targets', () => {
  const world = createHospitalWorld({
    seed: 1,
    hospitals: 1,
    staff: 300,
    days: 14,
    load: 0.5,
    incidents: { stream: 'benign' },
  });
  const description = describe(world.hospitals[0]!.events());
  const rows = describeAgainstTargets(description);

  it('stands beside what was measured, and says where it parts', () => {
    const inside = new Map(rows.map((row) => [row.quantity, row.inside]));
    for (const quantity of [
      'events a case, median',
      'events a case, p95',
      'the top tenth of cases holds',
      'the top tenth of acts holds',
      'events from 07:00 to 08:59',
      'gaps in a case that are zero',
      'failures',
      'events of services',
    ]) {
      expect(inside.get(quantity), quantity).toBe(true);
    }
    // Action × section has no activity codes, so hardly an act belongs to one ward: the README says so.
    expect(inside.get('acts that one ward alone uses')).toBe(false);
  });

  it('is a table', () => {
    const table = targetTable(rows).split('\n');
    expect(table.length).toBe(rows.length + 2);
    expect(table.at(-1)).toMatch(/^\| events of services \| assumption \| 0\.600 \|/);
  });

  it('has no figure where a source has none', () => {
    const none = describeAgainstTargets(createDescriber().description());
    const gap = none.find((row) => row.quantity === 'gaps in a case, median, s');
    expect(gap).toMatchObject({ value: null, inside: null });
    const world = createHospitalWorld({ seed: 2, hospitals: 1, staff: 20, days: 3, load: 0.1 });
    // Monday to Wednesday.
    const sunday = describeAgainstTargets(describe(world.hospitals[0]!.events())).find(
      (row) => row.quantity === 'Monday over Sunday',
    );
    expect(sunday).toMatchObject({ value: null, inside: null });
  });

  it('counts gaps and new pairs as a plain count does', () => {
    const [first] = world.hospitals[0]!.events();
    const describer = createDescriber();
    const at = (timeMs: number): void =>
      describer.add({ ...first!, action: 'read', actor: 'h', patient: 'p', timeMs });
    for (const seconds of [0, 0, 100, 300, 86_500]) at(1_000 * seconds);
    const { gaps, stayDaysMedian } = describer.description();
    expect(gaps!.zeroShare).toBe(1 / 4);
    expect(gaps!.medianMs / 200_000).toBeGreaterThan(0.9);
    expect(gaps!.medianMs / 200_000).toBeLessThan(1.1);
    expect(stayDaysMedian).toBeCloseTo(86_500 / 86_400, 9);
  });
});

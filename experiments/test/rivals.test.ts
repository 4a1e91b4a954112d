import { createHospitalWorld, randomStream } from '@bhschain/datasets';
import { callFromEvent } from '@bhschain/models/features';
import { describe, expect, it } from 'vitest';
import { DAY_MS, type Case } from '../src/studies/hospital/featurise.js';
import type { HospitalData } from '../src/studies/hospital/hospital-data.js';
import {
  actSessions,
  RIVALS,
  rivalScores,
  type ActSession,
  type ActSessions,
} from '../src/studies/hospital/rivals.js';

describe('sessions as rivals see them', () => {
  const world = createHospitalWorld({ seed: 5, hospitals: 1, staff: 60, days: 6, liveDays: 2 });
  const hospital = world.hospitals[0]!;
  const borders = { calibrateFromMs: world.liveFromMs - DAY_MS, liveFromMs: world.liveFromMs };
  const begins = new Map<string, { actor: string; timeMs: number; acts: number[] }>();
  for (const event of hospital.events()) {
    const call = callFromEvent(event);
    if (event.session === null || event.actorClass === 'service' || call === null) continue;
    const { actor, timeMs } = event;
    const session = begins.get(event.session) ?? { actor, timeMs, acts: [] };
    begins.set(event.session, session);
    session.acts.push(call.act);
  }
  const all = [...begins.values()];
  const daysFrom = (from: number, until: number): Case[] =>
    [
      ...new Set(
        all
          .filter(({ timeMs }) => timeMs >= from && timeMs < until)
          .map(({ actor, timeMs }) => `${actor} ${Math.floor(timeMs / DAY_MS)}`),
      ),
    ].map((name): Case => {
      const [actor, day] = name.split(' ') as [string, string];
      return { nodeId: 'H1', actor, day: Number(day), incidents: [] };
    });
  const cases = {
    calibrationCases: daysFrom(borders.calibrateFromMs, borders.liveFromMs),
    liveCases: daysFrom(borders.liveFromMs, Infinity),
  };
  const made = actSessions(hospital, borders, cases);

  it('are whole, and each stands where it began', () => {
    expect(made.training).toEqual(
      all.filter(({ timeMs }) => timeMs < borders.calibrateFromMs).map(({ acts }) => acts),
    );
    expect(made.live.map(({ acts }) => acts)).toEqual(
      all.filter(({ timeMs }) => timeMs >= borders.liveFromMs).map(({ acts }) => acts),
    );
    expect(made.calibration.length).toBeGreaterThan(10);
    for (const { of, acts } of made.calibration) {
      const { actor, day } = cases.calibrationCases[of]!;
      expect(
        all.some(
          (one) =>
            one.actor === actor &&
            Math.floor(one.timeMs / DAY_MS) === day &&
            one.acts.join() === acts.join(),
        ),
      ).toBe(true);
    }
  });

  it('of days that are no case are left out', () => {
    const half = cases.liveCases.filter((_, i) => i % 2 === 0);
    const fewer = actSessions(hospital, borders, { ...cases, liveCases: half });
    const kept = made.live.filter(({ of }) => of % 2 === 0);
    expect(fewer.live).toEqual(kept.map(({ of, acts }) => ({ of: of / 2, acts })));
    expect(fewer.training).toEqual(made.training);
  });
});

describe('a rival', () => {
  const random = randomStream(1, 'sessions');
  const run = (act: number, most: number): number[] =>
    Array<number>(1 + random.below(most)).fill(act);
  const usual: ActSession[] = Array.from({ length: 400 }, () => [
    0,
    ...run(1, 4),
    ...run(2, 4),
    ...run(3, 8),
    4,
  ]);
  const caseOf = (i: number): Case => ({ nodeId: 'H1', actor: `a${i}`, day: 1, incidents: [] });
  const inCases = (sessions: readonly ActSession[]): ActSessions['live'] =>
    sessions.map((acts, of) => ({ of, acts }));
  const strange: ActSession = [4, 4, 4, 0, 0, 4, 4, 4, 0, 4, 4, 4];
  const acts: ActSessions = {
    training: usual,
    calibration: inCases(usual.slice(0, 100)),
    live: [...inCases(usual.slice(100, 130)), { of: 7, acts: strange }],
  };
  const data = {
    nodeId: 'H1',
    calibrationCases: acts.calibration.map((_, i) => caseOf(i)),
    liveCases: Array.from({ length: 30 }, (_, i) => caseOf(i)),
    rehearsal: null,
    acts: () => acts,
  } as unknown as HospitalData;

  it('is one that others published, no control', () => {
    expect(RIVALS.map(({ name }) => name).sort()).toEqual([
      '6-gram',
      'count-vector',
      'isolation-forest',
      'next-event-lstm',
    ]);
  });

  it.each(RIVALS.map((rival) => [rival.name, rival] as const))(
    '%s ranks the day with a strange session among the first two of thirty',
    (_, rival) => {
      const { live, calibration } = rivalScores(rival, data, 1);
      expect(live).toHaveLength(30);
      expect(calibration).toHaveLength(100);
      // Whatever lies beyond all calibration days ties with it.
      expect(live.filter((score) => score >= live[7]!).length).toBeLessThanOrEqual(2);
    },
  );
});

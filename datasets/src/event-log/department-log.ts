/**
 * A simulated event log of departments: who did which activity for which case on which day. Coded sources need public
 * windows of their own for calibration, since activities of a log are nothing like actions on sections.
 *
 * Its shape follows what is published about such logs (volumes and activities heavy-tailed, most activities used by one department,
 * requests in bundles), with each figure drawn anew for each seed.
 * @module
 */

import type { TimeGranularity } from '@bhschain/models/features';
import { checkInteger } from '../errors.js';
import { randomStream, type RandomStream } from '../random-stream.js';
import type { EventLog, LogRow } from './event-log.js';

export interface DepartmentLogOptions {
  readonly seed: number;
  /** Default 400. */
  readonly days?: number;
}

interface Department {
  readonly name: string;
  /** Mean visits a day. */
  readonly visits: number;
  readonly bundles: readonly (readonly string[])[];
  readonly weights: readonly number[];
  /** Probability that a step of a bundle is taken. */
  readonly care: number;
}

const DAY_MS = 86_400_000;
const START_DAY = 16_000;
const WEEKDAY_FACTORS = [1, 0.65, 0.75, 0.7, 0.55, 0.2, 0.18];

export function simulateDepartmentLog(options: DepartmentLogOptions): EventLog {
  const days = checkInteger('days', options.days ?? 400, { least: 30, most: 3_660 });
  const random = randomStream(options.seed, 'department log');
  const departments = departmentsOf(random);
  const granularity: TimeGranularity = random.chance(0.5) ? 'day' : 'case-shifted';
  const sequences = new Map<string, number>();
  const rows: LogRow[] = [];
  for (let day = START_DAY; day < START_DAY + days; day++) {
    const factor = WEEKDAY_FACTORS[(day + 3) % 7]!;
    for (const department of departments) {
      const visits = random.poisson(Math.min(60, department.visits * factor));
      for (let visit = 0; visit < visits; visit++) {
        const name = `c${Math.floor(day / 9) * 40 + random.below(60)}`;
        const bundle = department.bundles[random.weighted(department.weights)]!;
        for (const activity of bundle) {
          if (!random.chance(department.care)) continue;
          const sequence = sequences.get(name) ?? 0;
          sequences.set(name, sequence + 1);
          const timeMs = day * DAY_MS;
          rows.push({ case: name, sequence, timeMs, group: department.name, activity });
        }
      }
    }
  }
  return {
    rows,
    timeGranularity: granularity,
    malformedCount: 0,
    malformed: [],
    outOfOrderCount: 0,
  };
}

function departmentsOf(random: RandomStream): Department[] {
  const count = 8 + random.below(22);
  const busiest = random.between(6, 30);
  const fall = random.between(0.9, 1.6);
  const shared = random.chance(0.5) ? 0.02 : random.between(0.05, 0.3);
  const pool = Array.from({ length: 12 }, (_, i) => `common ${i}`);
  return Array.from({ length: count }, (_, i): Department => {
    const visits = busiest / (i + 1) ** fall;
    const breadth = Math.max(1, Math.min(170, Math.round(random.logNormal(3 + visits * 1.5, 1))));
    const own = Array.from({ length: breadth }, (_unused, j) =>
      random.chance(shared) ? random.pick(pool) : `activity ${i}.${j}`,
    );
    const weightsOfOwn = own.map((_unused, j) => 1 / (j + 1) ** random.between(0.9, 1.5));
    const bundleCount = Math.max(1, Math.ceil(breadth / 3));
    const bundles = Array.from({ length: bundleCount }, () =>
      Array.from(
        { length: Math.max(1, random.poisson(Math.min(breadth, 6) * 0.8)) },
        () => own[random.weighted(weightsOfOwn)]!,
      ),
    );
    return {
      name: `department ${i}`,
      visits,
      bundles,
      weights: bundles.map((_unused, j) => 1 / (j + 1) ** random.between(0.6, 1.3)),
      care: random.between(0.75, 1),
    };
  });
}

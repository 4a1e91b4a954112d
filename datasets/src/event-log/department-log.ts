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
  const count = 4 + random.below(26);
  const busiest = random.logNormal(9, 0.7);
  const fall = random.between(0.7, 1.6);
  const shared = random.chance(0.5) ? 0.02 : random.between(0.05, 0.3);
  // Some sources write one line a request, others a line for each item of a panel.
  const panel = random.logNormal(3, 0.8);
  const pool = Array.from({ length: 12 }, (_, i) => `common ${i}`);
  return Array.from({ length: count }, (_, i): Department => {
    const visits = busiest / (i + 1) ** fall;
    const breadth = Math.max(1, Math.min(174, Math.round(random.logNormal(6, 1.2))));
    const own = Array.from({ length: breadth }, (_unused, j) =>
      random.chance(shared) ? random.pick(pool) : `activity ${i}.${j}`,
    );
    const steepness = random.between(0.3, 1.6);
    const weightsOfOwn = own.map((_unused, j) => 1 / (j + 1) ** steepness);
    const length = Math.min(panel * random.logNormal(1, 0.6), 24, 1 + breadth);
    const bundleCount = Math.max(1, Math.ceil(breadth / random.between(1, 4)));
    const bundles = Array.from({ length: bundleCount }, () =>
      Array.from(
        { length: Math.max(1, random.poisson(length)) },
        () => own[random.weighted(weightsOfOwn)]!,
      ),
    );
    const favour = random.between(0.2, 1.4);
    return {
      name: `department ${i}`,
      visits,
      bundles,
      weights: bundles.map((_unused, j) => 1 / (j + 1) ** favour),
      care: random.between(0.6, 1),
    };
  });
}

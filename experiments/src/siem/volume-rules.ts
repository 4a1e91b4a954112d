/**
 * Rules about how much and how fast (detection.md §9: R4, R5, R13, R16).
 * @module
 */
import { DAY_MS, HOUR_MS, MINUTE_MS, type Rule } from './rule.js';
import { slidingCount, slidingDistinct } from './sliding.js';

/** Patients an hour until a role has shown enough hours of its own. */
const START: Readonly<Record<string, number>> = {
  nurse: 25,
  physician: 40,
  resident: 40,
  clerk: 80,
  billing: 80,
};
const START_OTHERS = 60;
const HOURS_LEAST = 500;
const HISTORY_MS = 30 * DAY_MS;

export const distinctPatients: Rule = {
  id: 'R4',
  title: 'distinct patients in an hour',
  points: 40,
  scalable: true,
  create({ scale }) {
    const now = slidingDistinct(HOUR_MS);
    const roles = new Map<string, HourCounts>();
    const actors = new Map<string, Hours>();
    return ({ actor, actorClass, role, patient, timeMs }) => {
      if (patient === null || actorClass === 'service') return false;
      const count = now.add(actor, timeMs, patient);
      const ofRole = roles.get(role) ?? new HourCounts();
      roles.set(role, ofRole);
      const hour = Math.floor(timeMs / HOUR_MS);
      const own = actors.get(actor) ?? { hour, most: 0, past: [], pastMost: [] };
      actors.set(actor, own);
      if (own.hour !== hour) {
        // A finished hour becomes part of what is usual.
        own.past.push(own.hour);
        own.pastMost.push(own.most);
        ofRole.add(own.most);
        while (own.past[0]! * HOUR_MS < timeMs - HISTORY_MS) {
          own.past.shift();
          own.pastMost.shift();
        }
        own.hour = hour;
        own.most = 0;
      }
      own.most = Math.max(own.most, count);
      const floor = ofRole.count >= HOURS_LEAST ? ofRole.p99 : (START[role] ?? START_OTHERS);
      if (count <= scale * floor) return false;
      return count > scale * Math.max(floor, 3 * p95(own.pastMost));
    };
  },
};

/** Two lists of small numbers: a month of everybody's hours, at every scale that is tried, fits in memory. */
interface Hours {
  hour: number;
  most: number;
  readonly past: number[];
  readonly pastMost: number[];
}

class HourCounts {
  count = 0;
  readonly #bins = new Uint32Array(1024);
  /** Asked for at every event, changed once an hour. */
  #p99: number | null = null;

  add(patients: number): void {
    this.count++;
    this.#bins[Math.min(patients, 1023)]!++;
    this.#p99 = null;
  }

  get p99(): number {
    return (this.#p99 ??= this.#quantile(0.99));
  }

  #quantile(share: number): number {
    let left = share * this.count;
    for (let bin = 0; bin < this.#bins.length; bin++) {
      left -= this.#bins[bin]!;
      if (left <= 0) return bin;
    }
    return this.#bins.length;
  }
}

function p95(counts: readonly number[]): number {
  return counts.toSorted((a, b) => a - b)[Math.floor(0.95 * counts.length)] ?? 0;
}

const TAKES_OUT = new Set(['export', 'print', 'disclose']);

export const exportVolume: Rule = {
  id: 'R5',
  title: 'export or print volume',
  points: 60,
  scalable: true,
  create({ scale }) {
    const exports = slidingCount(HOUR_MS);
    return ({ actor, actorClass, action, recordCount, timeMs }) => {
      if (!TAKES_OUT.has(action) || actorClass === 'service') return false;
      return exports.add(actor, timeMs) >= 20 * scale || recordCount > 100 * scale;
    };
  },
};

export const massChange: Rule = {
  id: 'R13',
  title: 'mass update or deletion',
  points: 80,
  scalable: true,
  create({ scale }) {
    const updated = slidingDistinct(MINUTE_MS);
    const deleted = slidingCount(MINUTE_MS);
    return ({ actor, actorClass, action, patient, eventId, timeMs }) => {
      if (actorClass === 'service') return false;
      if (action === 'delete') return deleted.add(actor, timeMs) >= 10 * scale;
      if (action !== 'update') return false;
      return updated.add(actor, timeMs, patient ?? eventId) >= 50 * scale;
    };
  },
};

const PACE_EVENTS = 50;
const PACE_CV = 0.1;
const SEQUENTIAL = 20;

/** Equal stamps are a batch of a laboratory, not a bot. */
export const machinePace: Rule = {
  id: 'R16',
  title: 'machine-like pace or order',
  points: 60,
  scalable: false,
  create() {
    const people = new Map<
      string,
      { lastMs: number; gaps: number[]; number: number; run: number }
    >();
    return ({ actor, actorClass, patient, timeMs }) => {
      if (actorClass === 'service') return false;
      const own = people.get(actor) ?? { lastMs: timeMs, gaps: [], number: -2, run: 0 };
      people.set(actor, own);
      const gap = timeMs - own.lastMs;
      own.lastMs = timeMs;
      if (gap > 0) {
        own.gaps.push(gap);
        if (own.gaps.length >= PACE_EVENTS) own.gaps.splice(0, own.gaps.length - PACE_EVENTS + 1);
      }
      const number = patient === null ? null : lastNumber(patient);
      if (number !== null && number !== own.number) {
        own.run = number === own.number + 1 ? own.run + 1 : 1;
        own.number = number;
      }
      const even = own.gaps.length >= PACE_EVENTS - 1 && variation(own.gaps) < PACE_CV;
      return even || own.run >= SEQUENTIAL;
    };
  },
};

/** The digits at the end of a handle; NaN without one. */
function lastNumber(handle: string): number {
  let from = handle.length;
  while (from > 0 && handle.charCodeAt(from - 1) >= 48 && handle.charCodeAt(from - 1) <= 57) from--;
  return from === handle.length ? Number.NaN : Number(handle.slice(from));
}

function variation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return Math.sqrt(variance) / mean;
}

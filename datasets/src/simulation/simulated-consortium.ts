/**
 * The simulated consortium: seeded hospitals whose events stream in order of time, and incidents in the live part.
 * @module
 */

import type { AccessEvent } from '@bhschain/models/features';
import {
  HOSPITALS_MAX,
  nodeIdsOf,
  type Consortium,
  type ConsortiumHospital,
} from '../consortium.js';
import { checkInteger, checkNumber } from '../errors.js';
import { randomStream } from '../random-stream.js';
import { createPatients } from './patients.js';
import { plantIncident, SCENARIOS, type PlantedIncident } from './scenarios.js';
import { DAY_MS, HOUR_MS, shiftOf } from './shifts.js';
import { shiftEvents } from './shift-events.js';
import { staffOf, wardsOf, worldStyle, type SimulatedMember, type WorldStyle } from './staff.js';

export interface SimulatedConsortiumOptions {
  readonly seed: number;
  /** 1 to 8. */
  readonly hospitals: number;
  /** History and live part together; default 7. */
  readonly days?: number;
  /** Default 360. */
  readonly staffPerHospital?: number;
  /** Default 6. */
  readonly liveHours?: number;
  /** Default Monday 2 March 2026, 18:00 UTC, so that the live part of a week is a working Monday's 12 to 18 h. */
  readonly startMs?: number;
  /** How often the list of incidents is planted over the consortium; default 1, 0 for a benign world. */
  readonly incidentCopies?: number;
}

const START_MS = Date.UTC(2026, 2, 2, 18);

/** @throws {DatasetError} `ERR_DATASET_OPTION` with the option's name */
export function createConsortium(options: SimulatedConsortiumOptions): Consortium {
  const seed = checkInteger('seed', options.seed, { least: 0, most: Number.MAX_SAFE_INTEGER });
  const count = checkInteger('hospitals', options.hospitals, { least: 1, most: HOSPITALS_MAX });
  const days = checkNumber('days', options.days ?? 7, { least: 1, most: 3_660 });
  const staffPerHospital = checkInteger('staffPerHospital', options.staffPerHospital ?? 360, {
    least: 20,
    most: 20_000,
  });
  const liveHours = checkNumber('liveHours', options.liveHours ?? 6, {
    least: 1,
    most: days * 24,
  });
  const startMs = checkInteger('startMs', options.startMs ?? START_MS, {
    least: DAY_MS,
    most: 2 ** 43,
  });
  const copies = checkInteger('incidentCopies', options.incidentCopies ?? 1, {
    least: 0,
    most: 1_000,
  });
  const endMs = startMs + days * DAY_MS;
  const liveFromMs = endMs - liveHours * HOUR_MS;
  const nodeIds = nodeIdsOf(count);
  const style = worldStyle(randomStream(seed, 'style'));
  const worlds = nodeIds.map((nodeId) =>
    hospitalWorld({ seed, nodeId, nodeIds, days, staffPerHospital, startMs, endMs, style }),
  );
  const planted = Array.from({ length: copies }, () => SCENARIOS)
    .flat()
    .map((scenario, i) => {
      const world = worlds[i % worlds.length]!;
      const random = randomStream(seed, 'incident', i);
      return plantIncident({
        id: `I${String(i + 1).padStart(2, '0')}`,
        scenario,
        nodeId: world.nodeId,
        staff: world.staff,
        patients: world.patientsFor(`incident ${i}`),
        startMs: Math.floor(random.between(liveFromMs + 60_000, endMs - 0.3 * liveHours * HOUR_MS)),
        random,
      });
    });
  return {
    hospitals: worlds.map((world) => hospitalOf(world, planted)),
    truth: planted.map(({ incident }) => incident),
    startMs,
    liveFromMs,
    endMs,
    vocabulary: null,
  };
}

interface HospitalWorld {
  readonly nodeId: string;
  readonly staff: readonly SimulatedMember[];
  readonly patientsFor: (purpose: string) => ReturnType<typeof createPatients>;
  /** The events of the shifts that begin on each day. */
  readonly days: () => Iterable<Readonly<{ day: number; events: readonly AccessEvent[] }>>;
}

function hospitalWorld(
  options: Readonly<{
    seed: number;
    nodeId: string;
    nodeIds: readonly string[];
    days: number;
    staffPerHospital: number;
    startMs: number;
    endMs: number;
    style: WorldStyle;
  }>,
): HospitalWorld {
  const { seed, nodeId, staffPerHospital, startMs, endMs, style } = options;
  const staff = staffOf({
    nodeId,
    count: staffPerHospital,
    days: Math.ceil(options.days),
    random: randomStream(seed, 'staff', nodeId),
    style,
  });
  const wards = wardsOf(staffPerHospital);
  const others = options.nodeIds.filter((id) => id !== nodeId);
  const patientsFor = (purpose: string): ReturnType<typeof createPatients> =>
    createPatients({ nodeId, others, wards, random: randomStream(seed, purpose, nodeId) });
  return {
    nodeId,
    staff,
    patientsFor,
    *days() {
      const patients = patientsFor('patients');
      const firstDay = Math.floor(startMs / DAY_MS);
      // Yesterday's night shifts reach into the first day.
      for (let day = firstDay - 1; day * DAY_MS < endMs; day++) {
        patients.advance(day);
        const events: AccessEvent[] = [];
        for (const [index, member] of staff.entries()) {
          const shift = shiftOf(member, day, firstDay - 1);
          if (shift === null) continue;
          const random = randomStream(seed, 'shift', nodeId, index, day);
          const ward = { patients, wards };
          for (const event of shiftEvents({ member, shift, nodeId, ward, style, random })) {
            if (event.timeMs >= startMs && event.timeMs < endMs) events.push(event);
          }
        }
        yield { day, events };
      }
    },
  };
}

function hospitalOf(world: HospitalWorld, planted: readonly PlantedIncident[]): ConsortiumHospital {
  const extra = planted
    .filter(({ incident }) => incident.nodeId === world.nodeId)
    .flatMap(({ events }) => events);
  return {
    nodeId: world.nodeId,
    staff: world.staff.map(({ actor, role, ward, class: kind }) => ({
      actor,
      role,
      ward,
      class: kind,
    })),
    *events() {
      let sequence = 0;
      let waiting: AccessEvent[] = [...extra];
      const emit = function* (events: readonly AccessEvent[]): Iterable<AccessEvent> {
        for (const event of events) yield { ...event, sequence: BigInt(++sequence) };
      };
      for (const { day, events } of world.days()) {
        for (const event of events) waiting.push(event);
        waiting.sort((a, b) => a.timeMs - b.timeMs);
        // The next day's shifts may begin some minutes before midnight.
        const borderMs = (day + 1) * DAY_MS - HOUR_MS;
        const later = waiting.findIndex((event) => event.timeMs >= borderMs);
        yield* emit(later < 0 ? waiting : waiting.slice(0, later));
        waiting = later < 0 ? [] : waiting.slice(later);
      }
      yield* emit(waiting);
    },
  };
}

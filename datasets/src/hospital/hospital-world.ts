/**
 * A consortium at hospital scale: 3 to 8 hospitals of 300 to 3,000 people, their patients and care teams, legitimate
 * anomalies, drift, services, and planted incidents. Simulated; it shares nothing with the detector but the event's schema.
 * @module
 */

import type { Role } from '@bhschain/models/features';
import { nodeIdsOf, type Consortium, type ConsortiumHospital } from '../consortium.js';
import { plantIncidents, type LabelledIncident } from '../scenarios/planting.js';
import { readCatalogue } from '../scenarios/catalogue.js';
import { DAY_MS } from './calendar.js';
import { careOf, type CareRelation } from './care.js';
import { eventsOf, expectedPeopleADay, type Site } from './hospital-events.js';
import { scheduleOf, type Oddity } from './oddities.js';
import { configHashOf, configOf, type HospitalWorldOptions, type WorldConfig } from './options.js';
import { staffOf, styleOf } from './staff.js';

/** What the personnel office knows; the rules of a SIEM need it, a detector does not. */
export interface StaffRecord {
  readonly nodeId: string;
  readonly actor: string;
  readonly role: Role;
  readonly ward: string;
  readonly surname: string;
  readonly household: string;
  /** null: before the world began. */
  readonly hiredMs: number | null;
  /** null: still employed. */
  readonly leftMs: number | null;
}

export interface PatientRecord {
  readonly nodeId: string;
  readonly patient: string;
  readonly surname: string;
  readonly household: string;
  /** The member of staff who is this patient. */
  readonly employee: string | null;
  readonly vip: boolean;
}

export interface WorldHospital extends ConsortiumHospital {
  relations(): Iterable<CareRelation>;
  directory(): Iterable<StaffRecord>;
  patients(): Iterable<PatientRecord>;
}

export interface HospitalWorld extends Consortium {
  readonly hospitals: readonly WorldHospital[];
  readonly truth: readonly LabelledIncident[];
  /** Legitimate anomalies, labelled as such. */
  readonly oddities: readonly Oddity[];
  readonly config: WorldConfig;
  /** SHA-256 of configuration and scenario magnitudes; equal hashes are equal bytes. */
  readonly configHash: string;
  /** Events that the world is expected to have, services included, incidents not. */
  readonly expectedEvents: number;
}

/** @throws {DatasetError} `ERR_DATASET_OPTION` with the option's name, what came and what was expected */
export function createHospitalWorld(options: HospitalWorldOptions): HospitalWorld {
  const catalogue = readCatalogue();
  const config = configOf(options, Object.keys(catalogue.scenarios));
  const nodeIds = nodeIdsOf(config.hospitals);
  const sites = nodeIds.map((nodeId, i) => siteOf(config, nodeId, nodeIds, config.staff[i]!));
  const expectedEvents = Math.round(
    sites.reduce((sum, site) => sum + expectedPeopleADay(site), 0) *
      (config.days / (1 - config.serviceShare)),
  );
  const liveFromMs = config.startMs + (config.days - config.liveDays) * DAY_MS;
  const endMs = config.startMs + config.days * DAY_MS;
  const { incidents, plantings } = plantIncidents({
    config,
    catalogue,
    sites,
    liveFromMs,
    endMs,
    expectedEvents,
  });
  return {
    hospitals: sites.map((site): WorldHospital => ({
      nodeId: site.nodeId,
      staff: site.staff.map(({ actor, role, ward, class: kind }) => ({
        actor,
        role,
        ward,
        class: kind,
      })),
      events: () => eventsOf(site, plantings.get(site.nodeId)!),
      relations: () => site.care.relations(),
      directory: () => directoryOf(site),
      patients: () => patientsOf(site),
    })),
    truth: incidents,
    oddities: sites.flatMap((site) => site.schedule.oddities),
    startMs: config.startMs,
    liveFromMs,
    endMs,
    vocabulary: null,
    config,
    configHash: configHashOf(config, catalogue.hash),
    expectedEvents,
  };
}

function siteOf(
  config: WorldConfig,
  nodeId: string,
  nodeIds: readonly string[],
  count: number,
): Site {
  const style = styleOf(config, nodeId);
  const staff = staffOf(config, nodeId, count, style);
  const others = nodeIds.filter((id) => id !== nodeId);
  const care = careOf({ config, nodeId, others, count, staff });
  return {
    nodeId,
    config,
    style,
    staff,
    care,
    schedule: scheduleOf({ config, nodeId, staff, care }),
  };
}

function* directoryOf(site: Site): Generator<StaffRecord> {
  for (const member of site.staff) {
    yield {
      nodeId: site.nodeId,
      actor: member.actor,
      role: member.role,
      ward: member.ward,
      surname: member.surname,
      household: member.household,
      hiredMs: member.hiredOnDay === null ? null : member.hiredOnDay * DAY_MS,
      leftMs: member.leftOnDay === null ? null : member.leftOnDay * DAY_MS,
    };
  }
}

function* patientsOf(site: Site): Generator<PatientRecord> {
  for (const { handle, surname, household, employee, vip } of site.care.patients) {
    yield { nodeId: site.nodeId, patient: handle, surname, household, employee, vip };
  }
}

/**
 * What a hospital-scale world is made of, checked once at the door and frozen; a world is named by the hash of this.
 * @module
 */

import { createHash } from 'node:crypto';
import type { Difficulty } from '../consortium.js';
import { checkInteger, checkNumber, DatasetError } from '../errors.js';
import { DAY_MS, type Zone } from './calendar.js';
import { CUSTOMS, type CustomsName } from './customs.js';

export interface HospitalWorldOptions {
  readonly seed: number;
  /** 1 to 64; a consortium today has 3 to 8, more of them are a question about scale. */
  readonly hospitals: number;
  /** People a hospital, 20 to 20,000 (services not counted), or one number for each hospital; default 1000. */
  readonly staff?: number | readonly number[];
  /** History and live part together, 2 to 3,660; default 28. */
  readonly days?: number;
  /** The last days, where incidents lie; default 30 % of the days. */
  readonly liveDays?: number;
  /** Factor on everybody's number of events; default 1 (a nurse makes about 200 in a shift). */
  readonly load?: number;
  /** Share of events that services make; default 0.6, 0 for none. */
  readonly serviceShare?: number;
  /** Standard deviation of the log-normal factors in which hospitals differ (workflow weights, pace, rotas); default 0.35. */
  readonly heterogeneity?: number;
  /** Rotas, pace and how software writes acts down: as the public simulator has them, or not; default `known`. */
  readonly customs?: CustomsName;
  /** Legitimate anomalies; default true. */
  readonly oddities?: boolean;
  /** New event type, turnover, season; default true. */
  readonly drift?: boolean;
  /** Default UTC in winter, one hour ahead in summer. */
  readonly zone?: Zone;
  /** First day, UTC midnight; default Monday 2 March 2026. */
  readonly startMs?: number;
  readonly incidents?: IncidentOptions;
}

export interface IncidentOptions {
  /** Default `balanced`. */
  readonly stream?: 'benign' | 'operational' | 'balanced';
  /** Catalogue numbers (`S1` …); default all. */
  readonly scenarios?: readonly string[];
  /** Default 1 and 2. */
  readonly difficulties?: readonly Difficulty[];
  /** Balanced stream: incidents of each scenario and difficulty; default 1. */
  readonly copies?: number;
  /** Operational stream: malicious share of all events, 0.0001 to 0.001; default 0.0005. */
  readonly maliciousShare?: number;
  /**
   * Default `guilty`. `own`: a rehearsal for controls – the same people, moments and numbers of acts, but each act a piece of the
   * person's own work at their own device; truth names what would have been guilty. What is found in it was found by staging.
   */
  readonly acts?: 'guilty' | 'own';
  /**
   * Default `added`: planted sessions come on top of a person's day. `replaced`: they take the place of as many acts of the day's
   * own work, and nobody works in two sessions at once; an intruder's sessions still come on top.
   */
  readonly work?: 'added' | 'replaced';
}

export interface WorldConfig {
  readonly seed: number;
  readonly hospitals: number;
  readonly staff: readonly number[];
  readonly days: number;
  readonly liveDays: number;
  readonly load: number;
  readonly serviceShare: number;
  readonly heterogeneity: number;
  readonly customs: CustomsName;
  readonly oddities: boolean;
  readonly drift: boolean;
  readonly zone: Zone;
  readonly startMs: number;
  readonly incidents: Readonly<Required<IncidentOptions>>;
}

const HOSPITALS_MOST = 64;
const START_MS = Date.UTC(2026, 2, 2);
const STREAMS = ['benign', 'operational', 'balanced'] as const;
const ACTS = ['guilty', 'own'] as const;
const WORK = ['added', 'replaced'] as const;

/** @throws {DatasetError} `ERR_DATASET_OPTION` with the option's name, what came and what was expected */
export function configOf(
  options: HospitalWorldOptions,
  catalogued: readonly string[],
): WorldConfig {
  const hospitals = checkInteger('hospitals', options.hospitals, {
    least: 1,
    most: HOSPITALS_MOST,
  });
  const days = checkInteger('days', options.days ?? 28, { least: 2, most: 3_660 });
  const startMs = checkInteger('startMs', options.startMs ?? START_MS, {
    least: DAY_MS,
    most: 2 ** 43,
  });
  const customs = options.customs ?? 'known';
  if (!CUSTOMS.includes(customs)) refuse('customs', customs, CUSTOMS.join(', '));
  const zone = options.zone ?? { offsetMinutes: 0, daylightSaving: true };
  return Object.freeze({
    seed: checkInteger('seed', options.seed, { least: 0, most: Number.MAX_SAFE_INTEGER }),
    hospitals,
    staff: staffOf(options.staff ?? 1_000, hospitals),
    days,
    liveDays: checkInteger('liveDays', options.liveDays ?? Math.max(1, Math.round(days * 0.3)), {
      least: 1,
      most: days - 1,
    }),
    load: checkNumber('load', options.load ?? 1, { least: 0.01, most: 10 }),
    serviceShare: checkNumber('serviceShare', options.serviceShare ?? 0.6, { least: 0, most: 0.9 }),
    heterogeneity: checkNumber('heterogeneity', options.heterogeneity ?? 0.35, {
      least: 0,
      most: 2,
    }),
    customs,
    oddities: options.oddities ?? true,
    drift: options.drift ?? true,
    zone: {
      offsetMinutes: checkInteger('zone.offsetMinutes', zone.offsetMinutes, {
        least: -720,
        most: 840,
      }),
      daylightSaving: zone.daylightSaving,
    },
    startMs: Math.floor(startMs / DAY_MS) * DAY_MS,
    incidents: incidentsOf(options.incidents ?? {}, catalogued),
  });
}

function staffOf(staff: number | readonly number[], hospitals: number): readonly number[] {
  const list = typeof staff === 'number' ? Array<number>(hospitals).fill(staff) : [...staff];
  if (list.length !== hospitals) {
    refuse('staff', `${list.length} numbers`, `one number, or ${hospitals} of them`);
  }
  return list.map((count) => checkInteger('staff', count, { least: 20, most: 20_000 }));
}

function incidentsOf(
  options: IncidentOptions,
  catalogued: readonly string[],
): WorldConfig['incidents'] {
  const stream = options.stream ?? 'balanced';
  if (!STREAMS.includes(stream)) refuse('incidents.stream', stream, STREAMS.join(', '));
  const acts = options.acts ?? 'guilty';
  if (!ACTS.includes(acts)) refuse('incidents.acts', acts, ACTS.join(', '));
  const work = options.work ?? 'added';
  if (!WORK.includes(work)) refuse('incidents.work', work, WORK.join(', '));
  const scenarios = [...(options.scenarios ?? catalogued)];
  for (const name of scenarios) {
    if (!catalogued.includes(name)) refuse('incidents.scenarios', name, catalogued.join(', '));
  }
  const difficulties = [...(options.difficulties ?? ([1, 2] as const))];
  for (const level of difficulties) {
    checkInteger('incidents.difficulties', level, { least: 1, most: 3 });
  }
  return {
    stream,
    scenarios,
    difficulties,
    copies: checkInteger('incidents.copies', options.copies ?? 1, { least: 1, most: 10_000 }),
    maliciousShare: checkNumber('incidents.maliciousShare', options.maliciousShare ?? 0.0005, {
      least: 0.0001,
      most: 0.001,
    }),
    acts,
    work,
  };
}

/** SHA-256 over the configuration and the catalogue of magnitudes: equal hashes are equal bytes. */
export function configHashOf(config: WorldConfig, catalogueHash: string): string {
  return createHash('sha256')
    .update(JSON.stringify({ format: 'hospital-world/1', config, catalogueHash }))
    .digest('hex');
}

function refuse(name: string, got: string, expected: string): never {
  throw new DatasetError('ERR_DATASET_OPTION', `${name}: expected ${expected}, got ${got}`, {
    name,
    got,
    expected,
  });
}

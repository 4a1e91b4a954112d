/**
 * Rivals on the same days: detectors of event sequences as the literature has them, fitted at each hospital on what its sessions
 * did before the calibration, by acts and their order alone. A day is as strange as its strangest session.
 * @module
 */
import type { WorldHospital } from '@bhschain/datasets';
import { joinCases, strangestOfCases } from '@bhschain/models/detector';
import { callFromEvent } from '@bhschain/models/features';
import { detectorsFor, type SequenceDetector, type Session } from '../../detectors/index.js';
import { seedNumber } from '../../harness/seed-streams.js';
import { ARMS } from './config.js';
import { DAY_MS, type Borders, type Case } from './featurise.js';
import type { HospitalData } from './hospital-data.js';
import type { HospitalScores } from './scoring.js';

/** Arms that have the name of a detector with which `evaluate` judges session logs. */
export const RIVALS: readonly SequenceDetector[] = detectorsFor({ groups: false }).filter(
  ({ name, standing }) => standing === 'rival' && (ARMS as readonly string[]).includes(name),
);

/** Acts of one session, in their order. */
export type ActSession = readonly number[];

export interface CaseSession {
  /** Index of the case that the session belongs to. */
  readonly of: number;
  readonly acts: ActSession;
}

/** Sessions of people by when they began. Those of days that are no case are left out. */
export interface ActSessions {
  readonly training: readonly ActSession[];
  readonly calibration: readonly CaseSession[];
  readonly live: readonly CaseSession[];
}

export function actSessions(
  hospital: Pick<WorldHospital, 'events'>,
  borders: Pick<Borders, 'calibrateFromMs' | 'liveFromMs'>,
  cases: Readonly<{ calibrationCases: readonly Case[]; liveCases: readonly Case[] }>,
): ActSessions {
  const places = (all: readonly Case[]): Map<string, number> =>
    new Map(all.map(({ actor, day }, i) => [`${actor} ${day}`, i]));
  const calibrationPlaces = places(cases.calibrationCases);
  const livePlaces = places(cases.liveCases);
  const sessions = new Map<string, number[] | null>();
  const made = {
    training: [] as ActSession[],
    calibration: [] as CaseSession[],
    live: [] as CaseSession[],
  };
  for (const event of hospital.events()) {
    if (event.session === null || event.actorClass === 'service') continue;
    const call = callFromEvent(event);
    if (call === null) continue;
    let acts = sessions.get(event.session);
    if (acts === undefined) sessions.set(event.session, (acts = begin(event)));
    acts?.push(call.act);
  }
  return made;

  /** Where its acts go; null: nobody asks for them. */
  function begin({ actor, timeMs }: { actor: string; timeMs: number }): number[] | null {
    const acts: number[] = [];
    if (timeMs < borders.calibrateFromMs) {
      made.training.push(acts);
      return acts;
    }
    const isLive = timeMs >= borders.liveFromMs;
    const of = (isLive ? livePlaces : calibrationPlaces).get(
      `${actor} ${Math.floor(timeMs / DAY_MS)}`,
    );
    if (of === undefined) return null;
    (isLive ? made.live : made.calibration).push({ of, acts });
    return acts;
  }
}

/** Cases by one rival, fitted on the hospital's own training sessions. */
export function rivalScores(
  rival: SequenceDetector,
  data: HospitalData,
  seed: number,
): HospitalScores {
  const { training, calibration, live } = data.acts!();
  const fitted = rival.fit(
    training.map((acts, i) => sessionOf(acts, i)),
    seedNumber(seed, 'initial-parameters', 'rival', data.nodeId),
  );
  const strangest = (sessions: readonly CaseSession[], cases: number): Float64Array =>
    strangestOfCases(
      fitted.scores(sessions.map(({ acts }, i) => sessionOf(acts, i))),
      cases,
      (i) => sessions[i]!.of,
    );
  // Hospitals have one threshold for all, so their scores are first ranked among their own calibration days.
  const join = joinCases([strangest(calibration, data.calibrationCases.length)]);
  const evidence = (sessions: readonly CaseSession[], cases: number): number[] =>
    Array.from(strangest(sessions, cases), (value) => join.evidence([value]));
  const { rehearsal } = data;
  return {
    nodeId: data.nodeId,
    calibration: [...join.calibration],
    live: evidence(live, data.liveCases.length),
    beforeGuilt: null,
    rehearsed: rehearsal === null ? null : evidence(rehearsal.acts!().live, rehearsal.cases.length),
    calls: null,
  };
}

function sessionOf(acts: ActSession, i: number): Session {
  return { id: String(i), normal: true, label: 'normal', events: acts.map(String), group: null };
}

/**
 * What an arm says of calls and cases. As at a hospital: one detector for all, a calibration of each hospital's own, fixed on
 * the days before. Calls are judged inline by the sum of their evidence, cases by what the whole day shows.
 * @module
 */
import {
  fitTable,
  joinCases,
  joinedScores,
  strangestOfCases,
  windowSurprise,
  type CalibrationTable,
  type Detector,
  type Member,
  type ReadyMember,
} from '@bhschain/models/detector';
import { sha256 } from '../../harness/canonical.js';
import { seedStream } from '../../harness/seed-streams.js';
import { GUILTY, type Case } from './featurise.js';
import type { HospitalData } from './hospital-data.js';
import { CASE_MEMBERS, readyMembers } from './networks.js';
import type { WindowPlace, WindowSource } from './row-store.js';

export interface HospitalScores {
  readonly nodeId: string;
  /** Of calibration cases, each among the others; higher is stranger. */
  readonly calibration: readonly number[];
  /** Of live cases, in their order. */
  readonly live: readonly number[];
  /** Of live cases by what went before the first guilty call of a session: what this finds was not found by guilt. */
  readonly beforeGuilt: readonly number[] | null;
  /** Of the cases of the rehearsal, in their order; null where nothing was rehearsed. */
  readonly rehearsed: readonly number[] | null;
  /** Null where no call was judged. */
  readonly calls: CallScores | null;
}

export interface CallScores {
  /** Calls without guilt, and those of them at θ or above. */
  readonly benign: number;
  readonly held: number;
  /** Per live case: a guilty call was at θ or above. */
  readonly heldGuilty: readonly boolean[];
}

/** Values of one member, by case. */
interface CaseValues {
  readonly calibration: Float64Array;
  readonly live: Float64Array;
  readonly beforeGuilt: Float64Array;
  readonly rehearsed: Float64Array;
}

const CHUNK = 4_096;

/** Surprises of the node tier by case, `[members]` each; null: the log shows nothing of it. */
export interface NodeTier {
  readonly members: number;
  readonly of: (one: Case) => ArrayLike<number> | null;
  /** The same in the rehearsal. */
  readonly rehearsed: (one: Case) => ArrayLike<number> | null;
}

export interface HospitalScorer {
  /** By a detector's members (`names` null: calls by all, cases by `CASE_MEMBERS`), together with the node tier if it is given. */
  score(detector: Detector, names: readonly string[] | null, node?: NodeTier): HospitalScores;
  /** By the node tier alone. */
  scoreNode(node: NodeTier): HospitalScores;
}

/** A member's raw values are computed once, whatever arms ask for them. */
export function createHospitalScorer(
  data: HospitalData,
  options: Readonly<{ seed: number; alpha: number }>,
): HospitalScorer {
  const sources = [data.calibration(), data.live(), ...rehearsalSources(data)];
  const all = placesOf(sources);
  const [calibration, live, rehearsed] = [all[0]!, all[1]!, all[2] ?? []];
  const every = all.flat();
  const rehearsedCases = data.rehearsal?.cases ?? [];
  const isInnocent = innocentSoFar(live);
  const half = new Map<string, boolean>();
  const inHalfA = ({ group }: WindowPlace): boolean => {
    const { actor } = data.calibrationCases[group]!;
    let chosen = half.get(actor);
    if (chosen === undefined) {
      chosen = seedStream(options.seed, 'partition', 'calibration half', actor).chance(0.5);
      half.set(actor, chosen);
    }
    return chosen;
  };
  const halfA = calibration.filter(inHalfA);
  const halfB = calibration.filter((window) => !inHalfA(window));
  const raw = new Map<string, Uint32Array>();
  const byCase = new Map<string, CaseValues>();

  return {
    score(detector, names, node) {
      const ready = readyMembers(detector, names ?? undefined);
      const hook = ready
        .filter(({ name }) => (names ?? CASE_MEMBERS).includes(name))
        .map((member) => caseValues(detector, member));
      const members = ready.map((member) => known(detector, member));
      const table = fitTable({
        members,
        strata: detector.strata,
        halfA,
        halfB,
        alphaPpm: Math.round(options.alpha * 1e6),
      });
      const values = node === undefined ? hook : [...hook, ...nodeValues(node)];
      return {
        nodeId: data.nodeId,
        ...joined(values),
        beforeGuilt: node === undefined ? evidence(values, 'beforeGuilt') : null,
        calls: judgedCalls(members, table),
      };
    },
    scoreNode: (node) => ({
      nodeId: data.nodeId,
      ...joined(nodeValues(node)),
      beforeGuilt: null,
      calls: null,
    }),
  };

  function rawOf(detector: Detector, member: ReadyMember): Uint32Array {
    const key = keyOf(detector, member.name);
    let values = raw.get(key);
    if (values === undefined) {
      values = new Uint32Array(every.length);
      let at = 0;
      for (const source of sources) {
        for (const indexes of chunks(source.size)) {
          values.set(member.nonconformities(source.windows(indexes)), at);
          at += indexes.length;
        }
      }
      raw.set(key, values);
    }
    return values;
  }

  function known(detector: Detector, member: ReadyMember): Member<WindowPlace> {
    const values = rawOf(detector, member);
    return {
      name: member.name,
      nonconformities: (windows) => Uint32Array.from(windows, ({ index }) => values[index]!),
    };
  }

  function caseValues(detector: Detector, member: ReadyMember): CaseValues {
    const key = keyOf(detector, member.name);
    let values = byCase.get(key);
    if (values !== undefined) return values;
    const nonconformities = rawOf(detector, member);
    const surprises = windowSurprise(
      detector.strata,
      { windows: calibration, nonconformities: nonconformities.subarray(0, calibration.length) },
      { windows: every, nonconformities },
    );
    const largest = (
      windows: readonly WindowPlace[],
      cases: number,
      counts: (i: number) => boolean = () => true,
    ): Float64Array =>
      strangestOfCases(
        windows.map(({ index }) => surprises[index]!),
        cases,
        (i) => (counts(i) ? windows[i]!.group : null),
      );
    values = {
      calibration: largest(calibration, data.calibrationCases.length),
      live: largest(live, data.liveCases.length),
      beforeGuilt: largest(live, data.liveCases.length, (i) => isInnocent[i]!),
      rehearsed: largest(rehearsed, rehearsedCases.length),
    };
    byCase.set(key, values);
    return values;
  }

  function nodeValues(tier: NodeTier): CaseValues[] {
    const of = (
      cases: readonly Case[],
      member: number,
      surprises: (one: Case) => ArrayLike<number> | null,
    ): Float64Array => Float64Array.from(cases, (one) => surprises(one)?.[member] ?? 0);
    return Array.from({ length: tier.members }, (_, member) => {
      const live = of(data.liveCases, member, tier.of);
      return {
        calibration: of(data.calibrationCases, member, tier.of),
        live,
        beforeGuilt: live,
        rehearsed: of(rehearsedCases, member, tier.rehearsed),
      };
    });
  }

  function joined(
    members: readonly CaseValues[],
  ): Pick<HospitalScores, 'calibration' | 'live' | 'rehearsed'> {
    return {
      calibration: [...joinCases(members.map((one) => one.calibration)).calibration],
      live: evidence(members, 'live'),
      rehearsed: data.rehearsal === null ? null : evidence(members, 'rehearsed'),
    };
  }

  function evidence(
    members: readonly CaseValues[],
    of: 'live' | 'beforeGuilt' | 'rehearsed',
  ): number[] {
    const join = joinCases(members.map((one) => one.calibration));
    return Array.from(members[0]![of], (_, i) => join.evidence(members.map((one) => one[of][i]!)));
  }

  function judgedCalls(
    members: readonly Member<WindowPlace>[],
    table: CalibrationTable,
  ): CallScores {
    const heldGuilty = new Array<boolean>(data.liveCases.length).fill(false);
    let benign = 0;
    let held = 0;
    joinedScores(members, table, live).forEach(({ scoreMillionths }, i) => {
      const { group, flag } = live[i]!;
      const isHeld = scoreMillionths >= table.theta;
      if ((flag & GUILTY) !== 0) heldGuilty[group] ||= isHeld;
      else if (data.liveCases[group]!.incidents.length === 0) {
        benign++;
        if (isHeld) held++;
      }
    });
    return { benign, held, heldGuilty };
  }
}

function rehearsalSources({ rehearsal }: HospitalData): WindowSource[] {
  return rehearsal === null ? [] : [rehearsal.live()];
}

/** Places of several sources, counted on from one to the next. */
function placesOf(sources: readonly WindowSource[]): WindowPlace[][] {
  let before = 0;
  return sources.map((source) => {
    const places = source.places().map((place) => ({ ...place, index: before + place.index }));
    before += source.size;
    return places;
  });
}

/** 0 … size − 1 in pieces: windows with all their rows are too many to hold. */
function* chunks(size: number): Generator<number[]> {
  for (let from = 0; from < size; from += CHUNK) {
    yield Array.from({ length: Math.min(CHUNK, size - from) }, (_, i) => from + i);
  }
}

/** Of windows session by session: whether no guilty call came before, this one included. */
function innocentSoFar(windows: readonly WindowPlace[]): boolean[] {
  let isTainted = false;
  return windows.map(({ rows, flag }) => {
    if (rows.length === 1) isTainted = false;
    if ((flag & GUILTY) !== 0) isTainted = true;
    return !isTainted;
  });
}

/** Members without a network are the same for every detector that keeps the public parts. */
function keyOf(detector: Detector, name: string): string {
  const member = detector.members.find((one) => one.name === name)!;
  if (!('laws' in member)) return name;
  const { parameters } = detector;
  const bytes = new Uint8Array(parameters.buffer, parameters.byteOffset, parameters.byteLength);
  const laws = member.laws.flatMap(({ mean, whitening }) => [hashOf(mean), hashOf(whitening)]);
  // Without a network only the laws count.
  return [name, ...(member.kind === 'autoencoder' ? [sha256(bytes)] : []), ...laws].join(' ');
}

function hashOf({ buffer, byteOffset, byteLength }: Float32Array): string {
  return sha256(Buffer.from(buffer, byteOffset, byteLength));
}

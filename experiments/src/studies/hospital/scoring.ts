/**
 * What an arm says of calls and cases. As at a hospital: one detector for all, a calibration table of each hospital's own,
 * fixed on the days before.
 * @module
 */
import {
  fitTable,
  joinedScores,
  type CalibrationTable,
  type Detector,
  type Member,
  type ReadyMember,
} from '@bhschain/models/detector';
import { sha256 } from '../../harness/canonical.js';
import { seedStream } from '../../harness/seed-streams.js';
import { GUILTY } from './featurise.js';
import type { HospitalData } from './hospital-data.js';
import { readyMembers } from './networks.js';
import type { PlacedWindow } from './row-store.js';

export interface HospitalScores {
  readonly nodeId: string;
  /** Of calibration cases of those actors who did not make the evidence; higher is stranger. */
  readonly calibration: readonly number[];
  /** Of live cases, in their order. */
  readonly live: readonly number[];
  /** Calls without guilt, and those of them at θ or above. */
  readonly benignCalls: number;
  readonly heldCalls: number;
  /** Per live case: a guilty call was at θ or above. */
  readonly heldGuilty: readonly boolean[];
}

const CHUNK = 4_096;

/** Scores of one hospital's calls by any members. A member's raw values are computed once, whatever arms ask for them. */
export interface HospitalScorer {
  score(detector: Detector, names: readonly string[] | null): HospitalScores;
}

export function createHospitalScorer(
  data: HospitalData,
  options: Readonly<{ seed: number; alpha: number }>,
): HospitalScorer {
  const calibration = data.calibration().windows();
  const live = data
    .live()
    .windows()
    .map((window) => ({ ...window, index: window.index + calibration.length }));
  const all = [...calibration, ...live];
  const half = new Map<string, boolean>();
  const inHalfA = ({ group }: PlacedWindow): boolean => {
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

  return {
    score(detector, names) {
      const members = readyMembers(detector, names ?? undefined).map((member) =>
        kept(detector, member),
      );
      const table = fitTable({
        members,
        strata: detector.strata,
        halfA,
        halfB,
        alphaPpm: Math.round(options.alpha * 1e6),
      });
      return summed(members, table);
    },
  };

  function kept(detector: Detector, member: ReadyMember): Member<PlacedWindow> {
    const key = `${member.name} ${keyOf(detector, member.name)}`;
    let values = raw.get(key);
    if (values === undefined) {
      values = new Uint32Array(all.length);
      for (let from = 0; from < all.length; from += CHUNK) {
        values.set(member.nonconformities(all.slice(from, from + CHUNK)), from);
      }
      raw.set(key, values);
    }
    const known = values;
    return {
      name: member.name,
      nonconformities: (windows) => Uint32Array.from(windows, ({ index }) => known[index]!),
    };
  }

  function summed(
    members: readonly Member<PlacedWindow>[],
    table: CalibrationTable,
  ): HospitalScores {
    const calibrated = new Map<number, number>();
    joinedScores(members, table, halfB).forEach(({ nonconformity }, i) => {
      const { group } = halfB[i]!;
      calibrated.set(group, Math.max(calibrated.get(group) ?? 0, nonconformity));
    });
    const cases = new Array<number>(data.liveCases.length).fill(0);
    const heldGuilty = new Array<boolean>(data.liveCases.length).fill(false);
    let benignCalls = 0;
    let heldCalls = 0;
    joinedScores(members, table, live).forEach(({ nonconformity, scoreMillionths }, i) => {
      const { group, flag } = live[i]!;
      const held = scoreMillionths >= table.theta;
      cases[group] = Math.max(cases[group]!, nonconformity);
      if ((flag & GUILTY) !== 0) heldGuilty[group] ||= held;
      else if (data.liveCases[group]!.incidents.length === 0) {
        benignCalls++;
        if (held) heldCalls++;
      }
    });
    return {
      nodeId: data.nodeId,
      calibration: [...calibrated.values()],
      live: cases,
      benignCalls,
      heldCalls,
      heldGuilty,
    };
  }
}

/** Members without a network are the same for every detector that keeps the public parts. */
function keyOf(detector: Detector, name: string): string {
  const member = detector.members.find((one) => one.name === name)!;
  if (member.kind !== 'autoencoder') return '';
  const { parameters } = detector;
  const bytes = new Uint8Array(parameters.buffer, parameters.byteOffset, parameters.byteLength);
  const laws = member.laws.map(({ mean }) =>
    sha256(Buffer.from(mean.buffer, mean.byteOffset, mean.byteLength)),
  );
  return `${sha256(bytes)} ${laws.join()}`;
}

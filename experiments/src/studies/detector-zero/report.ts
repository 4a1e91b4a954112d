/**
 * Detector 0 on worlds with planted incidents, the guard at work, beside the controls. Nothing here is tuned on what it
 * reports: the table comes from other worlds.
 * @module
 */
import type { Consortium } from '@bhschain/datasets';
import {
  createScorer,
  joinedScores,
  membersOf,
  type CalibrationTable,
  type Detector,
  type ScoredWindow,
} from '@bhschain/models/detector';
import type { RoleTables } from '@bhschain/models/features';
import { atThreshold, label, rank, type KindResult, type LabelledCalls } from './evaluation.js';
import { replay, type JudgedCall } from './ledger-replay.js';

export const ALPHA = 0.032;

export interface ArmResult {
  readonly arm: string;
  /** Mean over kinds and difficulties. */
  readonly auc: number;
  /** Mean share of the incidents' calls above the threshold that holds `ALPHA` of the same worlds' benign calls. */
  readonly recall: number;
}

export interface WorldReport {
  readonly worlds: string;
  readonly benignCalls: number;
  /** With the committed table, held calls staying in the ring. */
  readonly heldPer1000: number;
  readonly kinds: readonly KindResult[];
  readonly arms: readonly ArmResult[];
}

/** A detector to compare with, and the table that was fitted for it on the same windows. */
export interface Arm {
  readonly name: string;
  readonly detector: Detector;
  readonly table: CalibrationTable;
}

export interface ReportOptions {
  readonly worlds: string;
  readonly evaluated: readonly Consortium[];
  readonly peers: RoleTables | null;
  readonly detector: Detector;
  readonly table: CalibrationTable;
  readonly arms: readonly Arm[];
}

/** Diverts what the detector and the table would hold. */
export function guardOf(
  detector: Detector,
  table: CalibrationTable,
): (call: JudgedCall) => boolean {
  const scorer = createScorer(detector, table);
  return ({ window }) => scorer.score(window).scoreMillionths >= table.theta;
}

export function report(options: ReportOptions): WorldReport {
  const { detector, table } = options;
  const diverts = guardOf(detector, table);
  const labelled = merge(
    options.evaluated.map((world) =>
      label(world, [...replay(world, { roles: options.peers, diverts })]),
    ),
  );
  const seen = labelled.calls.map((call) => call.window);
  const results = createScorer(detector, table).scoreAll(seen);
  const scores = results.map((score) => score.nonconformity);
  const held = results.map((score) => score.scoreMillionths >= table.theta);
  const benign = labelled.incidents.flatMap((incident, i) => (incident === null ? [i] : []));
  const arm = (name: string, of: readonly number[]): ArmResult => {
    const { auc, recall } = rank(labelled, of, ALPHA);
    return { arm: name, auc, recall };
  };
  return {
    worlds: options.worlds,
    benignCalls: benign.length,
    heldPer1000: (1000 * benign.filter((i) => held[i]).length) / benign.length,
    kinds: atThreshold(
      labelled,
      scores,
      (_, i) => held[i]!,
      benign.map((i) => scores[i]!),
    ).kinds,
    arms: [
      arm('detector 0', scores),
      ...options.arms.map((each) => arm(each.name, armScores(each, seen))),
    ],
  };
}

function armScores({ detector, table }: Arm, windows: readonly ScoredWindow[]): number[] {
  return joinedScores(membersOf(detector), table, windows).map((score) => score.nonconformity);
}

/** Several worlds as one, incidents told apart. */
export function merge(parts: readonly LabelledCalls[]): LabelledCalls {
  return {
    calls: parts.flatMap((part) => part.calls),
    incidents: parts.flatMap((part, world) =>
      part.incidents.map((of) => (of === null ? null : { ...of, id: `${world} ${of.id}` })),
    ),
  };
}

/** The report in lines for a terminal. */
export function linesOf(of: WorldReport): string[] {
  return [
    `${of.worlds}: ${of.heldPer1000.toFixed(1)} of 1000 benign calls held (n = ${of.benignCalls})`,
    ...of.kinds.map(
      (kind) =>
        `  ${kind.kind.padEnd(24)} ${kind.difficulty}  AUC ${kind.auc.toFixed(3)}  calls at θ ` +
        `${kind.recall.toFixed(3)}  incidents found ${Math.round(kind.found * kind.incidents)}/${kind.incidents}`,
    ),
    ...of.arms.map(
      ({ arm, auc, recall }) =>
        `  ${arm.padEnd(32)} AUC ${auc.toFixed(3)}  TPR@3.2% ${recall.toFixed(3)}`,
    ),
  ];
}

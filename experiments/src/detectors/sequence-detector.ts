/**
 * Detectors of strange event sequences, in one harness: ours, rivals and controls are fitted on the same sessions, ranked
 * on the same test, and told apart only by `standing`.
 * @module
 */

/** One labelled sequence. Structurally what `openSessionLog` of `@bhschain/datasets` yields. */
export interface Session {
  readonly id: string;
  readonly normal: boolean;
  /** `normal`, or the name of its class. */
  readonly label: string;
  readonly events: readonly string[];
  readonly group: string | null;
}

/** A control is printed beside every result: if it does as well, the claim belongs to it. */
export type Standing = 'ours' | 'rival' | 'control';

export interface SequenceDetector {
  readonly name: string;
  readonly standing: Standing;
  /** One line for people. */
  readonly about: string;
  /** Whether `seed` matters; what draws nothing is fitted once. */
  readonly draws: boolean;
  /** Detectors of one name here read one network of a seed, which is trained once if they are fitted in one place. */
  readonly network?: string;
  /** Training sessions are normal and in time order. Everything random comes from `seed`. */
  fit(training: readonly Session[], seed: number): FittedDetector;
}

export interface FittedDetector {
  /** One finite nonconformity a session, higher is stranger. */
  scores(sessions: readonly Session[]): number[];
}

/** A detector whose score of a session depends on that session alone. */
export function each(score: (session: Session) => number): FittedDetector {
  return { scores: (sessions) => sessions.map((session) => score(session)) };
}

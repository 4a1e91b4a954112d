/**
 * User switches: ground truth on a real log. Two actors of middling similarity swap their ids from the test part on; the swap
 * is the label. A partial switch replaces a share of each window's events in place.
 *
 * Source: the protocol of the CLUE-LDS authors (Landauer et al. 2022, "A user and entity behavior analytics log data set").
 * @module
 */

import { checkInteger, checkNumber, DatasetError } from '../errors.js';
import { randomStream, type RandomStream } from '../random-stream.js';
import { chronologicalSplit, SHARES, type Shares } from './chronological.js';

/** One act of one actor. */
export interface ActorAct {
  readonly actor: string;
  readonly act: string;
  /** Any unit. */
  readonly time: number;
}

export interface ActWindow {
  /** Under whose name the window stands. */
  readonly actor: string;
  readonly acts: readonly string[];
}

export interface TestWindow extends ActWindow {
  /** Whose acts were put in; null: nobody's, the window is as it was. */
  readonly foreign: string | null;
  /** Number of foreign acts in the window. */
  readonly foreignCount: number;
}

export interface SwitchPair {
  readonly actors: readonly [string, string];
  /** Cosine of the act counts in the profile part. */
  readonly cosine: number;
}

export interface UserSwitch {
  readonly pairs: readonly SwitchPair[];
  readonly profile: readonly ActWindow[];
  readonly calibrate: readonly ActWindow[];
  /** Every window as it was; and for each pair, under each one's name, what the switch puts there. */
  readonly test: readonly TestWindow[];
}

export interface UserSwitchOptions {
  readonly seed: number;
  /** Acts a window, not overlapping; default 20. */
  readonly windowActs?: number;
  /** Band of the pairs' cosine; default [0, 1]. */
  readonly cosine?: readonly [number, number];
  /** Share of foreign acts in a switched window, above 0; default 1: the ids are swapped, whole windows change their name. */
  readonly share?: number;
  /** Windows of the profile part that an actor needs; default 5. */
  readonly profileWindowsLeast?: number;
  /** Windows of the test part that an actor needs; default 2. */
  readonly testWindowsLeast?: number;
  readonly shares?: Shares;
  /** Default: all pairs in the band. */
  readonly pairsMost?: number;
  /** Borders where the source has natural ones (days), instead of shares: first times of calibration and test. */
  readonly borders?: readonly [number, number];
}

/**
 * @throws {DatasetError} `ERR_DATASET_OPTION`; `ERR_EVENT_LOG_TOO_SMALL` where no pair of actors has enough windows in the band
 */
export function injectUserSwitch(
  rows: readonly ActorAct[],
  options: UserSwitchOptions,
): UserSwitch {
  const acts = checkInteger('windowActs', options.windowActs ?? 20, { least: 1, most: 10_000 });
  const share = checkNumber('share', options.share ?? 1, { least: 1e-6, most: 1 });
  const least = checkInteger('profileWindowsLeast', options.profileWindowsLeast ?? 5, {
    least: 1,
    most: 1_000_000,
  });
  const testLeast = checkInteger('testWindowsLeast', options.testWindowsLeast ?? 2, {
    least: 1,
    most: 1_000_000,
  });
  const [low, high] = options.cosine ?? [0, 1];
  checkNumber('cosine', low, { least: 0, most: 1 });
  checkNumber('cosine', high, { least: low, most: 1 });
  const parts = split(rows, options);
  const profile = windowsOf(parts.train, acts);
  const test = windowsOf(parts.test, acts);
  const eligible = [...profile.keys()]
    .filter(
      (actor) => profile.get(actor)!.length >= least && (test.get(actor)?.length ?? 0) >= testLeast,
    )
    .sort();
  const all = pairsOf(eligible, profile).filter(({ cosine }) => cosine >= low && cosine <= high);
  const random = randomStream(options.seed, 'user switch');
  const pairs = random.shuffled(all).slice(0, options.pairsMost ?? all.length);
  if (pairs.length === 0) {
    throw new DatasetError(
      'ERR_EVENT_LOG_TOO_SMALL',
      `no pair among ${eligible.length} actors with ${least} profile windows has a cosine from ${low} to ${high}`,
      { actors: eligible.length, profileWindowsLeast: least },
    );
  }
  const flat = (windows: ReadonlyMap<string, readonly ActWindow[]>): ActWindow[] =>
    [...windows.values()].flat();
  return {
    pairs,
    profile: flat(profile),
    calibrate: flat(windowsOf(parts.calibrate, acts)),
    test: [
      ...flat(test).map((window) => ({ ...window, foreign: null, foreignCount: 0 })),
      ...pairs.flatMap(({ actors: [a, b] }) => [
        ...switched(test.get(a)!, test.get(b)!, share, random),
        ...switched(test.get(b)!, test.get(a)!, share, random),
      ]),
    ],
  };
}

function split(
  rows: readonly ActorAct[],
  options: UserSwitchOptions,
): Readonly<Record<'train' | 'calibrate' | 'test', readonly ActorAct[]>> {
  const timeOf = (row: ActorAct): number => row.time;
  if (options.borders === undefined) {
    return chronologicalSplit(rows, { timeOf, shares: options.shares ?? SHARES });
  }
  const [calibrateFrom, testFrom] = options.borders;
  return {
    train: rows.filter((row) => row.time < calibrateFrom),
    calibrate: rows.filter((row) => row.time >= calibrateFrom && row.time < testFrom),
    test: rows.filter((row) => row.time >= testFrom),
  };
}

/** Whole windows only, in the order of the rows. */
function windowsOf(rows: readonly ActorAct[], acts: number): Map<string, ActWindow[]> {
  const open = new Map<string, string[]>();
  const windows = new Map<string, ActWindow[]>();
  for (const { actor, act } of rows) {
    let list = open.get(actor);
    if (list === undefined) open.set(actor, (list = []));
    list.push(act);
    if (list.length < acts) continue;
    const known = windows.get(actor);
    if (known === undefined) windows.set(actor, [{ actor, acts: list }]);
    else known.push({ actor, acts: list });
    open.delete(actor);
  }
  return windows;
}

/** What stands under one actor's name: the other one's windows, or their own with some acts of the other one. */
function switched(
  own: readonly ActWindow[],
  other: readonly ActWindow[],
  share: number,
  random: RandomStream,
): TestWindow[] {
  const { actor } = own[0]!;
  if (share === 1) {
    return other.map(({ acts, actor: foreign }) => ({
      actor,
      acts,
      foreign,
      foreignCount: acts.length,
    }));
  }
  return own.map((window, i) => {
    const from = other[i % other.length]!;
    const foreignCount = Math.max(1, Math.round(share * window.acts.length));
    const places = new Set(random.shuffled(window.acts.map((_, at) => at)).slice(0, foreignCount));
    return {
      actor,
      acts: window.acts.map((act, at) => (places.has(at) ? from.acts[at]! : act)),
      foreign: from.actor,
      foreignCount,
    };
  });
}

function pairsOf(
  actors: readonly string[],
  profile: ReadonlyMap<string, readonly ActWindow[]>,
): SwitchPair[] {
  const counts = new Map(
    actors.map((actor) => {
      const of = new Map<string, number>();
      for (const window of profile.get(actor)!) {
        for (const act of window.acts) of.set(act, (of.get(act) ?? 0) + 1);
      }
      return [actor, of] as const;
    }),
  );
  return actors.flatMap((a, i) =>
    actors.slice(i + 1).map((b): SwitchPair => ({
      actors: [a, b],
      cosine: cosineOf(counts.get(a)!, counts.get(b)!),
    })),
  );
}

function cosineOf(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  const norm = (counts: ReadonlyMap<string, number>): number =>
    Math.sqrt([...counts.values()].reduce((sum, count) => sum + count * count, 0));
  let product = 0;
  for (const [act, count] of a) product += count * (b.get(act) ?? 0);
  return Math.min(1, product / (norm(a) * norm(b)));
}

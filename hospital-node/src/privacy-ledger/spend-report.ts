/**
 * What the debits cost so far, recomputed from their events.
 * @module
 */
import type { PrivacyPlan } from '@bhschain/dp';
import type { Ceilings } from '../config.js';
import { actorEpsilonOf, roundsLeft } from './ceilings.js';
import type { ReleaseState } from './release-history.js';

/** ε so far. Window: any window, over all history; actor: one who was active in every round. */
export interface SpendReport {
  readonly rounds: number;
  readonly deltaExponent: number;
  /** Largest over the rounds, since intervals never overlap (parallel composition). PLD. */
  readonly windowEpsilon: number;
  readonly actorEpsilonRdp: number;
  readonly actorEpsilonPld: number;
  readonly actorEpsilonLifetimePld: number;
  readonly actorCeiling: number;
  readonly actorHorizonDays: number;
  readonly roundsLeft: number | null;
}

const DAY_MS = 86_400_000;
const DEFAULT_DELTA_EXPONENT = 5;

/** @param plan - the plan that `roundsLeft` is counted in, if there is one */
export function spendOf(
  releases: readonly ReleaseState[],
  ceilings: Ceilings,
  plan: PrivacyPlan | null,
): SpendReport {
  const deltaExponent = releases.at(-1)?.deltaExponent ?? DEFAULT_DELTA_EXPONENT;
  const delta = 10 ** -deltaExponent;
  const atMs = releases.reduce((most, { interval }) => Math.max(most, interval.toMs), 0);
  const horizonMs = ceilings.actorHorizonDays * DAY_MS;
  const actor = (accountant: 'rdp' | 'pld', horizon: number): number =>
    actorEpsilonOf(releases, { atMs, horizonMs: horizon, delta, accountant });
  const window = (release: ReleaseState): number =>
    actorEpsilonOf([{ ...release, windowsPerActor: 1 }], {
      atMs,
      horizonMs: Infinity,
      delta,
      accountant: 'pld',
    });
  const plans = new Map(releases.map((release) => [release.planHash, release]));
  return {
    rounds: releases.length,
    deltaExponent,
    windowEpsilon: Math.max(0, ...[...plans.values()].map(window)),
    actorEpsilonRdp: actor('rdp', horizonMs),
    actorEpsilonPld: actor('pld', horizonMs),
    actorEpsilonLifetimePld: actor('pld', Infinity),
    actorCeiling: ceilings.actorEpsilon,
    actorHorizonDays: ceilings.actorHorizonDays,
    roundsLeft: plan === null ? null : roundsLeft(ceilings, plan, releases, atMs),
  };
}

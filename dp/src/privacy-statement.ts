/**
 * What a plan promises, for machines and for people.
 *
 * Five numbers belong together: the window, the event, the actor over time, collusion, and what would hold if the
 * sampling were not Poisson. "ε = 0.5" alone is not a sentence.
 * @module
 */
import { requireInteger } from './argument-checks.js';
import { epsilonOf } from './accounting/epsilon.js';
import { gaussianEpsilon } from './accounting/gaussian.js';
import type { JsonObject } from './canonical-json.js';
import { groupEvent } from './group-event.js';
import { planHash } from './plan-codec.js';
import type { PrivacyPlan } from './privacy-plan.js';

export interface PrivacyStatement {
  /** Canonical-JSON ready: ε in millionths, rounded up. */
  readonly machine: JsonObject;
  /** Sentences for people. */
  readonly text: string[];
}

/**
 * @param o.roundsSoFar - rounds that the node has debited, 0 … 1,000,000
 * @param o.roundsPerDay - default 4 (six-hour rounds)
 * @throws {InvalidArgumentError} `ERR_DP_ARGUMENT`
 */
export function privacyStatement(
  plan: PrivacyPlan,
  o: Readonly<{ roundsSoFar: number; roundsPerDay?: number }>,
): PrivacyStatement {
  const { roundsSoFar } = o;
  const roundsPerDay = o.roundsPerDay ?? 4;
  requireInteger('roundsSoFar', roundsSoFar, { min: 0, max: 1_000_000 });
  requireInteger('roundsPerDay', roundsPerDay, { min: 1, max: 1440 });
  const k = plan.windowing.windowsPerActorMax;
  const { delta } = plan.target;
  const actorRound = groupEvent(plan.event, k);
  const actorOver = (count: number): number =>
    count === 0 ? 0 : epsilonOf({ kind: 'self-composed', event: actorRound, count }, { delta });
  const actor = {
    round: plan.certified.actor,
    soFar: actorOver(roundsSoFar),
    day: actorOver(roundsPerDay),
    week: actorOver(7 * roundsPerDay),
    thirtyDays: actorOver(30 * roundsPerDay),
  };
  const shuffled = notPoisson(plan);

  const machine: JsonObject = {
    planHash: planHash(plan),
    unit: plan.unit,
    adjacency: plan.adjacency,
    deltaExponent: plan.spec.deltaExponent,
    roundsSoFar,
    windowsPerActor: k,
    featureScopes: plan.windowing.featureScopes,
    noiseMultiplier: String(plan.noiseMultiplier),
    sampling: { numerator: plan.samplingNumerator, denominatorLog2: 32, kind: 'poisson' },
    steps: plan.steps,
    releases: ['update', ...plan.releases.map((release) => release.name)],
    epsilonMicro: {
      window: micro(plan.certified.pld),
      windowByRdp: micro(plan.certified.rdp),
      windowByRdpExecuted: micro(plan.certified.rdpExecuted),
      event: micro(plan.certified.event),
      actorRound: micro(actor.round),
      actorSoFar: micro(actor.soFar),
      actorDay: micro(actor.day),
      actorWeek: micro(actor.week),
      actorThirtyDays: micro(actor.thirtyDays),
      allOthersCollude: micro(plan.certified.pld),
      ifNotPoisson: micro(shuffled),
    },
  };
  return { machine, text: sentences(plan, { roundsSoFar, k, actor, shuffled }) };
}

function sentences(
  plan: PrivacyPlan,
  o: Readonly<{
    roundsSoFar: number;
    k: number;
    actor: Readonly<{
      round: number;
      soFar: number;
      day: number;
      week: number;
      thirtyDays: number;
    }>;
    shuffled: number;
  }>,
): string[] {
  const { actor } = o;
  const delta = `δ = 1e-${plan.spec.deltaExponent}`;
  const hours = plan.windowing.binMs / 3_600_000;
  const given = plan.windowing.featureScopes.includes('frozen')
    ? ', given the frozen profiles'
    : '';
  return [
    `Per ${plan.unit}: ε = ${show(plan.certified.pld)} at ${delta} (${plan.adjacency})${given}. A window is at most ${plan.windowing.stepsMax} events of one person in ${hours} h. Rounds use disjoint windows, so this holds for a window however many rounds follow.`,
    `Per event: ε = ${show(plan.certified.event)} at ${delta}. Changing one event replaces its window.`,
    `Per actor with up to ${o.k} window${o.k === 1 ? '' : 's'} a round: ε = ${show(actor.round)} for one round, ${show(actor.day)} a day, ${show(actor.week)} a week, ${show(actor.thirtyDays)} in 30 days; so far ${show(actor.soFar)} after ${o.roundsSoFar} round${o.roundsSoFar === 1 ? '' : 's'} (worst case: present in each).`,
    `If all other hospitals and the orchestrator collude, the numbers stay: each hospital adds the whole noise itself (standard deviation ${plan.noiseMultiplier.toPrecision(5)} clipping norms a step).`,
    plan.samplingNumerator === 2 ** 32
      ? 'All windows take part in every step, so no claim rests on sampling.'
      : `The claim rests on real Poisson sampling (q = ${plan.samplingRate.toPrecision(4)}, ${plan.steps} steps). Had batches been shuffled, only ε = ${show(o.shuffled)} could be proved.`,
    ...plan.releases.map(
      ({ name, length, sensitivityUnits, noiseExponent }) =>
        `Beside the update leaves "${name}": ${length} integers that a window changes by at most ${sensitivityUnits}, with noise of standard deviation ${2 ** noiseExponent}. All numbers above are for both together.`,
    ),
    `PLD values are for the continuous Gaussian; the integer noise moves them by less than 2e-9. For the executed integers, Rényi accounting proves ε = ${show(plan.certified.rdpExecuted)} per ${plan.unit}.`,
  ];
}

/** Every window once an epoch at most: Gaussian composition over epochs, the bound that needs no random sampling. */
function notPoisson(plan: PrivacyPlan): number {
  const epochs = Math.max(1, Math.ceil(plan.steps * plan.samplingRate - 1e-9));
  const precision =
    epochs / plan.noiseMultiplier ** 2 +
    plan.releases.reduce(
      (sum, r) => sum + r.count * (r.sensitivityUnits / 2 ** r.noiseExponent) ** 2,
      0,
    );
  return gaussianEpsilon(1 / Math.sqrt(precision), plan.target.delta);
}

function micro(epsilon: number): number {
  return Math.max(0, Math.ceil(epsilon * 1e6 - 1e-6));
}

function show(epsilon: number): string {
  return epsilon < 10 ? (Math.ceil(epsilon * 1000 - 1e-6) / 1000).toString() : epsilon.toFixed(1);
}

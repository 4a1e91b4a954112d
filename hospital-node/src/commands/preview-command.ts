/**
 * `bhs-node preview-update`: what the next round would release, to whom, and what it would cost. No values; draws nothing,
 * debits nothing. The plan is the one that this hospital approved last.
 * @module
 */
import { join } from 'node:path';
import { planHash, privacyStatement, type PrivacyPlan } from '@bhschain/dp';
import type { NodeConfig } from '../config.js';
import {
  foldReleases,
  latestPlanOf,
  readLedger,
  spendOf,
  type ReleaseState,
} from '../privacy-ledger/index.js';
import { normEnvelope } from '../training/own-update-screening.js';
import type { CommandOutcome } from './outcome.js';

export function previewUpdate(config: NodeConfig): CommandOutcome {
  const { records } = readLedger(join(config.stateDir, 'privacy-ledger.jsonl'));
  const plan = latestPlanOf(records);
  if (plan === null) {
    return {
      exitCode: 1,
      facts: { plan: null },
      sentences: ['No plan has been approved here yet: the first work unit brings one.'],
    };
  }
  const releases = [...foldReleases(records).values()];
  const statement = privacyStatement(plan, { roundsSoFar: releases.length });
  const spent = spendOf(releases, config.privacy.ceilings, plan);
  const after = spendOf([...releases, oneMore(plan, releases)], config.privacy.ceilings, plan);
  const noiseNorm = Math.sqrt((normEnvelope(plan, 0).least + normEnvelope(plan, 0).most) / 2);
  const signalNorm =
    ((plan.learningRateMicro / 1e6) *
      plan.windowClippingNorm *
      2 ** plan.updateScaleLog2 *
      plan.nominalWindows *
      plan.samplingRate) /
    plan.expectedBatch;
  const { address } = config.federation;
  const bytes = plan.parameterCount * 4;
  const further = plan.releases.map(({ name, length, noiseExponent }) => ({
    name,
    shape: [length],
    encoding: 'int32le',
    bytes: 4 * length,
    noiseDeviation: 2 ** noiseExponent,
    destination: address,
  }));
  return {
    exitCode: spent.roundsLeft === 0 ? 1 : 0,
    facts: {
      releases: [
        {
          name: 'update',
          shape: [plan.parameterCount],
          encoding: 'int32le-2^-20',
          bytes,
          destination: address,
        },
        ...further,
      ],
      planHash: planHash(plan),
      windowClippingNorm: plan.windowClippingNorm,
      noiseMultiplier: plan.noiseMultiplier,
      noiseToSignal: noiseNorm / signalNorm,
      spent,
      after,
      statement: statement.machine,
    },
    sentences: [
      `${further.length === 0 ? 'One release' : 'First release'}: 'update', ${plan.parameterCount} integers in units of 2^-${plan.updateScaleLog2}, ${bytes} bytes, to ${address}.`,
      ...further.map(
        (release) =>
          `Second release, under the same debit: '${release.name}', ${release.shape[0]} counts of this hospital's windows by how strange the detector in force finds them (p-values from 0 to 1, held windows too, confirmed attacks not), each with noise of deviation ${release.noiseDeviation}, ${release.bytes} bytes, to ${address}. What it is for: the table of the next detector, so that the alert rate holds in all hospitals.`,
      ),
      `Plan ${planHash(plan).slice(0, 16)}…: each window's gradient is clipped to ${plan.windowClippingNorm}, ${plan.steps} noisy step${plan.steps === 1 ? '' : 's'} with noise ${plan.noiseMultiplier.toFixed(4)} times that.`,
      `In this plan the noise of an update is ${(noiseNorm / signalNorm).toFixed(2)} times as long as its signal can be.`,
      `An actor who is active in every round goes from ε ${spent.actorEpsilonRdp.toFixed(3)} to ${after.actorEpsilonRdp.toFixed(3)} by the filter, of ${spent.actorCeiling} in ${spent.actorHorizonDays} days; ${spent.roundsLeft ?? 0} more rounds fit.`,
      ...statement.text,
      `${further.length === 0 ? 'The update stays' : 'Both stay, in one file,'} in releases/ and in the privacy ledger; nothing was drawn or debited for this preview.`,
    ],
  };
}

/** The next round as the ledger would see it. */
function oneMore(plan: PrivacyPlan, releases: readonly ReleaseState[]): ReleaseState {
  const newest = releases.at(-1);
  const toMs = newest?.interval.toMs ?? 0;
  return {
    key: 'preview',
    roundId: { federationId: '', slotIndex: (newest?.roundId.slotIndex ?? 0) + 1, attempt: 1 },
    planHash: planHash(plan),
    layoutHash: '',
    baseModel: '',
    interval: { fromMs: toMs, toMs: toMs + plan.windowing.binMs },
    windowsPerActor: plan.windowing.windowsPerActorMax,
    deltaExponent: plan.spec.deltaExponent,
    event: plan.event,
    debitedAt: '',
    stage: 'debited',
    digest: null,
    byteCount: 0,
    dataCommitment: null,
    sentAt: null,
    verdict: null,
    included: null,
    reason: null,
  };
}

/** PRV: the privacy ledger and the ceilings. @module */
import { planHash } from '@bhschain/dp';
import { foldReleases, latestPlanOf, spendOf, type ReleaseState } from '../privacy-ledger/index.js';
import { fail, pass, skip, warn, type Check, type Look } from './check.js';
import { ifReached, ORCHESTRATOR, type DoctorContext } from './context.js';

const NO_PLAN = skip('No plan has been seen here yet.', 'The first work unit brings one.');

export function privacyChecks(context: DoctorContext): Check[] {
  const { config, ledger } = context;
  const { ceilings, approvedPlans } = config.privacy;
  const releases = (): readonly ReleaseState[] => [...foldReleases(ledger().records).values()];
  return [
    {
      code: 'PRV-001',
      look: () => {
        const { records, tornBytes } = ledger();
        return tornBytes === 0
          ? pass(`The privacy ledger's ${records.length} records form one chain.`)
          : warn(
              `The privacy ledger ends in ${tornBytes} bytes of an unfinished record.`,
              'The next start sets them aside.',
            );
      },
    },
    {
      code: 'PRV-002',
      look: () =>
        ifReached(context.hello, ORCHESTRATOR, ({ highestLedgerHead: seen }) => {
          if (seen === null)
            return pass('The orchestrator has seen no ledger head of this node yet.');
          return ledger().records[seen.seq]?.hash === seen.hash
            ? pass(`The orchestrator has seen record ${seen.seq}; it is in this ledger.`)
            : fail(
                `The orchestrator has seen record ${seen.seq} of another or longer privacy ledger.`,
                'This disk is older than the node: restore the newer ledger.',
              );
        }),
    },
    {
      code: 'PRV-003',
      look: () => {
        const plan = latestPlanOf(ledger().records);
        if (plan === null) return NO_PLAN;
        const { roundsLeft, actorEpsilonRdp } = spendOf(releases(), ceilings, plan);
        const left = roundsLeft ?? 0;
        return left > 0
          ? pass(
              `${left} more rounds of the plan fit under the actor ceiling (ε ${actorEpsilonRdp.toFixed(2)} of ${ceilings.actorEpsilon}).`,
            )
          : fail(
              `No round fits under the actor ceiling any more (ε ${actorEpsilonRdp.toFixed(2)} of ${ceilings.actorEpsilon}).`,
              'Wait for the horizon, or change the ceiling (it is recorded).',
            );
      },
    },
    {
      code: 'PRV-004',
      look: () => {
        const plan = latestPlanOf(ledger().records);
        if (plan === null) return NO_PLAN;
        const hash = planHash(plan);
        const what = ['the update', ...plan.releases.map(({ name }) => name)].join(' and ');
        if (approvedPlans === null)
          return warn(
            `Plan ${hash.slice(0, 12)}… (${what} leave${plan.releases.length === 0 ? 's' : ''} each round) runs because it is within the ceilings; nobody here has signed it.`,
            `Read \`bhs-node preview-update\`, then put ${hash} into privacy.approvedPlans.`,
          );
        return approvedPlans.includes(hash)
          ? pass(`Plan ${hash.slice(0, 12)}… (${what}) is one that this hospital has signed.`)
          : fail(
              `Plan ${hash.slice(0, 12)}… is not among the plans this hospital has signed.`,
              'Rounds are declined until it is (privacy.approvedPlans).',
            );
      },
    },
    {
      code: 'PRV-005',
      look: () => {
        const open = releases().filter(({ stage }) => stage === 'debited');
        return open.length === 0
          ? pass('Every debit has its release or was abandoned.')
          : warn(
              `${open.length} debit without a release.`,
              'A running round, or the next start abandons it.',
            );
      },
    },
    { code: 'PRV-006', look: () => ceilingsOnRecord(context) },
    {
      code: 'PRV-007',
      look: () => {
        const plan = latestPlanOf(ledger().records);
        if (plan === null) return NO_PLAN;
        const epsilon = plan.spec.epsilonMicro / 1e6;
        return plan.noiseMultiplier > 0 && Number.isFinite(epsilon)
          ? pass(
              `Private mode: ε ${epsilon} at δ = 1e-${plan.spec.deltaExponent} a ${plan.unit} and round, noise from the operating system's generator.`,
            )
          : fail(
              'The plan adds no noise: this mode is NOT differentially private.',
              'Decline it: put the plans you trust into privacy.approvedPlans.',
            );
      },
    },
  ];
}

/** The ledger names the ceilings in force; the next start records a change. */
function ceilingsOnRecord({ config, ledger }: DoctorContext): Look {
  const latest = ledger().records.findLast(
    ({ kind }) => kind === 'opened' || kind === 'ceiling-changed',
  );
  const { ceilings } = config.privacy;
  if (latest === undefined)
    return skip('The ledger has not been opened yet.', 'The first start records the ceilings.');
  const recorded = latest.body['ceilings'] as { readonly actorEpsilonMicro?: number } | undefined;
  return recorded?.actorEpsilonMicro === Math.round(ceilings.actorEpsilon * 1e6)
    ? pass(
        `Ceilings on record: ε ${ceilings.epsilonPerRound} a round, ε ${ceilings.actorEpsilon} an actor in ${ceilings.actorHorizonDays} days.`,
      )
    : warn(
        'The ceilings of the configuration are not the recorded ones.',
        'Restart the node: it writes the change into the ledger.',
      );
}

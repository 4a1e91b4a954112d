import type { JSX } from 'preact';
import type { PlanView, PrivacyView } from '../api.js';
import { useLive, useSteady } from '../live.js';
import { operator } from '../operator.js';
import { VoteButton } from '../sign.js';
import { VotesTable } from '../votes.js';
import { duration, epsilon, Figure, Frame, Part, Table, Time } from '../words.js';
import { Facts } from './round.js';

type Hospital = PrivacyView['nodes'][number];

export function PrivacyPage(): JSX.Element {
  const live = useLive<PrivacyView>('/privacy');
  const nodes = useSteady(live.data?.nodes ?? [], (each) => each.nodeId);
  const plan = live.data?.plan;
  return (
    <Frame title="Privacy" loaded={live.data !== null} problem={live.problem}>
      {plan !== undefined && (
        <Part title="The plan">
          <Facts
            of={[
              ['Guarantee', plan.differentiallyPrivate ? 'differential privacy' : 'none'],
              ['ε', `${epsilon(plan.epsilonMicro)} per ${plan.unit} and round`],
              ['δ', `1e-${plan.deltaExponent}`],
              ['Neighbours', plan.adjacency],
              ['Mechanism', plan.mechanism],
              ['Accountant', plan.accountant],
            ]}
          />
        </Part>
      )}
      <Part
        title="Budgets, as the hospitals declare them"
        note="ε of an actor who was active in every round of the horizon, by the RDP filter that the hospital's own node enforces. Declaring is voluntary; nobody here computes or enforces it."
      >
        <Table
          label="Declared budgets"
          columns={['Node', 'Spent', 'Left', 'Ceiling', 'Horizon', 'Rounds left', 'Declared']}
          steady={nodes}
          keyOf={(each) => each.nodeId}
          empty="No members yet."
          cells={budgetCells}
        />
      </Part>
      <Part title="Rounds" note={`Sealed manifests: ${live.data?.sealedRounds ?? 0}.`}>
        <Table
          label="Rounds by hospital"
          columns={['Node', 'Updates that counted', 'Declined: budget spent']}
          steady={nodes}
          keyOf={(each) => each.nodeId}
          empty="No members yet."
          cells={(each) => [
            each.nodeId,
            `${each.contributed} of ${each.cohorts} rounds`,
            String(each.declinedForBudget),
          ]}
        />
      </Part>
      <Approval />
    </Frame>
  );
}

function budgetCells({ nodeId, declared }: Hospital): readonly (JSX.Element | string)[] {
  const none = <span class="muted">not declared</span>;
  if (declared === null) return [nodeId, none, none, none, none, none, none];
  const { spentMicro, ceilingMicro, horizonDays, deltaExponent, roundsLeft, atMs } = declared;
  const left = Math.max(0, ceilingMicro - spentMicro);
  return [
    nodeId,
    <Share spent={spentMicro} of={ceilingMicro} />,
    `ε ${rounded(left)}`,
    <Figure>
      ε {epsilon(ceilingMicro)} at δ 1e-{deltaExponent}
    </Figure>,
    duration(horizonDays * 86_400_000),
    String(roundsLeft),
    <Time ms={atMs} />,
  ];
}

function Share({ spent, of }: { spent: number; of: number }): JSX.Element {
  return (
    <span class="share">
      ε {rounded(spent)}
      <meter
        min={0}
        max={of}
        high={of * 0.8}
        value={Math.min(spent, of)}
        aria-label="spent of the ceiling"
      />
    </span>
  );
}

function rounded(micro: number): string {
  return (micro / 1e6).toFixed(3);
}

/** What more leaves and what it costs, in plain words, and the vote on it. */
function Approval(): JSX.Element | null {
  const live = useLive<PlanView>('/plan');
  const votes = useSteady(live.data?.votes ?? [], (each) => each.transactionId);
  if (live.data === null) return null;
  const { hash, words, needed, approvers, problem } = live.data;
  return (
    <>
      <Part
        title="Approval of the plan"
        note={`On the channel, by the votes of ${needed} hospitals. A hospital's node runs a plan only within its own ceilings, whatever is voted here.`}
      >
        <Facts
          of={[
            [
              'State',
              problem !== ''
                ? `▲ not known: ${problem}`
                : approvers === null
                  ? '◑ not approved on the channel yet'
                  : `✓ approved by ${approvers.join(', ')}`,
            ],
            ...words,
            ['Hash', <code>{hash}</code>],
          ]}
        />
        {operator.value !== null && approvers === null && (
          <p class="lead-row">
            <VoteButton
              vote={{ kind: 'approve-plan', about: hash }}
              label="Approve this plan…"
              title="Approve the privacy plan"
              effect="One vote of your hospital, on the channel, that rounds may be run by this plan. It cannot be taken back."
              done={live.reload}
            />
          </p>
        )}
      </Part>
      <Part title="Votes on the plan" note="All that are on the channel, wherever they were cast.">
        <VotesTable label="Votes on the plan" votes={votes} />
      </Part>
    </>
  );
}

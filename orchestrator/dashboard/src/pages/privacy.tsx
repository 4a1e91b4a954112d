import type { JSX } from 'preact';
import type { PrivacyView } from '../api.js';
import { useLive, useSteady } from '../live.js';
import { epsilon, Frame, Part, Table } from '../words.js';
import { Facts } from './round.js';

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
        title="Hospitals"
        note={`From the ${live.data?.sealedRounds ?? 0} sealed manifests. The protocol carries neither a ceiling nor what is left: a hospital's privacy ledger is read in its own node.`}
      >
        <Table
          label="Privacy by hospital"
          columns={['Node', 'Updates that counted', 'Declined: budget spent', 'Spent', 'Left']}
          steady={nodes}
          keyOf={(each) => each.nodeId}
          empty="No members yet."
          cells={(each) => [
            each.nodeId,
            `${each.contributed} of ${each.cohorts} rounds`,
            String(each.declinedForBudget),
            <span class="muted">not declared</span>,
            <span class="muted">not declared</span>,
          ]}
        />
      </Part>
    </Frame>
  );
}

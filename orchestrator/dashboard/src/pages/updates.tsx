import type { JSX } from 'preact';
import type { Updates } from '../api.js';
import { useLive, useSteady } from '../live.js';
import { operator } from '../operator.js';
import { roundLink } from '../route.js';
import { WordButton } from '../sign.js';
import { Digest, Frame, Part, State, Table, Time } from '../words.js';

export function UpdatesPage({ federationId }: { federationId: string }): JSX.Element {
  const live = useLive<Updates>('/updates');
  const keyOf = (each: { nodeId: string; slotIndex: number; attempt: number }): string =>
    `${each.slotIndex}.${each.attempt}.${each.nodeId}`;
  const waiting = useSteady(live.data?.waiting ?? [], keyOf);
  const setAside = useSteady(live.data?.setAside ?? [], keyOf);
  return (
    <Frame title="Updates in quarantine" loaded={live.data !== null} problem={live.problem}>
      <Part
        title="Waiting for people"
        note="Two people of two hospitals decide; each signs with a key of the own hospital, which never leaves the browser."
      >
        <Table
          label="Updates that wait"
          columns={['Node', 'Why', 'Update', 'Left out at', 'Said so far', 'To judge it']}
          steady={waiting}
          keyOf={keyOf}
          empty="Nothing waits."
          cells={(each) => [
            <a href={roundLink(each)}>{each.nodeId}</a>,
            <State of="quarantined" why={each.reason} />,
            <Digest of={each.update} />,
            <Time ms={each.deadlineMs} />,
            each.reviews
              .map((said) => `${said.mspId}: ${said.disposition}, “${said.reason}”`)
              .join(' · ') || 'nothing',
            <Judgement of={each} federationId={federationId} />,
          ]}
        />
      </Part>
      <Part title="Set aside lately" note="From the newest 100 rounds.">
        <Table
          label="Updates that were set aside"
          columns={['Node', 'State', 'Round', 'Update']}
          steady={setAside}
          keyOf={keyOf}
          empty="None."
          cells={(each) => [
            each.nodeId,
            <State of={each.state} why={each.reason} />,
            <a href={roundLink(each)}>slot {each.slotIndex}</a>,
            <Digest of={each.update} />,
          ]}
        />
      </Part>
    </Frame>
  );
}

const EFFECTS = {
  release: 'With the word of a second hospital the update counts in this round like any other.',
  discard: 'With the word of a second hospital the update is left out of this round.',
} as const;

function Judgement({
  of: each,
  federationId,
}: {
  readonly of: Updates['waiting'][number];
  readonly federationId: string;
}): JSX.Element {
  const { nodeId, slotIndex, attempt, update } = each;
  if (operator.value === null) {
    return (
      <code class="long">
        bhs-orchestrator review {nodeId} release --reason … --msp … --cert … --key …
      </code>
    );
  }
  return (
    <>
      {(['release', 'discard'] as const).map((disposition) => (
        <WordButton
          key={disposition}
          label={disposition === 'release' ? `Release ${nodeId}…` : `Discard ${nodeId}…`}
          word={{
            title: `${disposition === 'release' ? 'Release' : 'Discard'} the update of ${nodeId}`,
            effect: EFFECTS[disposition],
            button: 'Sign and send',
            path: `/updates/${slotIndex}/${attempt}/${nodeId}/reviews`,
            statement: {
              ...{ kind: 'update-review', schema: 1, federationId },
              ...{ slotIndex, attempt, nodeId, update, disposition },
            },
            body: { disposition },
          }}
        />
      ))}
    </>
  );
}

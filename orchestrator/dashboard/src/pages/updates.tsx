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
            <Verdict state="quarantined" reason={each.reason} />,
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
            <Verdict state={each.state} reason={each.reason} />,
            <a href={roundLink(each)}>slot {each.slotIndex}</a>,
            <Digest of={each.update} />,
          ]}
        />
      </Part>
    </Frame>
  );
}

/** The screening's own words, for people. */
const REASONS: Readonly<Record<string, string>> = {
  'norm-envelope': 'It is longer or shorter than the bounds and the noise of the plan can make it.',
  duplicate: 'Two nodes sent the same bytes, which noise makes impossible.',
  'norm-bound': 'It is far longer than the bounds and the noise of the plan can make it.',
  range: 'A number of it is larger than any parameter can move.',
  length: 'It has another length than the plan says.',
  'release-set': 'It holds other parts than the plan says.',
  'histogram-range': 'A count of it is one that no windows and noise make.',
  discarded: 'Two people of two hospitals decided so.',
  revoked: 'Its node was revoked.',
};

function Verdict({ state, reason }: { state: string; reason: string }): JSX.Element {
  return (
    <>
      <State of={state} why={reason} /> <small>{REASONS[reason] ?? ''}</small>
    </>
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
    <span class="row-buttons">
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
    </span>
  );
}

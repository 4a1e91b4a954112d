import type { JSX } from 'preact';
import type { Updates } from '../api.js';
import { useLive, useSteady } from '../live.js';
import { roundLink } from '../route.js';
import { Digest, Frame, Part, State, Table, Time } from '../words.js';

export function UpdatesPage(): JSX.Element {
  const live = useLive<Updates>('/updates');
  const keyOf = (each: { nodeId: string; slotIndex: number; attempt: number }): string =>
    `${each.slotIndex}.${each.attempt}.${each.nodeId}`;
  const waiting = useSteady(live.data?.waiting ?? [], keyOf);
  const setAside = useSteady(live.data?.setAside ?? [], keyOf);
  return (
    <Frame title="Updates in quarantine" loaded={live.data !== null} problem={live.problem}>
      <Part
        title="Waiting for people"
        note="Two people of two hospitals decide; each signs with the key of their own hospital, so this page never does."
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
            <code class="long">
              bhs-orchestrator review {each.nodeId} release --reason … --msp … --cert … --key …
            </code>,
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

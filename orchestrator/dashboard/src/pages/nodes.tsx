import type { JSX } from 'preact';
import type { NodeView, RequestView } from '../api.js';
import { useLive, useSteady } from '../live.js';
import { roundLink } from '../route.js';
import { Digest, duration, Frame, Part, SIGNS, State, Table, Time } from '../words.js';

export function NodesPage(): JSX.Element {
  const live = useLive<{ nowMs: number; nodes: readonly NodeView[] }>('/nodes');
  const asked = useLive<readonly RequestView[]>('/enrolments');
  const nowMs = live.data?.nowMs ?? 0;
  const nodes = useSteady(live.data?.nodes ?? [], (each) => each.nodeId);
  const requests = useSteady(asked.data ?? [], (each) => each.requestId);
  return (
    <Frame title="Nodes" loaded={live.data !== null} problem={live.problem}>
      <Part
        title="Hospitals"
        note="What the orchestrator knows of each node. Windows, losses and times of training stay in the hospital."
      >
        <Table
          label="Nodes"
          columns={[
            'Node',
            'State',
            'Last seen',
            'Clock',
            'Certificate',
            'Software',
            'Last rounds',
          ]}
          steady={nodes}
          keyOf={(each) => each.nodeId}
          empty="No members yet."
          cells={(each) => [
            <>
              {each.nodeId} <small>{each.mspId}</small>
            </>,
            <>
              <State of={each.state} />
              {!each.admitted && <small> not yet on the channel</small>}
            </>,
            each.lastSeenMs === null ? 'never' : `${duration(nowMs - each.lastSeenMs)} ago`,
            each.clockOffsetMs === null ? '–' : `${each.clockOffsetMs} ms`,
            <Expiry ms={each.certificateExpiresMs} nowMs={nowMs} />,
            <>
              {each.software || '–'} <small>kernel </small>
              <Digest of={each.kernelHash} />
            </>,
            <Outcomes node={each} />,
          ]}
        />
      </Part>
      <Part title="Enrolment requests">
        <Table
          label="Enrolment requests"
          columns={['Node', 'State', 'Fingerprint', 'Asked', 'Good until']}
          steady={requests}
          keyOf={(each) => each.requestId}
          empty="Nobody asks to join."
          cells={(each) => [
            each.nodeId,
            <State of={each.state} why={each.reason} />,
            <code>{each.fingerprint}</code>,
            <Time ms={each.createdAtMs} />,
            <Time ms={each.expiresAtMs} />,
          ]}
        />
      </Part>
    </Frame>
  );
}

function Expiry({ ms, nowMs }: { ms: number | null; nowMs: number }): JSX.Element {
  if (ms === null) return <span class="muted">not of this authority</span>;
  if (ms <= nowMs) return <span class="state bad">✕ expired</span>;
  return <span>{duration(ms - nowMs)} left</span>;
}

function Outcomes({ node }: { node: NodeView }): JSX.Element {
  if (node.outcomes.length === 0) return <span class="muted">none yet</span>;
  return (
    <span class="outcomes">
      {node.outcomes.map((each) => (
        <a key={`${each.slotIndex}.${each.attempt}`} href={roundLink(each)} title={each.state}>
          <span aria-hidden="true">{SIGNS[each.state]?.[0] ?? '○'}</span>
          <span class="sr">
            {each.state} in slot {each.slotIndex}
          </span>
        </a>
      ))}
    </span>
  );
}

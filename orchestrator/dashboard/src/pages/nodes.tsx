import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { ChannelVote, NodeView, RequestView } from '../api.js';
import { useLive, useSteady } from '../live.js';
import { Form } from '../dialog.js';
import { operator } from '../operator.js';
import { Weighty } from '../sign-in.js';
import { roundLink } from '../route.js';
import { VotesTable } from '../votes.js';
import { Digest, duration, Frame, Part, SIGNS, State, Table, Time } from '../words.js';

export function NodesPage(): JSX.Element {
  const live = useLive<{
    nowMs: number;
    nodes: readonly NodeView[];
    votes: readonly ChannelVote[];
  }>('/nodes');
  const asked = useLive<readonly RequestView[]>('/enrolments');
  const nowMs = live.data?.nowMs ?? 0;
  const nodes = useSteady(live.data?.nodes ?? [], (each) => each.nodeId);
  const votes = useSteady(live.data?.votes ?? [], (each) => each.transactionId);
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
          columns={['Node', 'State', 'Fingerprint', 'Asked', 'Good until', 'Decide']}
          steady={requests}
          keyOf={(each) => each.requestId}
          empty="Nobody asks to join."
          cells={(each) => [
            each.nodeId,
            <State of={each.state} why={each.reason} />,
            <code>{each.fingerprint}</code>,
            <Time ms={each.createdAtMs} />,
            <Time ms={each.expiresAtMs} />,
            <Decide request={each} done={asked.reload} />,
          ]}
        />
      </Part>
      <Part
        title="Votes on the roster"
        note="Who may take part is decided on the channel, by the hospitals; a node's own hospital may shut it out alone."
      >
        <VotesTable label="Votes on the roster" votes={votes} />
      </Part>
    </Frame>
  );
}

function Expiry({ ms, nowMs }: { ms: number | null; nowMs: number }): JSX.Element {
  if (ms === null) return <span class="muted">none issued here</span>;
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

function Decide({ request, done }: { request: RequestView; done: () => void }): JSX.Element {
  const open = useSignal<'approve' | 'refuse' | null>(null);
  if (request.state !== 'pending') return <span class="muted">decided</span>;
  if (operator.value?.role !== 'operator') {
    return <span class="muted">by an operator who signs in</span>;
  }
  const { requestId, nodeId } = request;
  const close = (): void => {
    open.value = null;
    done();
  };
  return (
    <span class="row-buttons">
      <button type="button" onClick={() => (open.value = 'approve')}>
        Approve {nodeId}…
      </button>
      <button type="button" onClick={() => (open.value = 'refuse')}>
        Refuse…
      </button>
      {open.value === 'approve' && (
        <Weighty close={close}>
          <Form
            title={`Let ${nodeId} in`}
            text="Call the hospital on a number that you knew before. Type the thirty digits that they read out, not those on this page. From then on its node takes part in rounds."
            field={['fingerprint', 'Digits that the hospital read out']}
            path={`/enrolments/${requestId}/approvals`}
            button="Approve"
            close={close}
          />
        </Weighty>
      )}
      {open.value === 'refuse' && (
        <Form
          title={`Refuse ${nodeId}`}
          text="The hospital is told the reason. It needs a new invitation to ask again."
          field={['reason', 'Reason']}
          path={`/enrolments/${requestId}/refusals`}
          button="Refuse"
          close={close}
        />
      )}
    </span>
  );
}

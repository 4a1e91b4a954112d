import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Overview, Timeline, TimelineRound, Wait } from '../api.js';
import { useLive, useSteady } from '../live.js';
import { act, operator } from '../operator.js';
import { roundLink } from '../route.js';
import { TimelinePicture } from '../timeline.js';
import { Digest, duration, Frame, Part, State, Table, Time } from '../words.js';

const roundKey = (each: TimelineRound): string => `${each.slotIndex}.${each.attempt}`;

export function RoundsPage({ overview }: { overview: Overview | null }): JSX.Element {
  const live = useLive<Timeline>('/timeline');
  const rounds = useSteady(live.data?.rounds ?? [], roundKey);
  return (
    <Frame title="Rounds" loaded={live.data !== null && overview !== null} problem={live.problem}>
      {overview !== null && <PauseButton isPaused={overview.paused} />}
      {overview !== null && <Waits overview={overview} />}
      <Part title="Timeline" note="Oldest on the left. The same rounds stand as a list below.">
        {rounds.rows.length === 0 ? (
          <p class="empty">No round yet.</p>
        ) : (
          <TimelinePicture rounds={rounds.rows} nowMs={live.data?.nowMs ?? 0} />
        )}
        <p class="legend muted">
          <span>
            <i class="key gathering" /> gathering
          </span>
          <span>
            <i class="key collecting" /> collecting
          </span>
          <span>
            <i class="key aggregating" /> aggregating and sealing
          </span>
          <span>✓ accepted</span>
          <span>▲ quarantined</span>
          <span>✕ rejected</span>
          <span>– declined</span>
          <span>· missing</span>
        </p>
      </Part>
      <Part
        title="List"
        note={
          overview === null
            ? ''
            : `${overview.rounds.sealed} sealed, ${overview.rounds.skipped} skipped, ${overview.rounds.aborted} aborted since the start. The newest 24:`
        }
      >
        <Table
          label="Rounds"
          columns={['Round', 'State', 'Accepted', 'Others', 'Took', 'Model']}
          steady={rounds}
          keyOf={roundKey}
          empty="The first slot has not come yet."
          cells={(each) => [
            <a href={roundLink(each)}>{each.round}</a>,
            <State of={each.phase} {...(each.outcome === null ? {} : { why: each.outcome })} />,
            `${each.accepted.length} of ${each.lanes.length}, quorum ${each.quorum}`,
            others(each),
            each.endedAtMs === null ? 'not over' : duration(each.endedAtMs - each.startedAtMs),
            <Digest of={each.resultModel} />,
          ]}
        />
      </Part>
    </Frame>
  );
}

function others(round: TimelineRound): string {
  const rest = round.lanes.filter((each) => each.state !== 'accepted');
  if (rest.length === 0) return 'none';
  return rest
    .map((each) => `${each.nodeId} ${each.state}${each.reason === '' ? '' : ` (${each.reason})`}`)
    .join(', ');
}

function Waits({ overview }: { overview: Overview }): JSX.Element {
  const keyOf = (each: Wait): string => `${each.kind} ${each.about}`;
  const waits = useSteady(overview.waits, keyOf);
  return (
    <Part title="What is awaited">
      <Table
        label="Waits"
        columns={['Awaited', 'From', 'Since', 'Until', 'What then']}
        steady={waits}
        keyOf={keyOf}
        empty="Nothing is awaited."
        cells={(each) => [
          each.awaited,
          each.from.join(', ') || 'nobody any more',
          <Time ms={each.sinceMs} />,
          each.untilMs === null ? (
            'no deadline'
          ) : (
            <>
              <Time ms={each.untilMs} />{' '}
              <span class="muted">
                {each.untilMs < overview.nowMs
                  ? 'now'
                  : `in ${duration(each.untilMs - overview.nowMs)}`}
              </span>
            </>
          ),
          each.then,
        ]}
      />
    </Part>
  );
}

/** For operators only; the header says at the next reading what came of it. */
function PauseButton({ isPaused }: { isPaused: boolean }): JSX.Element | null {
  const problem = useSignal<string | null>(null);
  if (operator.value?.role !== 'operator') return null;
  const press = async (): Promise<void> => {
    problem.value = await act('/pause', { paused: !isPaused });
  };
  return (
    <p class="lead-row">
      <span class="muted">
        {isPaused ? 'Every slot is skipped.' : 'A pause skips slots; the open round goes on.'}
      </span>
      {problem.value !== null && (
        <span class="problem" role="alert">
          {problem.value}
        </span>
      )}
      <button type="button" onClick={() => void press()}>
        {isPaused ? 'Resume the rounds' : 'Pause the rounds'}
      </button>
    </p>
  );
}

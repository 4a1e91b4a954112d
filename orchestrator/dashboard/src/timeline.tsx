/**
 * The rounds as a picture: one column a round, one lane a node, bars for the phases. Its twin is the list below it.
 * @module
 */
import type { JSX } from 'preact';
import type { Lane, TimelineRound } from './api.js';
import { roundLink } from './route.js';
import { SIGNS } from './words.js';

const COLUMNS = 8;

export function TimelinePicture(props: {
  rounds: readonly TimelineRound[];
  nowMs: number;
}): JSX.Element {
  const rounds = props.rounds.slice(0, COLUMNS).toReversed();
  const nodes = [
    ...new Set(rounds.flatMap((each) => each.lanes.map((lane) => lane.nodeId))),
  ].sort();
  return (
    <div class="timeline" tabIndex={0} role="region" aria-label="Timeline of the rounds">
      <div class="timeline-row heads">
        <span class="lane-name">round</span>
        {rounds.map((each) => (
          <a key={each.round} href={roundLink(each)} class="column-head">
            {each.round.slice(5, 10)} <b>{each.round.slice(11).replace('Z', '')}</b>
            <span class="sr"> UTC, {each.phase}</span>
          </a>
        ))}
      </div>
      <div class="timeline-row">
        <span class="lane-name">phases</span>
        {rounds.map((each) => (
          <Phases key={each.round} round={each} nowMs={props.nowMs} />
        ))}
      </div>
      {nodes.map((nodeId) => (
        <div class="timeline-row" key={nodeId}>
          <span class="lane-name">{nodeId}</span>
          {rounds.map((each) => (
            <LaneCell
              key={each.round}
              round={each}
              lane={each.lanes.find((lane) => lane.nodeId === nodeId)}
              nowMs={props.nowMs}
            />
          ))}
        </div>
      ))}
    </div>
  );
}

function share(round: TimelineRound, ms: number): number {
  const whole = Math.max(1, (round.endedAtMs ?? round.boundMs) - round.startedAtMs);
  return Math.min(100, Math.max(0, ((ms - round.startedAtMs) / whole) * 100));
}

function Phases({ round, nowMs }: { round: TimelineRound; nowMs: number }): JSX.Element {
  if (round.phases.length === 0) {
    return (
      <span class="cell off">
        {round.phase}
        <span class="sr">: {round.outcome}</span>
      </span>
    );
  }
  return (
    <span class="cell" title={round.phases.map((each) => each.phase).join(', ')}>
      {round.phases.map((each) => {
        const from = share(round, each.fromMs);
        const to = share(round, each.toMs ?? nowMs);
        return (
          <i
            key={each.phase}
            class={`bar ${each.phase}`}
            style={{ left: `${from}%`, width: `max(2px, ${to - from}%)` }}
          />
        );
      })}
      <span class="sr">{round.outcome ?? round.phase}</span>
    </span>
  );
}

function LaneCell(props: {
  round: TimelineRound;
  lane: Lane | undefined;
  nowMs: number;
}): JSX.Element {
  const { round, lane } = props;
  if (lane === undefined) return <span class="cell off" />;
  const [sign, tone] = SIGNS[lane.state] ?? ['○', 'calm'];
  const collecting = round.phases.find((each) => each.phase === 'collecting');
  const words = `${lane.state}${lane.reason === '' ? '' : `: ${lane.reason}`}`;
  const from = collecting === undefined ? 0 : share(round, collecting.fromMs);
  const to = share(round, lane.atMs ?? collecting?.toMs ?? props.nowMs);
  return (
    <span class="cell" title={words}>
      {collecting !== undefined && (
        <i
          class={`bar ${tone}`}
          style={{ left: `${from}%`, width: `max(2px, ${Math.max(0, to - from)}%)` }}
        />
      )}
      <span class={`cell-sign ${tone}`} aria-hidden="true">
        {sign}
      </span>
      <span class="sr">{words}</span>
    </span>
  );
}

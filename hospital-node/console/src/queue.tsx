import type { JSX } from 'preact';
import type { Hold } from './api.js';
import {
  chooseView,
  fresh,
  gone,
  loadMore,
  loadQueue,
  next,
  nowMs,
  open,
  openTxId,
  queueProblem,
  showFresh,
  status,
  view,
  VIEWS,
  visibleRows,
  type View,
} from './model.js';
import {
  CAUSES,
  columnWord,
  roleWord,
  scoreWord,
  STATES,
  timeWord,
  untilWord,
  verbOf,
} from './words.js';
import { ScoreBar } from './score-bar.js';

export function Queue(): JSX.Element {
  const list = visibleRows.value;
  return (
    <section class="queue" aria-label="Queue">
      <Views />
      {fresh.value.length > 0 && (
        <button type="button" class="fresh" onClick={showFresh}>
          <span aria-hidden="true">▲</span> {fresh.value.length} new – show
        </button>
      )}
      {queueProblem.value !== null ? (
        <div class="empty" role="alert">
          <p>{queueProblem.value}</p>
          <button type="button" onClick={() => void loadQueue()}>
            Try again
          </button>
        </div>
      ) : list === null ? (
        <ul class="rows" aria-busy="true" aria-label="Loading">
          {[0, 1, 2, 3].map((i) => (
            <li key={i} class="row ghost" />
          ))}
        </ul>
      ) : list.length === 0 ? (
        <Empty />
      ) : (
        <>
          <ul class="rows" id="rows">
            {list.map((hold) => (
              <Row key={hold.txId} hold={hold} />
            ))}
          </ul>
          {next.value !== null && (
            <button type="button" class="more" onClick={() => void loadMore()}>
              Show more
            </button>
          )}
        </>
      )}
    </section>
  );
}

function Views(): JSX.Element {
  return (
    <nav class="views" aria-label="Views">
      {VIEWS.map(({ name, word }) => {
        const count = countOf(name);
        return (
          <button
            key={name}
            type="button"
            aria-pressed={view.value === name}
            onClick={() => void chooseView(name)}
          >
            {word}
            {count !== null && <span class="count">{count}</span>}
          </button>
        );
      })}
    </nav>
  );
}

function countOf(name: View): number | null {
  const counts = status.value?.review.byState;
  if (counts === undefined || name === 'mine') return null;
  const { states } = VIEWS.find((each) => each.name === name)!;
  return states.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
}

function Empty(): JSX.Element {
  const words: Readonly<Record<View, string>> = {
    todo: 'Nothing waits for a decision. New holds appear here by themselves.',
    mine: 'You have claimed nothing. Open a hold and claim it.',
    second: 'No proposal waits for a second person.',
    decided: 'Nothing was decided yet.',
  };
  return (
    <div class="empty">
      <span class="calm" aria-hidden="true">
        ✓
      </span>
      <p>{words[view.value]}</p>
    </div>
  );
}

function Row({ hold }: { readonly hold: Hold }): JSX.Element {
  const state = STATES[hold.state];
  const undecided = ['open', 'claimed', 'proposed', 'escalated'].includes(hold.state);
  const left = Date.parse(hold.deadlineAt) - nowMs.value;
  const selected = openTxId.value === hold.txId;
  const moved = undecided && gone.value.has(hold.txId);
  return (
    <li>
      <button
        type="button"
        class={`row${selected ? ' selected' : ''}${moved ? ' moved' : ''}`}
        aria-current={selected ? 'true' : undefined}
        data-tx={hold.txId}
        onClick={() => {
          open(hold.txId);
        }}
      >
        <span class="row-top">
          <b class="row-actor">{hold.actor}</b>
          <span class="row-role">{roleWord(hold.role)}</span>
          <span class="row-id">{hold.id}</span>
          {undecided && (
            <span class={left < 3_600_000 ? 'due soon' : 'due'} title={timeWord(hold.deadlineAt)}>
              <span class="sr">Due </span>
              {untilWord(hold.deadlineAt, nowMs.value)}
            </span>
          )}
        </span>
        <span class="row-what">
          {verbOf(hold.function)}
          {hold.kind === 'review' && <em class="tag">ran, to be reviewed</em>}
          <span class="row-why">
            {' · '}
            {hold.cause === 'score'
              ? hold.topReason === null
                ? 'unusual sequence'
                : lower(columnWord(hold.topReason))
              : CAUSES[hold.cause]}
          </span>
        </span>
        <span class="row-bottom">
          <ScoreBar millionths={hold.scoreMillionths} />
          <span class="score">{scoreWord(hold.scoreMillionths)}</span>
          <span class={`state ${hold.state}`}>
            <span aria-hidden="true">{moved ? '→' : state.icon}</span>{' '}
            {moved ? 'moved on' : state.word}
            {hold.state === 'claimed' &&
              hold.holder !== null &&
              ` by ${hold.mine ? 'you' : hold.holder.name}`}
          </span>
        </span>
      </button>
    </li>
  );
}

function lower(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Hold } from '../../src/http/answers.js';
import { BulkBar } from './bulk.js';
import { filter, isNarrowed, queryOf, VIEWS, viewSpec } from './filter.js';
import {
  choose,
  countUpTo,
  fresh,
  gone,
  loadMore,
  readPage,
  loadQueue,
  nowMs,
  open,
  openTxId,
  queueProblem,
  reviews,
  select,
  selected as ticked,
  session,
  showFresh,
  status,
  takeNext,
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
  VERBS,
} from './words.js';
import { gapAfter, gapBefore, hasMore, pageStarts, rows, show } from './row-window.js';
import { SavedViews } from './saved-views.js';
import { ScoreBar } from './score-bar.js';

export function Queue(): JSX.Element {
  const list = rows.value;
  return (
    <section class="queue" aria-label="Queue">
      <Views />
      <Filters />
      <SavedViews />
      <TakeNext />
      <BulkBar />
      {fresh.value.length > 0 && (
        <button type="button" class="fresh" onClick={() => void showFresh()}>
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
          <Count />
          <Rows list={list} />
          {hasMore.value && (
            <button type="button" class="more" onClick={() => void loadMore()}>
              Show more
            </button>
          )}
        </>
      )}
    </section>
  );
}

/** What is in sight, and as much on both sides; in place of the rest stands its height. */
function Rows({ list }: { readonly list: readonly Hold[] }): JSX.Element {
  const place = useRef<HTMLUListElement>(null);
  useEffect(() => {
    let stopped = false;
    let looking = false;
    let again = false;
    const look = async (): Promise<void> => {
      const element = place.current;
      if (element === null) return;
      const { top } = element.getBoundingClientRect();
      const sight = { top: Math.max(0, -top), bottom: innerHeight - top };
      if (await show({ ...sight, heights: heightsOf(element) }, readPage)) again = true;
    };
    // The list scrolls in its own pane, or with the page where that is narrow.
    const scrolled = async (): Promise<void> => {
      again = true;
      if (looking) return;
      looking = true;
      while (again && !stopped) {
        again = false;
        await new Promise(requestAnimationFrame);
        await look().catch(() => undefined); // the next turn of the wheel asks again
      }
      looking = false;
    };
    const heard = (): void => void scrolled();
    document.addEventListener('scroll', heard, { capture: true, passive: true });
    return () => {
      stopped = true;
      document.removeEventListener('scroll', heard, { capture: true });
    };
  }, []);
  return (
    <ul class="rows" id="rows" ref={place}>
      <Gap height={gapBefore.value} />
      {list.map((hold) => (
        <Row key={hold.txId} hold={hold} />
      ))}
      <Gap height={gapAfter.value} />
    </ul>
  );
}

function Gap({ height }: { readonly height: number }): JSX.Element | null {
  return height === 0 ? null : (
    <li class="gap" aria-hidden="true" style={{ height: `${height}px` }} />
  );
}

/** Of each page that is shown, from its first row to the next page's. */
function heightsOf(list: HTMLUListElement): ReadonlyMap<string, number> {
  const starts = [...list.children].filter(
    (row): row is HTMLElement => row instanceof HTMLElement && pageStarts.value.has(row.id),
  );
  const last = list.lastElementChild as HTMLElement | null;
  const end =
    last === null ? 0 : last.offsetTop + (last.classList.contains('gap') ? 0 : last.offsetHeight);
  return new Map(
    starts.map((row, i) => [row.id, (starts[i + 1]?.offsetTop ?? end) - row.offsetTop]),
  );
}

/** For who works through the queue from the front: no choosing, and never the hold that somebody else just took. */
function TakeNext(): JSX.Element | null {
  const busy = useSignal(false);
  if (!reviews() || session.value?.canSign !== true) return null;
  return (
    <button
      type="button"
      id="take-next"
      class="take-next"
      disabled={busy.value || status.value?.ledger.connected === false}
      onClick={() => {
        busy.value = true;
        void takeNext().finally(() => (busy.value = false));
      }}
    >
      {busy.value ? 'Claiming…' : 'Take the most urgent'}
    </button>
  );
}

function Views(): JSX.Element {
  return (
    <nav class="views" aria-label="Views">
      {VIEWS.map(({ name, word, count: countOf }) => {
        const review = status.value?.review;
        const count = review === undefined || countOf === null ? null : countOf(review);
        return (
          <button
            key={name}
            type="button"
            aria-pressed={filter.value.view === name}
            onClick={() => void choose({ view: name })}
          >
            {word}
            {count !== null && <span class="count">{count}</span>}
          </button>
        );
      })}
    </nav>
  );
}

const SCORES = ['900000', '950000', '990000'];

function Filters(): JSX.Element {
  const { text, function: fn, cause, scoreFrom } = filter.value;
  return (
    <form
      class="filters"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        const value = new FormData(event.currentTarget).get('text');
        void choose({ text: typeof value === 'string' ? value.trim() : '' });
      }}
    >
      <input
        id="search"
        name="text"
        type="search"
        aria-label="Search id, actor, role, ward, operation"
        placeholder="Search"
        maxLength={80}
        value={text}
        key={text}
      />
      <Choice
        label="Operation"
        value={fn}
        options={Object.entries(VERBS)}
        choose={(value) => choose({ function: value })}
      />
      <Choice
        label="Cause"
        value={cause}
        options={Object.entries(CAUSES)}
        choose={(value) => choose({ cause: value })}
      />
      <Choice
        label="Score"
        value={scoreFrom}
        options={SCORES.map((score) => [score, `from ${scoreWord(Number(score))}`])}
        choose={(value) => choose({ scoreFrom: value })}
      />
      {isNarrowed(filter.value) && (
        <button
          type="button"
          class="link"
          onClick={() => void choose({ text: '', function: '', cause: '', scoreFrom: '' })}
        >
          Clear
        </button>
      )}
    </form>
  );
}

function Choice(o: {
  readonly label: string;
  readonly value: string;
  readonly options: readonly (readonly [string, string])[];
  readonly choose: (value: string) => Promise<void>;
}): JSX.Element {
  return (
    <select
      aria-label={o.label}
      value={o.value}
      onChange={(event) => void o.choose(event.currentTarget.value)}
    >
      <option value="">{o.label}: any</option>
      {o.options.map(([value, word]) => (
        <option key={value} value={value}>
          {word}
        </option>
      ))}
    </select>
  );
}

const EXPORTS = [
  ['csv', 'CSV'],
  ['ocsf', 'OCSF'],
  ['cef', 'CEF'],
  ['syslog', 'syslog'],
] as const;

function Count(): JSX.Element | null {
  const count = countUpTo.value;
  if (count === null) return null;
  return (
    <p class="muted small counted">
      {count >= 1_000 ? '1,000+' : count} {count === 1 ? 'hold' : 'holds'}
      {isNarrowed(filter.value) && ' match'} · export{' '}
      {EXPORTS.map(([format, word]) => (
        <a
          key={format}
          href={`/api/v1/exports/${format}?${queryOf(filter.value).toString()}`}
          download
        >
          {word}
        </a>
      ))}
    </p>
  );
}

function Empty(): JSX.Element {
  return (
    <div class="empty">
      <span class="calm" aria-hidden="true">
        ✓
      </span>
      <p>{isNarrowed(filter.value) ? 'No hold matches these filters.' : viewSpec().empty}</p>
    </div>
  );
}

function Row({ hold }: { readonly hold: Hold }): JSX.Element {
  const state = STATES[hold.state];
  const { undecided } = state;
  const left = Date.parse(hold.deadlineAt) - nowMs.value;
  const selected = openTxId.value === hold.txId;
  const moved = undecided && gone.value.has(hold.txId);
  return (
    <li id={hold.txId}>
      <input
        type="checkbox"
        class="tick"
        aria-label={`Select ${hold.id}`}
        checked={ticked.value.has(hold.txId)}
        onChange={(event) => {
          select(hold, event.currentTarget.checked);
        }}
      />
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

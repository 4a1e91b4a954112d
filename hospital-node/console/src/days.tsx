/**
 * Days: what the hospital found strange after the fact, by what it alone sees. The list with what waits, the strangest of the
 * newest day first; deadlines have no say here, since nothing is held.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { ListedDaysAnswer } from '../../src/http/answers.js';
import { ask } from './api.js';
import { sentenceOf, useAsked } from './asked.js';
import { DayDetail, DayHead, DayName } from './day-detail.js';
import { daysVersion, tell } from './model.js';
import { hrefOf, openDay } from './pages.js';
import { timeWord } from './words.js';

export function DaysPage(): JSX.Element {
  const id = openDay.value;
  return <main class="page">{id === null ? <List /> : <DayDetail id={id} key={id} />}</main>;
}

type Show = 'waiting' | 'looked-at';

function List(): JSX.Element {
  const show = useSignal<Show>('waiting');
  const path = `/days?show=${show.value}`;
  // A list that somebody reads does not move under her: what is new waits behind a button.
  const version = daysVersion.value;
  const shownVersion = useSignal(version);
  const { value, problem } = useAsked<ListedDaysAnswer>(path, shownVersion.value);
  /** All that were read, from the first on; of another list than the one that is asked for now, none. */
  const read = useSignal<readonly ListedDaysAnswer[]>([]);
  const pages = value === null ? [] : read.value[0] === value ? read.value : [value];
  const next = pages.at(-1)?.next ?? null;
  const loadMore = async (): Promise<void> => {
    try {
      const page = await ask<ListedDaysAnswer>('GET', `${path}&after=${next ?? ''}`);
      read.value = [...pages, page];
    } catch (error) {
      tell(sentenceOf(error), 'bad');
    }
  };
  const items = pages.flatMap((page) => page.items);
  return (
    <>
      <h2>Days</h2>
      <p class="muted">
        What an account did on a whole day, beside its own days and its role’s. Nothing is held by
        this: the list proposes, you decide whether a call should be reviewed.
      </p>
      {value !== null && <Budget answer={value} />}
      <p class="switch" role="group" aria-label="Which days">
        {(['waiting', 'looked-at'] as const).map((each) => (
          <button
            key={each}
            type="button"
            class="chip"
            aria-pressed={show.value === each}
            onClick={() => {
              show.value = each;
              shownVersion.value = version;
            }}
          >
            {each === 'waiting' ? 'Nobody has looked' : 'Looked at'}
          </button>
        ))}
        {version !== shownVersion.value && (
          <button
            type="button"
            class="chip"
            onClick={() => {
              shownVersion.value = version;
            }}
          >
            The list has changed: show it
          </button>
        )}
      </p>
      {problem !== null && <p role="alert">{problem}</p>}
      {value === null && problem === null && <div class="loading" aria-busy="true" />}
      {value !== null && items.length === 0 && (
        <p class="empty">
          {show.value === 'waiting' ? 'No day waits to be looked at.' : 'No day was looked at yet.'}
        </p>
      )}
      <ol class="cards days">
        {items.map((each) => (
          <li class="part" key={each.id}>
            <DayHead day={each} />
            <h3>
              <a href={hrefOf('days', each.id)}>
                <DayName day={each} />
              </a>
            </h3>
            <ul class="reasons-short">
              {each.reasons.slice(0, 3).map((reason) => (
                <li key={reason}>{reason}</li>
              ))}
            </ul>
            {each.dispositions.map((one) => (
              <p class="muted small" key={one.at}>
                {one.by}: {one.kind === 'review' ? 'opened a review' : 'nothing'} –{' '}
                {timeWord(one.at)}
              </p>
            ))}
          </li>
        ))}
      </ol>
      {next !== null && (
        <p>
          <button type="button" onClick={() => void loadMore()}>
            Show more
          </button>
        </p>
      )}
    </>
  );
}

/** What the list is made of: the alert budget, what a day is compared with, what nobody could look at. */
function Budget({ answer }: { readonly answer: ListedDaysAnswer }): JSX.Element {
  const { newest, daysPerDay } = answer;
  if (newest === null) {
    return <p>No day has been ranked yet; the first is, when a six-hour bin of the log is over.</p>;
  }
  return (
    <>
      <p>
        {newest.alphaPpm === null
          ? `The days up to ${newest.date} have too few days before them to be compared with (${newest.calibrationDays}; three are needed after three of learning).`
          : `Budget: about ${daysPerDay} a day, which is the strangest ${share(newest.alphaPpm)} %. Of ${newest.date}, seen up to ${timeWord(newest.throughAt)}, ${newest.listed} of ${newest.accounts} accounts are listed, compared with ${newest.calibrationDays} days before.`}
      </p>
      <details>
        <summary>What could not be looked at ({newest.missing.length})</summary>
        <ul class="plain">
          {newest.missing.map((each) => (
            <li key={each}>{each}</li>
          ))}
        </ul>
      </details>
    </>
  );
}

function share(ppm: number): string {
  return (ppm / 10_000).toFixed(1);
}

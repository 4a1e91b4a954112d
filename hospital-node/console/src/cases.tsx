/**
 * Cases: the list with what might become one, and one case with its holds, its status, its notes.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Case, CaseDetail, CaseList } from '../../src/http/answers.js';
import { send, useAsked } from './asked.js';
import { Dialog } from './dialog.js';
import { NoteField, ReasonField } from './fields.js';
import { nowMs, reviews, selected } from './model.js';
import { hrefOf, openCase } from './pages.js';
import { columnWord, scoreWord, STATES, timeWord, untilWord, verbOf } from './words.js';

const STATUS_WORDS: Readonly<Record<Case['status'], string>> = {
  open: '○ Open',
  'in-progress': '◐ In progress',
  waiting: '⏸ Waiting',
  closed: '■ Closed',
};

export function CasesPage(): JSX.Element {
  const id = openCase.value;
  return <main class="page">{id === null ? <List /> : <One id={id} key={id} />}</main>;
}

function List(): JSX.Element {
  const closed = useSignal(false);
  const { value, problem } = useAsked<CaseList>(`/cases${closed.value ? '?closed=yes' : ''}`);
  return (
    <>
      <h2>Cases</h2>
      <p class="muted">
        Single calls dismissed one by one can hide a chain. A case keeps together what belongs
        together; open one from any hold.
      </p>
      <p class="switch" role="group" aria-label="Which cases">
        {[false, true].map((each) => (
          <button
            key={String(each)}
            type="button"
            class="chip"
            aria-pressed={closed.value === each}
            onClick={() => {
              closed.value = each;
            }}
          >
            {each ? 'Closed' : 'Open'}
          </button>
        ))}
      </p>
      {problem !== null && <p role="alert">{problem}</p>}
      {value !== null && !closed.value && value.suggestions.length > 0 && (
        <section class="part">
          <h3>Several open holds of one person, in no case yet</h3>
          <ul class="related">
            {value.suggestions.map((each) => (
              <li key={each.txId}>
                <a href={`#/hold/${each.txId}`}>{each.actor}</a>
                <span>{each.holds} holds</span>
              </li>
            ))}
          </ul>
        </section>
      )}
      {value?.items.length === 0 && (
        <p class="empty">{closed.value ? 'No closed case.' : 'No open case.'}</p>
      )}
      <ul class="cards">
        {value?.items.map((each) => (
          <li class="part" key={each.id}>
            <p class="eyebrow">
              <span class={`state ${each.status === 'closed' ? 'closed' : 'claimed'}`}>
                {STATUS_WORDS[each.status]}
              </span>
              <span>C-{each.id}</span>
              <span>{each.assignee ?? 'nobody’s yet'}</span>
              {each.dueAt !== null && <span>next due {untilWord(each.dueAt, nowMs.value)}</span>}
            </p>
            <h3>
              <a href={hrefOf('cases', each.id)}>{each.title}</a>
            </h3>
            <p class="muted">
              {each.undecided} of {each.holds} {each.holds === 1 ? 'hold' : 'holds'} undecided
            </p>
          </li>
        ))}
      </ul>
    </>
  );
}

function One({ id }: { readonly id: number }): JSX.Element {
  const { value: found, problem, again } = useAsked<CaseDetail>(`/cases/${id}`);
  if (problem !== null) {
    return (
      <p class="empty" role="alert">
        {problem} <a href={hrefOf('cases')}>All cases</a>
      </p>
    );
  }
  if (found === null) return <div class="loading" aria-busy="true" />;
  const undecided = found.items.filter(({ state }) => STATES[state].undecided);
  return (
    <>
      <p>
        <a href={hrefOf('cases')}>← All cases</a>
      </p>
      <p class="eyebrow">
        <span class={`state ${found.status === 'closed' ? 'closed' : 'claimed'}`}>
          {STATUS_WORDS[found.status]}
        </span>
        <span>C-{found.id}</span>
        <span>opened by {found.openedBy}</span>
      </p>
      <h2>{found.title}</h2>
      {reviews() && <Change found={found} again={again} />}
      <section class="part">
        <h3>
          {found.items.length} {found.items.length === 1 ? 'hold' : 'holds'}
        </h3>
        <ul class="related">
          {found.items.map((hold) => (
            <li key={hold.txId}>
              <a href={`#/hold/${hold.txId}`}>{hold.id}</a>
              <span>{verbOf(hold.function)}</span>
              <span class="score">{scoreWord(hold.scoreMillionths)}</span>
              <span class="muted small">
                {hold.topReason === null ? '' : columnWord(hold.topReason).toLowerCase()}
              </span>
              <span class={`state ${hold.state}`}>
                <span aria-hidden="true">{STATES[hold.state].icon}</span> {STATES[hold.state].word}
              </span>
              <time class="muted small" dateTime={hold.at}>
                {timeWord(hold.at)}
              </time>
            </li>
          ))}
        </ul>
        {undecided.length > 1 && reviews() && (
          <p class="decide-buttons around">
            <button
              type="button"
              onClick={() => {
                selected.value = new Map(undecided.map((hold) => [hold.txId, hold]));
                location.hash = hrefOf('queue');
              }}
            >
              Select these {undecided.length} in the queue
            </button>
          </p>
        )}
      </section>
      <section class="part">
        <h3>History</h3>
        <ol class="history">
          {found.history.map((step) => (
            <li key={step.version}>
              <p>
                <b>{step.by}</b> {step.what === 'noted' ? 'wrote' : step.what}
              </p>
              <blockquote>{step.text}</blockquote>
              <time class="muted small" dateTime={step.at}>
                {timeWord(step.at)}
              </time>
            </li>
          ))}
        </ol>
      </section>
    </>
  );
}

function Change({
  found,
  again,
}: {
  readonly found: CaseDetail;
  readonly again: () => Promise<void>;
}): JSX.Element {
  const people = useAsked<{ readonly items: readonly { readonly name: string }[] }>('/people');
  const status = useSignal<Case['status']>(found.status === 'closed' ? 'open' : 'in-progress');
  const reason = useSignal('');
  const note = useSignal('');
  const expectedVersion = found.version;
  const change = async (noun: string, body: object, done: string): Promise<boolean> => {
    const made = await send(`/cases/${found.id}/${noun}`, { expectedVersion, ...body }, done);
    await again();
    return made;
  };
  return (
    <div class="part decide-buttons case-change">
      <label>
        Assigned to
        <select
          value={found.assignee ?? ''}
          disabled={found.status === 'closed'}
          onChange={(event) => {
            const to = event.currentTarget.value;
            void change('assignments', { to: to === '' ? null : to }, 'Assigned.');
          }}
        >
          <option value="">nobody</option>
          {people.value?.items.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <Dialog
        id="case-status"
        label="Change status…"
        title={`Status of case C-${found.id}`}
        disabled={false}
        ready={status.value !== found.status}
        confirm="Change"
        busyWord="Saving…"
        run={() =>
          change('statuses', { status: status.value, reason: reason.value.trim() }, 'Changed.')
        }
      >
        <label>
          Status
          <select
            value={status.value}
            onChange={(event) => {
              status.value = event.currentTarget.value as Case['status'];
            }}
          >
            {Object.entries(STATUS_WORDS).map(([name, word]) => (
              <option key={name} value={name}>
                {word}
              </option>
            ))}
          </select>
        </label>
        <ReasonField value={reason} />
        {status.value === 'closed' && found.undecided > 0 && (
          <p class="effect">
            {found.undecided} of its holds are undecided; they stay in the queue.
          </p>
        )}
      </Dialog>
      <Dialog
        id="case-note"
        label="Add a note…"
        title="Note"
        disabled={false}
        confirm="Add"
        busyWord="Saving…"
        run={async () => {
          const made = await change('notes', { text: note.value.trim() }, 'Noted.');
          if (made) note.value = '';
          return made;
        }}
      >
        <NoteField value={note} label="Note" />
      </Dialog>
    </div>
  );
}

/**
 * One day of one account: the reasons with their figures, its calls on the ledger, and what becomes of it.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { ListedDayAnswer, ListedDayDetailAnswer } from '../../src/http/answers.js';
import { send, useAsked } from './asked.js';
import { CallsTable } from './calls-table.js';
import { Dialog } from './dialog.js';
import { draft, forget } from './drafts.js';
import { ReasonField } from './fields.js';
import { daysVersion, reviews } from './model.js';
import { hrefOf, openDayWord } from './pages.js';
import { TimelineChart } from './timeline.js';
import { memberWord, roleWord, scoreWord, timeWord, verbOf } from './words.js';

type Day = ListedDayDetailAnswer;
type Call = Day['calls'][number];

export function DayDetail({ id }: { readonly id: number }): JSX.Element {
  const { value: day, problem, again } = useAsked<Day>(`/days/${id}`, daysVersion.value);
  const word = day === null ? null : `${day.actor}, ${day.date}`;
  useEffect(() => {
    openDayWord.value = word;
    return () => {
      openDayWord.value = null;
    };
  }, [word]);
  if (problem !== null) {
    return (
      <p class="empty" role="alert">
        {problem} <a href={hrefOf('days')}>All days</a>
      </p>
    );
  }
  if (day === null) return <div class="loading" aria-busy="true" />;
  return (
    <>
      <p>
        <a href={hrefOf('days')}>← All days</a>
      </p>
      <DayHead day={day} />
      <h2>
        <DayName day={day} />
      </h2>
      {reviews() && <Decide day={day} again={again} />}
      <section class="part">
        <h3>Why it is listed</h3>
        <ol class="reasons-short">
          {day.reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ol>
        <Figures day={day} />
      </section>
      <section class="part">
        <h3>Calls on the ledger that day</h3>
        <Calls day={day} />
      </section>
      {day.dispositions.length > 0 && <History day={day} />}
    </>
  );
}

/** Whose day, and which. */
export function DayName({ day }: { readonly day: ListedDayAnswer }): JSX.Element {
  return (
    <>
      {roleWord(day.role)} {day.actor}, <time dateTime={day.date}>{day.date}</time>
    </>
  );
}

export function DayHead({ day }: { readonly day: ListedDayAnswer }): JSX.Element {
  return (
    <p class="eyebrow">
      <span>
        place {day.place} of {day.accounts} accounts
      </span>
      <span>
        {day.asStrange === 0 ? 'none' : day.asStrange} of {day.calibrationCases} days before{' '}
        {day.asStrange > 1 ? 'were' : 'was'} as strange
      </span>
      {!day.isOver && <span>so far</span>}
      {!day.isOnLedger && <span>no account on the ledger</span>}
      {!day.isKept && <span>no longer within the budget</span>}
    </p>
  );
}

const MEMBERS: Readonly<Record<string, string>> = {
  patients: 'Different patients',
  unexplained: 'Patients without a found reason',
  acquainted: 'Accesses to acquaintances',
  crowd: 'Others at one patient',
  taken: 'Exports, prints, disclosures',
  records: 'Records beyond one a call',
  refused: 'Calls denied',
  overrides: 'Glass broken',
  strange: 'From new devices or outside',
  departed: 'After the end of employment',
  moves: 'Changes of hospital',
  shared: 'Others on one device',
};

function Figures({ day }: { readonly day: Day }): JSX.Element {
  return (
    <details>
      <summary>The figures as a table</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label="Figures, scrollable">
        <table class="plain-table">
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">That day</th>
              <th scope="col">Own mean</th>
              <th scope="col">Role’s mean</th>
              <th scope="col">Days before as strange</th>
            </tr>
          </thead>
          <tbody>
            {day.findings.map((each) => (
              <tr key={each.member}>
                <th scope="row">{each.act ?? MEMBERS[each.member] ?? memberWord(each.member)}</th>
                <td class="number">{each.count ?? '–'}</td>
                <td class="number">{meanWord(each.own)}</td>
                <td class="number">{meanWord(each.peers)}</td>
                <td class="number">1 in {Math.round(each.oneIn)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function meanWord(of: Readonly<{ mean: number; days: number }> | null): string {
  return of === null || of.days === 0 ? '–' : `${of.mean.toFixed(2)} (${of.days} d)`;
}

function Calls({ day }: { readonly day: Day }): JSX.Element {
  if (day.calls.length === 0) {
    return (
      <p>
        None. What was done stands in the hospital’s own log, and a review is opened of a call on
        the ledger only.
      </p>
    );
  }
  const held = day.calls.filter((call) => call.hold !== null);
  return (
    <>
      <TimelineChart line={day} hold={{ actor: day.actor, txId: '' }} />
      <p>
        {held.length === 0
          ? 'No hold that day.'
          : `Holds of that day, each with the account’s timeline of seven days: `}
        {held.map((call, i) => (
          <span key={call.txId}>
            {i > 0 && ', '}
            <a href={`#/hold/${call.txId}`}>{call.hold}</a>
          </span>
        ))}
      </p>
      {day.callsInAll > day.calls.length && (
        <p class="muted">
          The latest {day.calls.length} of the {day.callsInAll} calls of that day.
        </p>
      )}
      <CallsTable calls={day.calls} />
    </>
  );
}

function History({ day }: { readonly day: Day }): JSX.Element {
  return (
    <section class="part">
      <h3>What became of it</h3>
      <ol class="history">
        {day.dispositions.map((one) => (
          <li key={one.at}>
            <p>
              <b>{one.by}</b>{' '}
              {one.kind === 'nothing' ? (
                'looked and found nothing'
              ) : (
                <>
                  {one.reportTxId === null ? 'named' : 'opened'} a{' '}
                  <a href={`#/hold/${one.txId ?? ''}`}>review</a> of a call
                </>
              )}
            </p>
            <blockquote>{one.reason}</blockquote>
            <time class="muted small" dateTime={one.at}>
              {timeWord(one.at)}
            </time>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Decide({
  day,
  again,
}: {
  readonly day: Day;
  readonly again: () => Promise<void>;
}): JSX.Element {
  const name = `day ${day.id}`;
  const reason = draft(name);
  const open = day.calls.filter(
    (call) => !call.held && !day.dispositions.some((one) => one.txId === call.txId),
  );
  const chosen = useSignal<string | null>(null);
  // What was chosen may have been written down by somebody else meanwhile.
  const call = open.find(({ txId }) => txId === chosen.value) ?? strangestOf(open);
  const txId = call?.txId ?? null;
  const review = call?.hold ?? null;
  const decide = async (body: object, done: string): Promise<boolean> => {
    const text = reason.value.trim();
    const made = await send(`/days/${day.id}/dispositions`, { ...body, reason: text }, done);
    if (made) forget(name);
    await again();
    return made;
  };
  return (
    <div class="decide-buttons around">
      <Dialog
        id="day-nothing"
        label="Looked at, nothing…"
        title="Looked at, nothing"
        disabled={false}
        confirm="Write it down"
        busyWord="Saving…"
        run={() => decide({ kind: 'nothing' }, 'Written down.')}
      >
        <ReasonField value={reason} placeholder="What did you find that explains the day?" />
        <p class="effect">The day leaves the list of those that wait. Nothing else changes.</p>
      </Dialog>
      <Dialog
        id="day-review"
        label="Open a review…"
        title="Open a review of a call"
        disabled={txId === null}
        ready={txId !== null}
        confirm="Open the review"
        busyWord="Filing…"
        run={() =>
          decide(
            { kind: 'review', txId },
            review === null
              ? 'Filed; two people decide it in the queue.'
              : `Written down; ${review} is decided in the queue.`,
          )
        }
      >
        <label>
          Which call
          <select
            value={txId ?? ''}
            onChange={(event) => {
              chosen.value = event.currentTarget.value;
            }}
          >
            {open.map((each) => (
              <option key={each.txId} value={each.txId}>
                {new Date(each.at).toLocaleTimeString()} {verbOf(each.function)}, score{' '}
                {scoreWord(each.scoreMillionths)}
                {each.hold !== null && `, in review as ${each.hold}`}
              </option>
            ))}
          </select>
        </label>
        <ReasonField value={reason} placeholder="What looks wrong from here?" />
        <p class="effect">
          {review === null
            ? 'Files a review of this call on the ledger in the hospital’s name; your words stay here. The call ran already and is not undone. Two people then decide it like any hold.'
            : `This call is in review already, as ${review}. Nothing is filed again; your words stand with the day, which then names that review.`}
        </p>
      </Dialog>
    </div>
  );
}

/** Closing a session is judged like the rest and never worth a review of its own. */
function strangestOf(calls: readonly Call[]): Call | null {
  const score = (call: Call): number =>
    call.function === 'closeSession' ? -1 : (call.scoreMillionths ?? 0);
  return calls.reduce<Call | null>(
    (best, call) => (best === null || score(call) > score(best) ? call : best),
    null,
  );
}

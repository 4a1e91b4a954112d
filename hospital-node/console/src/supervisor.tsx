/**
 * The review as a whole: who carries what, whether deadlines are kept, how decisions come about, and what another alert
 * budget would have meant. It proposes; it changes nothing.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import type {
  AlertBudget,
  BudgetOption,
  BudgetProposal,
  EmergencyAccess,
  ReviewHealth,
  Suppression,
} from '../../src/http/answers.js';
import { send, useAsked } from './asked.js';
import { Dialog } from './dialog.js';
import { ReasonField } from './fields.js';
import { nowMs, session } from './model.js';
import { hrefOf, leads } from './pages.js';
import { agoWord, durationWord, findingWord, roleWord, timeWord, untilWord } from './words.js';

/** Faster than this, nobody read the reason. */
const STAMP_SECONDS = 20;

export function SupervisorPage(): JSX.Element {
  const { value, problem } = useAsked<ReviewHealth>('/supervisor');
  return (
    <main class="page wide">
      <h2>Supervisor</h2>
      {problem !== null && <p role="alert">{problem}</p>}
      {value === null ? (
        problem === null && <div class="loading" aria-busy="true" />
      ) : (
        <>
          <Figures health={value} />
          <div class="columns">
            <Card title="Who carries what">
              <Wide label="Who carries what, scrollable">
                <Load health={value} />
              </Wide>
            </Card>
            <Card title="Undecided, by age">
              <Bars
                name="Age"
                rows={value.ages.map(({ upToHours, holds }, i) => ({
                  word:
                    upToHours === null
                      ? `over ${value.ages[i - 1]?.upToHours ?? 24} h`
                      : `under ${upToHours} h`,
                  count: holds,
                }))}
              />
            </Card>
            <Card title="Decisions of 30 days">
              <Bars
                name="Decision"
                rows={value.outcomes.map(({ action, finding, holds }) => ({
                  word: `${action}: ${findingWord(finding).toLowerCase()}`,
                  count: holds,
                }))}
              />
            </Card>
            <Card title="Who approves whom">
              <Wide label="Who approves whom, scrollable">
                <Pairs health={value} />
              </Wide>
            </Card>
            <Card title="By detector">
              <Detectors health={value} />
            </Card>
            <Card title="Suppressions that end soon">
              <EndingSoon />
            </Card>
            <Card title="Emergency access (break-glass), 30 days">
              <Emergencies access={value.breakGlass} />
            </Card>
            <Card title="Names behind pseudonyms that were asked for">
              <ReIdentifications items={value.reIdentifications} />
            </Card>
          </div>
          <Card title="Holds a day">
            <Days days={value.days} />
          </Card>
        </>
      )}
      {(value !== null || problem !== null) && <Budget />}
    </main>
  );
}

function Card({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <section class="part">
      <h3>{title}</h3>
      {children}
    </section>
  );
}

/** A table that may be wider than a telephone. */
function Wide({
  label,
  children,
}: {
  readonly label: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      {children}
    </div>
  );
}

function Figures({ health }: { readonly health: ReviewHealth }): JSX.Element {
  const { decided, decidedInTime, medianMs, p90Ms } = health;
  const figures: readonly (readonly [string, string, boolean])[] = [
    [String(health.unclaimed), 'nobody works on', false],
    [String(health.overdue), 'past their deadline', health.overdue > 0],
    [
      decided === 0 ? '–' : `${Math.round((decidedInTime / decided) * 100)} %`,
      `of ${decided} decided in time`,
      decidedInTime < decided * 0.95,
    ],
    [spanWord(medianMs), `to a decision, half of them; 90 %: ${spanWord(p90Ms)}`, false],
    [String(health.escalations), 'escalated in 30 days', false],
  ];
  return (
    <dl class="figures">
      {figures.map(([figure, word, bad]) => (
        <div key={word} class={bad ? 'bad' : ''}>
          <dt>{word}</dt>
          <dd>
            {bad && <span aria-hidden="true">▲ </span>}
            {figure}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function spanWord(ms: number | null): string {
  return ms === null ? '–' : durationWord(ms / 1_000);
}

function Load({ health }: { readonly health: ReviewHealth }): JSX.Element {
  return (
    <table class="plain-table">
      <thead>
        <tr>
          <th scope="col">Person</th>
          <th scope="col">Works on</th>
          <th scope="col">Waits for 2nd</th>
          <th scope="col">Oldest</th>
          <th scope="col">7 days</th>
        </tr>
      </thead>
      <tbody>
        {health.load.map((each) => (
          <tr key={each.name}>
            <th scope="row">{each.name}</th>
            <td class="number">{each.claimed}</td>
            <td class="number">{each.waiting}</td>
            <td>{each.oldestFiledAt === null ? '–' : agoWord(each.oldestFiledAt, nowMs.value)}</td>
            <td>
              {each.proposals7d} proposed, {each.approvals7d} approved
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Bars(o: {
  readonly name: string;
  readonly rows: readonly { readonly word: string; readonly count: number }[];
}): JSX.Element {
  if (o.rows.length === 0) return <p class="muted">Nothing yet.</p>;
  const most = Math.max(1, ...o.rows.map(({ count }) => count));
  return (
    <table class="plain-table bars">
      <thead class="sr">
        <tr>
          <th scope="col">{o.name}</th>
          <th scope="col">Holds</th>
        </tr>
      </thead>
      <tbody>
        {o.rows.map(({ word, count }) => (
          <tr key={word}>
            <th scope="row">{word}</th>
            <td>
              <span class="bar-cell-row">
                <span class="bar-number">{count}</span>
                <meter class="reason-bar" min={0} max={most} value={count} aria-hidden="true" />
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Pairs({ health }: { readonly health: ReviewHealth }): JSX.Element {
  if (health.pairs.length === 0) return <p class="muted">No decision in 30 days.</p>;
  return (
    <>
      <table class="plain-table">
        <thead>
          <tr>
            <th scope="col">Proposes</th>
            <th scope="col">Approves</th>
            <th scope="col">Holds</th>
            <th scope="col">Time between (half)</th>
          </tr>
        </thead>
        <tbody>
          {health.pairs.map(({ proposer, approver, holds, medianSeconds }) => (
            <tr key={`${proposer} ${approver}`}>
              <td>{proposer}</td>
              <td>{approver}</td>
              <td class="number">{holds}</td>
              <td class={medianSeconds < STAMP_SECONDS ? 'danger' : ''}>
                {medianSeconds < STAMP_SECONDS && '▲ '}
                {durationWord(medianSeconds)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="muted small">
        Under {STAMP_SECONDS} seconds is marked: a second look takes longer than that.
      </p>
    </>
  );
}

function Detectors({ health }: { readonly health: ReviewHealth }): JSX.Element {
  if (health.detectors.length === 0) return <p class="muted">No decision in 30 days.</p>;
  return (
    <table class="plain-table">
      <thead>
        <tr>
          <th scope="col">Version</th>
          <th scope="col">Decided</th>
          <th scope="col">Confirmed harmful</th>
        </tr>
      </thead>
      <tbody>
        {health.detectors.map(({ version, decided, confirmed }) => (
          <tr key={version}>
            <th scope="row">{version ?? 'none judged'}</th>
            <td class="number">{decided}</td>
            <td class="number">
              {confirmed} ({Math.round((confirmed / decided) * 100)} %)
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** It ran at once, so what is watched is whether somebody looks at it in time, and who uses it often. */
function Emergencies({ access }: { readonly access: EmergencyAccess }): JSX.Element {
  const { filed, waiting, overdue, actors, findings } = access;
  if (filed === 0) return <p class="muted">Nobody broke the glass.</p>;
  const found = Object.entries(findings);
  return (
    <>
      <p>
        <b>{filed}</b> {filed === 1 ? 'call' : 'calls'} ran at once;{' '}
        <a href="?view=glass#/">
          {waiting} {waiting === 1 ? 'waits' : 'wait'} for review
        </a>
        {overdue > 0 && <span class="danger">, ▲ {overdue} past the deadline</span>}.
      </p>
      {found.length > 0 && (
        <p class="muted">
          Found: {found.map(([name, n]) => `${n} ${findingWord(name).toLowerCase()}`).join(', ')}.
        </p>
      )}
      <table class="plain-table">
        <caption class="sr">Who used it most</caption>
        <thead>
          <tr>
            <th scope="col">Used most by</th>
            <th scope="col">Role, ward</th>
            <th scope="col">Calls</th>
          </tr>
        </thead>
        <tbody>
          {actors.map(({ actor, role, ward, holds }) => (
            <tr key={actor}>
              <th scope="row">{actor}</th>
              <td>{[roleWord(role), ward].filter((word) => word !== '').join(', ')}</td>
              <td class="number">{holds}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** Who looked behind which pseudonym, and why; the name itself stands in no list. */
function ReIdentifications({
  items,
}: {
  readonly items: ReviewHealth['reIdentifications'];
}): JSX.Element {
  if (items.length === 0) return <p class="muted">None in the audit log.</p>;
  return (
    <Wide label="Names that were asked for, scrollable">
      <table class="plain-table">
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">By</th>
            <th scope="col">Of</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          {items.map(({ at, by, hold, actor, reason }) => (
            <tr key={`${at} ${hold}`}>
              <td title={timeWord(at)}>{agoWord(at, nowMs.value)}</td>
              <td>{by}</td>
              <td>
                {actor}, {hold}
              </td>
              <td class="own-words">{reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Wide>
  );
}

const SOON_MS = 3 * 86_400_000;

function EndingSoon(): JSX.Element {
  const { value } = useAsked<{ readonly items: readonly Suppression[] }>('/suppressions');
  const soon = (value?.items ?? []).filter(
    ({ state, expiresAt }) => state === 'active' && Date.parse(expiresAt) - nowMs.value < SOON_MS,
  );
  const waiting = (value?.items ?? []).filter(({ state }) => state === 'proposed').length;
  return (
    <>
      {soon.length === 0 ? (
        <p class="muted">None in the next three days.</p>
      ) : (
        <ul class="plain">
          {soon.map((each) => (
            <li key={each.id}>
              S-{each.id} of {each.owner}: {untilWord(each.expiresAt, nowMs.value)}, {each.holding}{' '}
              waiting
            </li>
          ))}
        </ul>
      )}
      <p>
        <a href={hrefOf('suppressions')}>All suppressions</a>
        {waiting > 0 && ` – ${waiting} need a second person`}
      </p>
    </>
  );
}

function Days({ days }: { readonly days: ReviewHealth['days'] }): JSX.Element {
  const counts = new Map(days.map(({ day, holds }) => [day, holds]));
  const all = Array.from({ length: 30 }, (_, i) => {
    const day = new Date(nowMs.value - (29 - i) * 86_400_000).toISOString().slice(0, 10);
    return { day, holds: counts.get(day) ?? 0 };
  });
  const most = Math.max(1, ...all.map(({ holds }) => holds));
  const total = all.reduce((sum, { holds }) => sum + holds, 0);
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label="Holds a day, scrollable">
        <svg
          class="chart"
          viewBox="0 0 640 110"
          role="img"
          aria-label={`${total} holds in 30 days, at most ${most} a day; the table below has each day`}
        >
          <line class="grid" x1="30" x2="640" y1="8" y2="8" />
          <text x="24" y="12" text-anchor="end">
            {most}
          </text>
          <line class="grid" x1="30" x2="640" y1="90" y2="90" />
          {all.map(({ day, holds }, i) => (
            <g key={day}>
              <rect
                class="hour this"
                x={32 + i * 20.2}
                width="16"
                y={90 - (holds / most) * 82}
                height={(holds / most) * 82}
              />
              {i % 7 === 1 && i < 28 && (
                <text x={32 + i * 20.2} y="106">
                  {day.slice(5)}
                </text>
              )}
            </g>
          ))}
        </svg>
      </div>
      <details>
        <summary>As a table</summary>
        <table class="plain-table">
          <thead>
            <tr>
              <th scope="col">Day (UTC)</th>
              <th scope="col">Holds</th>
            </tr>
          </thead>
          <tbody>
            {days.map(({ day, holds }) => (
              <tr key={day}>
                <th scope="row">{day}</th>
                <td class="number">{holds}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </>
  );
}

function Budget(): JSX.Element {
  const typed = useSignal('');
  const asked = useSignal<number | null>(null);
  const { value, problem } = useAsked<AlertBudget>(
    `/alert-budget${asked.value === null ? '' : `?alphaPpm=${asked.value}`}`,
  );
  const proposals = useAsked<{ readonly items: readonly BudgetProposal[] }>(
    '/alert-budget/proposals',
  );
  if (problem !== null) return <p role="alert">{problem}</p>;
  if (value === null) return <div class="loading low" aria-busy="true" />;
  const current = value.currentAlphaPpm;
  return (
    <section class="part" id="budget">
      <h3>Alert budget: what if?</h3>
      {current === null ? (
        <p>No scored call has been read yet, so there is nothing to look back on.</p>
      ) : (
        <>
          <p class="muted">
            Looked back over {durationDays(value.coveredMs)} and{' '}
            {value.scoredCalls.toLocaleString()} scored calls
            {value.unscoredCalls > 0 &&
              ` (${value.unscoredCalls.toLocaleString()} without a score are left out)`}
            , with the scores as they were given; nothing was judged anew. θ = {value.theta / 1e6}{' '}
            stays: the budget α says which scores reach it. Held for another cause than the score,
            whatever α is: {value.heldAnyway}.
          </p>
          <div class="scroll" tabIndex={0} role="region" aria-label="Alert budgets, scrollable">
            <table class="plain-table budget">
              <caption class="sr">What each alert budget would have meant</caption>
              <thead>
                <tr>
                  <th scope="col">α, per 1,000 normal calls</th>
                  <th scope="col">Holds a day</th>
                  <th scope="col">Held per 1,000 calls</th>
                  <th scope="col">Confirmed incidents found</th>
                  <th scope="col">Missed</th>
                </tr>
              </thead>
              <tbody>
                {value.options.map((option) => (
                  <OptionRow key={option.alphaPpm} option={option} budget={value} />
                ))}
              </tbody>
            </table>
          </div>
          <div class="try">
            <form
              onSubmit={(event) => {
                event.preventDefault();
                const perThousand = Number(typed.value.replace(',', '.'));
                if (perThousand >= 0.1 && perThousand <= 500) {
                  asked.value = Math.round(perThousand * 1_000);
                }
              }}
            >
              <label>
                Try another α, per 1,000
                <input
                  inputMode="decimal"
                  value={typed.value}
                  placeholder={String(current / 1_000)}
                  onInput={(event) => {
                    typed.value = event.currentTarget.value;
                  }}
                />
              </label>
              <button type="submit">Look back</button>
            </form>
            {leads(session.value!.person.role) && (
              <Propose budget={value} again={proposals.again} asked={asked.value} />
            )}
          </div>
        </>
      )}
      {(proposals.value?.items.length ?? 0) > 0 && (
        <>
          <h4>Proposals</h4>
          <ul class="plain">
            {proposals.value?.items.map((each) => (
              <li key={each.id}>
                <b>α = {each.alphaPpm / 1_000} per 1,000</b> by {each.owner}, {timeWord(each.at)}:{' '}
                {each.reason} ({oneDecimal(each.figures.holdsPerDay)} holds a day,{' '}
                {each.figures.missedCount} missed)
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function OptionRow({
  option,
  budget,
}: {
  readonly option: BudgetOption;
  readonly budget: AlertBudget;
}): JSX.Element {
  const current = budget.currentAlphaPpm ?? 0;
  const { alphaPpm } = option;
  const now = alphaPpm === current;
  const far = alphaPpm > current * 2 || alphaPpm < current / 2;
  return (
    <tr class={now ? 'leads' : ''}>
      <th scope="row">
        {alphaPpm / 1_000}
        {now && <em class="tag">in force</em>}
        {far && <em class="tag far">beyond ½–2 ×</em>}
      </th>
      <td class="number">{oneDecimal(option.holdsPerDay)}</td>
      <td class="number">{oneDecimal(option.heldPerThousand)}</td>
      <td class="number">
        {option.found} of {budget.confirmed}
      </td>
      <td class={option.missedCount > 0 ? 'danger' : ''}>
        {option.missedCount === 0
          ? 'none'
          : `▲ ${option.missedCount}: ${option.missed.slice(0, 6).join(', ')}${option.missedCount > 6 ? ' …' : ''}`}
      </td>
    </tr>
  );
}

function Propose(o: {
  readonly budget: AlertBudget;
  readonly asked: number | null;
  readonly again: () => Promise<void>;
}): JSX.Element {
  const reason = useSignal('');
  const chosen = useSignal<number | null>(null);
  const others = o.budget.options.filter(({ alphaPpm }) => alphaPpm !== o.budget.currentAlphaPpm);
  const alphaPpm = chosen.value ?? o.asked ?? others[0]?.alphaPpm ?? 0;
  return (
    <Dialog
      id="propose-alpha"
      label="Propose a change…"
      title="Propose another alert budget"
      disabled={others.length === 0}
      confirm="Write the proposal down"
      busyWord="Saving…"
      fresh
      run={async () => {
        const body = { alphaPpm, reason: reason.value.trim() };
        const made = await send('/alert-budget/proposals', body, 'Proposal written down.');
        if (made) await o.again();
        return made;
      }}
    >
      <label>
        α, per 1,000
        <select
          value={String(alphaPpm)}
          onChange={(event) => {
            chosen.value = Number(event.currentTarget.value);
          }}
        >
          {others.map((option) => (
            <option key={option.alphaPpm} value={String(option.alphaPpm)}>
              {option.alphaPpm / 1_000} – {oneDecimal(option.holdsPerDay)} holds a day,{' '}
              {option.missedCount} missed
            </option>
          ))}
        </select>
      </label>
      <ReasonField value={reason} placeholder="Why would the review be better off?" />
      <p class="effect">
        Nothing changes by this. θ and α change only on the ledger: the federation calibrates a
        table with the new α, other hospitals confirm it, and the members vote.
      </p>
    </Dialog>
  );
}

function oneDecimal(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(1);
}

function durationDays(ms: number): string {
  const days = ms / 86_400_000;
  return days >= 2 ? `${Math.round(days)} days` : `${Math.max(1, Math.round(days * 24))} hours`;
}

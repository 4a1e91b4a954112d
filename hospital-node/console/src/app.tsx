import { useEffect } from 'preact/hooks';
import type { JSX } from 'preact';
import type { AlertRate } from '../../src/http/answers.js';
import { Detail } from './detail.js';
import { installKeys, KeyHelp } from './keys.js';
import { lazy } from './lazy.js';
import { Me, MySessions } from './my-sessions.js';
import { detail, notice, offline, openTxId, seesHolds, session, signOut, status } from './model.js';
import { hrefOf, openCase, openDayWord, page, pagesFor, watchPage } from './pages.js';
import { Queue } from './queue.js';
import { SignIn, UnlockKey } from './sign-in.js';
import { nextTheme, theme } from './theme.js';

const Cases = lazy(() => import('./cases.js').then(({ CasesPage }) => CasesPage));
const Days = lazy(() => import('./days.js').then(({ DaysPage }) => DaysPage));
const Suppressions = lazy(() =>
  import('./suppressions.js').then(({ SuppressionsPage }) => SuppressionsPage),
);
const Supervisor = lazy(() =>
  import('./supervisor.js').then(({ SupervisorPage }) => SupervisorPage),
);

export function App(): JSX.Element {
  useEffect(installKeys, []);
  useEffect(watchPage, []);
  if (session.value === undefined) return <main class="boot" aria-busy="true" />;
  return (
    <>
      {session.value === null ? <SignIn /> : <Desk />}
      <div class="toast-place" role="status" aria-live="polite">
        {notice.value !== null && (
          <p class={`toast ${notice.value.kind}`}>
            {notice.value.text}
            {notice.value.undo !== null && (
              <button
                type="button"
                id="undo"
                onClick={() => {
                  const { undo } = notice.value!;
                  notice.value = null;
                  void undo?.();
                }}
              >
                Undo
              </button>
            )}
          </p>
        )}
      </div>
    </>
  );
}

/** A browser's tabs and its history say which is which. */
function useTitle(): void {
  const place = `Review ${session.value?.hospital ?? ''}`.trim();
  const what =
    page.value === 'queue' && detail.value !== null
      ? detail.value.id
      : page.value === 'cases' && openCase.value !== null
        ? `C-${openCase.value}`
        : page.value === 'days' && openDayWord.value !== null
          ? openDayWord.value
          : page.value.charAt(0).toUpperCase() + page.value.slice(1);
  useEffect(() => {
    document.title = `${what} · ${place}`;
    return () => {
      document.title = 'Review · BHSChain';
    };
  }, [what, place]);
}

function Desk(): JSX.Element {
  useTitle();
  const open = openTxId.value !== null;
  return (
    <div class={open ? 'desk has-detail' : 'desk'}>
      <Header />
      {offline.value && (
        <p class="banner bad" role="alert">
          The node does not answer. What you see may be old, and nothing can be decided until it is
          back.
        </p>
      )}
      {!offline.value && status.value?.ledger.connected === false && (
        <p class="banner warn" role="alert">
          The ledger is unreachable since {sinceWord()}. The queue stays readable; decisions wait.
        </p>
      )}
      <UnlockKey />
      {seesHolds() ? (
        <Shown />
      ) : (
        <main class="nothing-here">
          <p class="muted">
            Your role, {session.value!.person.role}, looks after the node and sees no holds.
          </p>
        </main>
      )}
      <KeyHelp />
      <MySessions />
    </div>
  );
}

function Shown(): JSX.Element {
  switch (page.value) {
    case 'days':
      return <Days key="days" />;
    case 'cases':
      return <Cases key="cases" />;
    case 'suppressions':
      return <Suppressions key="suppressions" />;
    case 'supervisor':
      return <Supervisor key="supervisor" />;
    case 'queue':
      return (
        <main class="panes">
          <Queue />
          <Detail />
        </main>
      );
  }
}

function Pages(): JSX.Element {
  return (
    <nav class="pages" aria-label="Pages">
      {pagesFor(session.value!.person.role).map(({ name, word }) => (
        <a
          key={name}
          href={hrefOf(name)}
          data-page={name}
          aria-current={page.value === name ? 'page' : undefined}
        >
          {word}
        </a>
      ))}
    </nav>
  );
}

/** θ never stands without the work that it means. */
function Rate({ rate }: { readonly rate: AlertRate }): JSX.Element {
  const { theta, alphaPpm, scoredCalls, heldForScore, held, heldPerDay } = rate;
  const realised =
    scoredCalls === 0
      ? 'no scored call in 24 h'
      : `24 h: ${oneDecimal((heldForScore * 1_000) / scoredCalls)} in 1,000, ${held} holds`;
  return (
    <span class="rate" title={realised}>
      θ {(theta / 1e6).toFixed(2)}
      {alphaPpm !== null && ` ≈ ${Math.round(alphaPpm / 1_000)} in 1,000`}
      {heldPerDay !== null && (
        <>
          {' · '}
          <b>about {heldPerDay < 10 ? oneDecimal(heldPerDay) : Math.round(heldPerDay)} a day</b>
        </>
      )}
      <span class="sr">; {realised}</span>
    </span>
  );
}

function oneDecimal(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '');
}

function sinceWord(): string {
  const at = status.value?.ledger.lastBlockAt ?? null;
  return at === null ? 'the start' : new Date(at).toLocaleTimeString();
}

function Header(): JSX.Element {
  const facts = status.value;
  const ledger = facts?.ledger;
  return (
    <header class="top">
      <h1>
        <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
          <path d="M8 20l5-6 4 4 7-9" />
          <circle cx="24" cy="9" r="3" />
        </svg>
        Review <span class="place">{session.value!.hospital}</span>
      </h1>
      {seesHolds() && <Pages />}
      <p class="facts">
        {(facts?.review.rate ?? null) !== null && <Rate rate={facts!.review.rate!} />}
        {ledger !== undefined && (
          <span title={`next block ${ledger.nextBlock}`}>
            <i class={ledger.connected ? 'dot ok' : 'dot bad'} aria-hidden="true" />
            {ledger.kind} {ledger.connected ? 'live' : 'away'}
          </span>
        )}
      </p>
      <nav class="me" aria-label="You">
        <Me />
        <button type="button" class="quiet" onClick={nextTheme} title={`Theme: ${theme.value}`}>
          <span aria-hidden="true">◐</span>
          <span class="sr">Theme, now {theme.value}</span>
        </button>
        <button
          type="button"
          class="quiet"
          onClick={() => document.querySelector<HTMLDialogElement>('#keys')?.showModal()}
        >
          <span aria-hidden="true">?</span>
          <span class="sr">Keyboard</span>
        </button>
        <button type="button" class="quiet" onClick={() => void signOut()}>
          Sign out
        </button>
      </nav>
    </header>
  );
}

import { useEffect } from 'preact/hooks';
import type { JSX } from 'preact';
import { Detail } from './detail.js';
import { installKeys, KeyHelp } from './keys.js';
import { notice, offline, openTxId, seesHolds, session, signOut, status } from './model.js';
import { Queue } from './queue.js';
import { SignIn, UnlockKey } from './sign-in.js';
import { nextTheme, theme } from './theme.js';

export function App(): JSX.Element {
  useEffect(installKeys, []);
  if (session.value === undefined) return <main class="boot" aria-busy="true" />;
  return (
    <>
      {session.value === null ? <SignIn /> : <Desk />}
      <div class="toast-place" role="status" aria-live="polite">
        {notice.value !== null && <p class={`toast ${notice.value.kind}`}>{notice.value.text}</p>}
      </div>
    </>
  );
}

function Desk(): JSX.Element {
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
        <main class="panes">
          <Queue />
          <Detail />
        </main>
      ) : (
        <main class="nothing-here">
          <p class="muted">
            Your role, {session.value!.person.role}, looks after the node and sees no holds.
          </p>
        </main>
      )}
      <KeyHelp />
    </div>
  );
}

function sinceWord(): string {
  const at = status.value?.ledger.lastBlockAt ?? null;
  return at === null ? 'the start' : new Date(at).toLocaleTimeString();
}

function Header(): JSX.Element {
  const person = session.value!.person;
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
      <p class="facts">
        {ledger !== undefined && (
          <span>
            <i class={ledger.connected ? 'dot ok' : 'dot bad'} aria-hidden="true" />
            {ledger.kind} {ledger.connected ? 'live' : 'away'}
            <span class="wide-only"> · block {ledger.nextBlock}</span>
          </span>
        )}
      </p>
      <nav class="me" aria-label="You">
        <span class="who">
          {person.name} <small>{person.role}</small>
        </span>
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

/**
 * Where somebody is signed in, and how to end it elsewhere: on a machine that was left behind or stolen.
 * @module
 */
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import type { SessionEntry } from '../../src/http/answers.js';
import { ask } from './api.js';
import { sentenceOf } from './asked.js';
import { nowMs, session } from './model.js';
import { agoWord, timeWord } from './words.js';

interface Sessions {
  readonly items: readonly SessionEntry[];
}

const items = signal<readonly SessionEntry[] | null>(null);
const problem = signal<string | null>(null);

async function load(before?: () => Promise<unknown>): Promise<void> {
  try {
    await before?.();
    items.value = (await ask<Sessions>('GET', '/sessions')).items;
    problem.value = null;
  } catch (error) {
    problem.value = sentenceOf(error);
  }
}

/** Who is signed in; behind it, where. */
export function Me(): JSX.Element {
  const { name, role } = session.value!.person;
  return (
    <button
      type="button"
      class="quiet who"
      id="my-sessions"
      title="Where you are signed in"
      onClick={() => {
        items.value = null; // they may be another person's, who was here before
        void load();
        document.querySelector<HTMLDialogElement>('#sessions')?.showModal();
      }}
    >
      {name} <small>{role}</small>
    </button>
  );
}

export function MySessions(): JSX.Element {
  const all = session.value?.person.role === 'admin';
  const others = items.value?.filter(({ current }) => !current) ?? [];
  return (
    <dialog id="sessions" aria-labelledby="sessions-title">
      <h2 id="sessions-title">{all ? 'Open sessions' : 'Where you are signed in'}</h2>
      {problem.value !== null && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
      {items.value === null ? (
        problem.value === null && <div class="loading low" aria-busy="true" />
      ) : (
        <ul class="sessions">
          {items.value.map((each) => (
            <li key={each.id}>
              <p>
                <b>{each.current ? 'Here' : all ? each.name : 'Elsewhere'}</b>{' '}
                {each.method === 'oidc' ? 'by the hospital account' : 'by password'}
                <br />
                <span class="muted small">
                  since {timeWord(each.openedAt)}, used {agoWord(each.seenAt, nowMs.value)}
                </span>
              </p>
              {!each.current && (
                <button
                  type="button"
                  onClick={() => void load(() => ask('DELETE', `/sessions/${each.id}`))}
                >
                  End it
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      <p class="muted small">
        A session ends by itself after half an hour without use, and after twelve hours.
      </p>
      <form method="dialog" class="dialog-buttons">
        {others.length > 1 && (
          <button type="button" onClick={() => void load(() => ask('DELETE', '/sessions'))}>
            End all others
          </button>
        )}
        <button class="primary">Close</button>
      </form>
    </dialog>
  );
}

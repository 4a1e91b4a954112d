/**
 * Signing in and out, proving again who one is, and one's own sessions.
 * @module
 */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { ComponentChildren, JSX } from 'preact';
import { ask } from './api.js';
import { Dialog, textOf } from './dialog.js';
import { act, askAs, isFresh, operator, provenNow, readSession, ways } from './operator.js';
import { rememberPage } from './route.js';
import { Time } from './words.js';

export function Me(): JSX.Element {
  const open = useSignal<'sign-in' | 'sessions' | null>(null);
  const { value } = operator;
  const close = (): void => {
    open.value = null;
  };
  if (value !== null) {
    const leave = async (): Promise<void> => {
      const { continueAt } = await askAs<{ continueAt: string | null }>('/session', {}, 'DELETE');
      if (continueAt !== null) location.assign(continueAt);
      else await readSession();
    };
    return (
      <>
        <button
          type="button"
          class="quiet"
          title="Your sessions"
          onClick={() => (open.value = 'sessions')}
        >
          <b>{value.name}</b> <small>{value.role}</small>
        </button>
        <button type="button" class="quiet" onClick={() => void leave()}>
          Sign out
        </button>
        {open.value === 'sessions' && <Sessions close={close} />}
      </>
    );
  }
  return (
    <>
      <button type="button" class="quiet" onClick={() => (open.value = 'sign-in')}>
        Sign in
      </button>
      {open.value === 'sign-in' && <SignIn close={close} />}
    </>
  );
}

function SignIn({ close }: { close: () => void }): JSX.Element {
  const { local, provider } = ways.value;
  const send = async (form: FormData): Promise<string | null> => {
    const credentials = { name: textOf(form, 'name'), password: textOf(form, 'password') };
    const problem = await act('/session', credentials);
    if (problem === null) await readSession();
    return problem;
  };
  return (
    <Dialog
      title="Sign in to act"
      text={`Reading needs no sign-in.${local ? ' `bhs-orchestrator operator add NAME` makes an account.' : ''}`}
      {...(local ? { button: 'Sign in', send } : {})}
      close={close}
    >
      {provider !== null && <ProviderLink to={provider} words="Sign in at the sign-in service" />}
      {local && (
        <>
          <label>
            Name
            <input name="name" autocomplete="username" autocapitalize="none" required />
          </label>
          <label>
            Password
            <input name="password" type="password" autocomplete="current-password" required />
          </label>
        </>
      )}
    </Dialog>
  );
}

function ProviderLink({ to, words }: { to: string; words: string }): JSX.Element {
  return (
    <a class="provider" href={to} onClick={rememberPage}>
      {words}
    </a>
  );
}

/** Around a form for something that weighs: above it the question who one is, once the last answer is old. */
export function Weighty(props: { close: () => void; children: ComponentChildren }): JSX.Element {
  return (
    <>
      {props.children}
      {operator.value !== null && !isFresh() && <Again close={props.close} />}
    </>
  );
}

function Again({ close }: { close: () => void }): JSX.Element {
  const text =
    'This weighs enough to ask again: your sign-in is older than five minutes. What you have filled in stays.';
  const done = (): void => {
    if (!isFresh()) close();
  };
  const { provider } = ways.value;
  if (operator.value?.method === 'oidc') {
    return (
      <Dialog
        title="Is it still you?"
        text="This weighs enough to ask again who you are."
        close={done}
      >
        <ProviderLink to={`${provider ?? ''}?again=1`} words="Sign in again" />
      </Dialog>
    );
  }
  const send = async (form: FormData): Promise<string | null> => {
    try {
      const password = textOf(form, 'password');
      provenNow(
        (await askAs<{ freshForMs: number }>('/session/freshness', { password })).freshForMs,
      );
      return null;
    } catch (cause) {
      return cause instanceof Error ? cause.message : 'It did not work.';
    }
  };
  return (
    <Dialog title="Is it still you?" text={text} button="Go on" send={send} close={done}>
      <label>
        Password of {operator.value?.name}
        <input name="password" type="password" autocomplete="current-password" required />
      </label>
    </Dialog>
  );
}

interface OwnSession {
  readonly key: string;
  readonly method: string;
  readonly agent: string;
  readonly createdAtMs: number;
  readonly seenAtMs: number;
  readonly isThis: boolean;
}

function Sessions({ close }: { close: () => void }): JSX.Element {
  const sessions = useSignal<readonly OwnSession[]>([]);
  const problem = useSignal<string | null>(null);
  const read = async (): Promise<void> => {
    sessions.value = await ask<readonly OwnSession[]>('/sessions');
  };
  useEffect(() => {
    void read().catch(() => (problem.value = 'The sessions cannot be read.'));
  }, []);
  const end = async (key: string): Promise<void> => {
    problem.value = await act(`/sessions/${key}`, {}, 'DELETE');
    await read().catch(() => undefined);
  };
  return (
    <Dialog
      title="Your sessions"
      text="A session ends after half an hour without a request, and after twelve hours."
      close={close}
    >
      <ul class="sessions">
        {sessions.value.map((each) => (
          <li key={each.key}>
            <span>
              {each.isThis ? <b>this one</b> : agentOf(each.agent)}{' '}
              <small>
                since <Time ms={each.createdAtMs} />, seen <Time ms={each.seenAtMs} />
              </small>
            </span>
            {!each.isThis && (
              <button type="button" onClick={() => void end(each.key)}>
                End it
              </button>
            )}
          </li>
        ))}
      </ul>
      {problem.value !== null && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
    </Dialog>
  );
}

/** What a person knows a browser by. */
function agentOf(agent: string): string {
  const [, name] = /(Firefox|Edg|Chrome|Safari)\//.exec(agent) ?? [];
  return name ?? (agent.slice(0, 40) || 'a program');
}

const REFUSALS: Readonly<Record<string, string>> = {
  ERR_OIDC_UNREACHABLE: 'The sign-in service does not answer. Try again in a minute.',
  ERR_OIDC_TICKET:
    'This sign-in took longer than ten minutes, or began in another browser. Please start again.',
  ERR_OIDC_DENIED: 'The sign-in service did not let you in.',
  ERR_OIDC_TOKEN: 'The answer of the sign-in service could not be trusted, so it was not used.',
  ERR_OIDC_CLOCK: 'The clocks of the orchestrator and of the sign-in service differ too much.',
  ERR_OIDC_CLAIMS: 'The sign-in service did not say who you are.',
  ERR_OIDC_ROLE:
    'You are known to the sign-in service but have no role here. Ask your administrator for one.',
  ERR_SIGN_IN_METHOD: 'There is no sign-in service here. Sign in with a local account.',
};

/** Why a sign-in elsewhere did not work; the address carries the code alone. */
export function Refused(): JSX.Element | null {
  const code = new URLSearchParams(location.search).get('refused');
  const sentence = code === null ? undefined : REFUSALS[code];
  if (sentence === undefined) return null;
  return (
    <p class="banner bad" role="alert">
      {sentence}
    </p>
  );
}

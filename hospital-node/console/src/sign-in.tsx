/**
 * Signing in, by a local account or at the hospital's identity provider, and unlocking the key that signs on the ledger.
 * @module
 */
import { useSignal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { JSX } from 'preact';
import { ask } from './api.js';
import { session, signedOutBecause, signIn, unlockKey } from './model.js';

interface SignInWays {
  readonly local: boolean;
  /** Where the way to the identity provider begins. */
  readonly provider: string | null;
}

/** Why the identity provider did not bring somebody here; the address carries the code alone. */
const REFUSALS: Readonly<Record<string, string>> = {
  ERR_OIDC_UNREACHABLE:
    'The sign-in service of the hospital does not answer. Try again in a minute.',
  ERR_OIDC_TICKET:
    'This sign-in took longer than ten minutes, or began in another browser. Please start again.',
  ERR_OIDC_DENIED: 'The sign-in service of the hospital did not let you in.',
  ERR_OIDC_TOKEN:
    'The answer of the sign-in service could not be trusted, so it was not used. Please tell your administrator.',
  ERR_OIDC_CLOCK:
    'The clocks of this node and of the sign-in service differ too much. Please tell your administrator.',
  ERR_OIDC_CLAIMS: 'The sign-in service did not say who you are. Please tell your administrator.',
  ERR_OIDC_ROLE:
    'The hospital knows you, but you have no role in this review. Ask your administrator for one.',
  ERR_SIGN_IN_METHOD: 'There is no sign-in service here. Sign in with a local account.',
};

export function SignIn(): JSX.Element {
  const ways = useSignal<SignInWays | null>(null);
  const problem = useSignal<string | null>(takeRefusal());
  useEffect(() => {
    ask<{ signIn: SignInWays }>('GET', '/about').then(
      (about) => (ways.value = about.signIn),
      () => (problem.value = 'The node does not answer.'),
    );
  }, []);
  const { local, provider } = ways.value ?? { local: false, provider: null };
  return (
    <main class="sign-in">
      <div class="card" aria-busy={ways.value === null}>
        <svg class="mark big" viewBox="0 0 32 32" aria-hidden="true">
          <path d="M8 20l5-6 4 4 7-9" />
          <circle cx="24" cy="9" r="3" />
        </svg>
        <h1>Review of held access</h1>
        {signedOutBecause.value !== null && <p class="note">{signedOutBecause.value}</p>}
        <Problem of={problem} />
        {provider !== null && (
          <a class="button primary" id="provider" href={provider}>
            Sign in with the hospital account
          </a>
        )}
        {provider !== null && local && <p class="muted">Or with an account of this node:</p>}
        {local && <LocalAccount problem={problem} />}
      </div>
    </main>
  );
}

function LocalAccount({ problem }: { readonly problem: Signal<string | null> }): JSX.Element {
  const busy = useSignal(false);
  const submit = asSubmit(problem, busy, (form) =>
    signIn(text(form, 'name'), text(form, 'password')),
  );
  return (
    <form onSubmit={submit}>
      <p class="muted">
        Your password unlocks your own signing key. Each decision is a ledger transaction in your
        name.
      </p>
      <label>
        Name
        <input name="name" autocomplete="username" autocapitalize="none" required autofocus />
      </label>
      <label>
        Password
        <input name="password" type="password" autocomplete="current-password" required />
      </label>
      <button type="submit" class="primary" disabled={busy.value}>
        {busy.value ? 'Checking…' : 'Sign in'}
      </button>
    </form>
  );
}

/** Above the queue, for as long as nothing can be signed. */
export function UnlockKey(): JSX.Element | null {
  const problem = useSignal<string | null>(null);
  const busy = useSignal(false);
  const { canSign, hasKey, person } = session.value!;
  if (canSign || person.role === 'auditor' || person.role === 'admin') return null;
  if (!hasKey) {
    return (
      <p class="banner warn" role="status">
        You read only: this node keeps no signing key for {person.name}.
      </p>
    );
  }
  const submit = asSubmit(problem, busy, (form) => unlockKey(text(form, 'key-password')));
  return (
    <form class="banner warn unlock" onSubmit={submit}>
      <label for="key-password">Your signing key is locked. Its password</label>
      <input
        id="key-password"
        name="key-password"
        type="password"
        autocomplete="current-password"
        required
      />
      <button type="submit" disabled={busy.value}>
        Unlock
      </button>
      <Problem of={problem} />
    </form>
  );
}

function Problem({ of }: { readonly of: Signal<string | null> }): JSX.Element | null {
  if (of.value === null) return null;
  return (
    <p class="problem" role="alert">
      {of.value}
    </p>
  );
}

function asSubmit(
  problem: Signal<string | null>,
  busy: Signal<boolean>,
  send: (form: FormData) => Promise<void>,
): (event: SubmitEvent) => void {
  return (event) => {
    event.preventDefault();
    busy.value = true;
    problem.value = null;
    send(new FormData(event.currentTarget as HTMLFormElement))
      .catch((error: unknown) => {
        problem.value = error instanceof Error ? error.message : 'That did not work.';
      })
      .finally(() => (busy.value = false));
  };
}

/** Says it once: a reload of the page starts clean. */
function takeRefusal(): string | null {
  const address = new URL(location.href);
  const code = address.searchParams.get('refused');
  if (code === null) return null;
  address.searchParams.delete('refused');
  history.replaceState(null, '', address);
  return REFUSALS[code] ?? 'The sign-in did not work. Please start again.';
}

function text(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
}

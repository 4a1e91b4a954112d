import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { signIn } from './model.js';

export function SignIn(): JSX.Element {
  const problem = useSignal<string | null>(null);
  const busy = useSignal(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    busy.value = true;
    problem.value = null;
    try {
      await signIn(text(form, 'name'), text(form, 'password'));
    } catch (error) {
      problem.value = error instanceof Error ? error.message : 'Sign-in failed.';
      busy.value = false;
    }
  };
  return (
    <main class="sign-in">
      <form onSubmit={(event) => void submit(event)}>
        <svg class="mark big" viewBox="0 0 32 32" aria-hidden="true">
          <path d="M8 20l5-6 4 4 7-9" />
          <circle cx="24" cy="9" r="3" />
        </svg>
        <h1>Review of held access</h1>
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
        {problem.value !== null && (
          <p class="problem" role="alert">
            {problem.value}
          </p>
        )}
        <button type="submit" class="primary" disabled={busy.value}>
          {busy.value ? 'Checking…' : 'Sign in'}
        </button>
      </form>
    </main>
  );
}

function text(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
}

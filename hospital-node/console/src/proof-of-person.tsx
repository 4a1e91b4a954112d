/**
 * The password once more, inside the form that needs it: before a step that cannot be taken back, somebody shows that it is
 * still her at the keyboard.
 * @module
 */
import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { needsProof, rememberReturn, session, unlockKey } from './model.js';
import { sentenceOf } from './asked.js';

const problem = signal<string | null>(null);
const AGAIN = '/api/v1/sign-in/oidc?again=yes';

export function Proof({ id }: { readonly id: string }): JSX.Element | null {
  if (!needsProof()) return null;
  if (session.value?.hasKey === false) {
    return (
      <p class="proof-of-person">
        Your sign-in is more than five minutes old.{' '}
        <a class="button" href={AGAIN} onClick={rememberReturn}>
          Sign in again
        </a>{' '}
        What you typed is kept.
      </p>
    );
  }
  return (
    <div class="proof-of-person">
      <label for={`${id}-password`}>
        Your password <small>your sign-in is more than five minutes old</small>
      </label>
      <input
        id={`${id}-password`}
        name="proof"
        type="password"
        autocomplete="current-password"
        required
      />
      {problem.value !== null && (
        <p class="problem" role="alert">
          {problem.value}
        </p>
      )}
    </div>
  );
}

/** True if no proof is asked for, or the one in the form was taken. */
export async function proveFrom(form: HTMLFormElement): Promise<boolean> {
  problem.value = null;
  const field = form.elements.namedItem('proof');
  if (!(field instanceof HTMLInputElement)) return !needsProof();
  try {
    await unlockKey(field.value);
    return true;
  } catch (error) {
    problem.value = sentenceOf(error);
    field.select();
    return false;
  }
}

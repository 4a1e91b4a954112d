/**
 * The operator who has signed in, if one has, and the forms in which operators act. Without one the dashboard reads only.
 * @module
 */
import { signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { JSX } from 'preact';
import { ask, Problem } from './api.js';

interface Session {
  readonly name: string;
  readonly csrf: string;
}

export const operator = signal<Session | null>(null);

export async function readSession(): Promise<void> {
  try {
    const session = await ask<{ name: string | null; csrf: string }>('/session');
    operator.value = session.name === null ? null : { ...session, name: session.name };
  } catch {
    operator.value = null;
  }
}

/** Null if it worked, else the sentence of the refusal. */
export async function act(
  path: string,
  body: object,
  method: 'POST' | 'DELETE' = 'POST',
): Promise<string | null> {
  try {
    await ask(path, { method, body, csrf: operator.value?.csrf ?? '' });
    return null;
  } catch (cause) {
    if (cause instanceof Problem && cause.code === 'ERR_SESSION') operator.value = null;
    return cause instanceof Error ? cause.message : 'It did not work.';
  }
}

export function Me(): JSX.Element {
  const open = useSignal(false);
  const { value } = operator;
  if (value !== null) {
    const leave = async (): Promise<void> => {
      await act('/session', {}, 'DELETE');
      await readSession();
    };
    return (
      <>
        <b>{value.name}</b>
        <button type="button" class="quiet" onClick={() => void leave()}>
          Sign out
        </button>
      </>
    );
  }
  return (
    <>
      <button type="button" class="quiet" onClick={() => (open.value = true)}>
        Sign in
      </button>
      {open.value && <SignIn close={() => (open.value = false)} />}
    </>
  );
}

function SignIn({ close }: { close: () => void }): JSX.Element {
  const send = async (form: FormData): Promise<string | null> => {
    const problem = await act('/session', {
      name: textOf(form, 'name'),
      password: textOf(form, 'password'),
    });
    if (problem === null) await readSession();
    return problem;
  };
  return (
    <Dialog
      title="Sign in as an operator"
      text="Reading needs no sign-in. `bhs-orchestrator operator add NAME` makes an account."
      button="Sign in"
      send={send}
      close={close}
    >
      <label>
        Name
        <input name="name" autocomplete="username" autocapitalize="none" required />
      </label>
      <label>
        Password
        <input name="password" type="password" autocomplete="current-password" required />
      </label>
    </Dialog>
  );
}

/** One line of text that goes with a step. */
export function Form(props: {
  title: string;
  text: string;
  field: readonly [name: string, label: string];
  path: string;
  button: string;
  close: () => void;
}): JSX.Element {
  const [name, label] = props.field;
  return (
    <Dialog {...props} send={(form) => act(props.path, { [name]: textOf(form, name) })}>
      <label>
        {label}
        <input name={name} autocomplete="off" required />
      </label>
    </Dialog>
  );
}

export function Dialog(props: {
  title: string;
  text: string;
  button: string;
  /** Null if it worked. */
  send: (form: FormData) => Promise<string | null>;
  close: () => void;
  children: JSX.Element | JSX.Element[];
}): JSX.Element {
  const place = useRef<HTMLDialogElement>(null);
  const problem = useSignal<string | null>(null);
  const busy = useSignal(false);
  useEffect(() => {
    place.current?.showModal();
  }, []);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    busy.value = true;
    problem.value = await props.send(form);
    busy.value = false;
    if (problem.value === null) place.current?.close();
  };
  return (
    <dialog ref={place} aria-labelledby="dialog-title" onClose={props.close}>
      <form onSubmit={(event) => void submit(event)}>
        <h2 id="dialog-title">{props.title}</h2>
        <p>{props.text}</p>
        {props.children}
        {problem.value !== null && (
          <p class="problem" role="alert">
            {problem.value}
          </p>
        )}
        <div class="dialog-buttons">
          <button type="button" onClick={() => place.current?.close()}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy.value}>
            {busy.value ? 'Asking…' : props.button}
          </button>
        </div>
      </form>
    </dialog>
  );
}

function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
}

/**
 * The one kind of dialog that there is: a form with a sentence that says what it does, and the refusal where it is read.
 * @module
 */
import { useSignal } from '@preact/signals';
import { useEffect, useId, useRef } from 'preact/hooks';
import type { ComponentChildren, JSX } from 'preact';
import { act } from './operator.js';

export function Dialog(props: {
  title: string;
  text: string;
  /** Absent where there is nothing to send: then it only closes. */
  button?: string;
  /** Null if it worked. */
  send?: (form: FormData) => Promise<string | null>;
  /** By the Escape key and Cancel too. */
  close: () => void;
  children: ComponentChildren;
}): JSX.Element {
  const place = useRef<HTMLDialogElement>(null);
  const problem = useSignal<string | null>(null);
  const busy = useSignal(false);
  const titleId = useId();
  useEffect(() => {
    place.current?.showModal();
  }, []);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    busy.value = true;
    problem.value = (await props.send?.(form)) ?? null;
    busy.value = false;
    if (problem.value === null) place.current?.close();
  };
  return (
    <dialog ref={place} aria-labelledby={titleId} onClose={props.close}>
      <form onSubmit={(event) => void submit(event)}>
        <h2 id={titleId}>{props.title}</h2>
        <p>{props.text}</p>
        {props.children}
        {problem.value !== null && (
          <p class="problem" role="alert">
            {problem.value}
          </p>
        )}
        <div class="dialog-buttons">
          <button type="button" onClick={() => place.current?.close()}>
            {props.button === undefined ? 'Close' : 'Cancel'}
          </button>
          {props.button !== undefined && (
            <button type="submit" class="primary" disabled={busy.value}>
              {busy.value ? 'Asking…' : props.button}
            </button>
          )}
        </div>
      </form>
    </dialog>
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

export function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
}

export async function fileOf(form: FormData, name: string): Promise<string> {
  const file = form.get(name);
  return file instanceof File ? await file.text() : '';
}

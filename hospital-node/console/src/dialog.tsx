/**
 * A modal form behind its own button.
 * @module
 */
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { Proof, proveFrom } from './proof-of-person.js';
import type { ComponentChildren, JSX } from 'preact';

export interface DialogProps {
  readonly id: string;
  readonly label: string;
  readonly title: string;
  readonly confirm: string;
  /** False while the form cannot be sent for what no field of it mends; missing fields speak for themselves (`wanted.ts`). */
  readonly ready?: boolean;
  readonly disabled: boolean;
  readonly primary?: boolean;
  /** On the button while it runs; 'Signing…' if nothing else is said. */
  readonly busyWord?: string;
  /** What it needs is asked for now, not for every page that could open it. */
  readonly onOpen?: () => void;
  /** It cannot be taken back: the password is asked for if the last one is some minutes old. */
  readonly fresh?: boolean;
  readonly run: () => Promise<boolean>;
  readonly children: ComponentChildren;
}

/** A modal with its own button; focus returns to the button when it closes. */
export function Dialog(props: DialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const busy = useSignal(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    busy.value = true;
    const taken = (props.fresh !== true || (await proveFrom(form))) && (await props.run());
    busy.value = false;
    if (taken) dialog.current?.close();
  };
  return (
    <>
      <button
        type="button"
        id={props.id}
        class={props.primary === true ? 'primary' : ''}
        disabled={props.disabled}
        onClick={() => {
          props.onOpen?.();
          dialog.current?.showModal();
        }}
      >
        {props.label}
      </button>
      <dialog ref={dialog} aria-labelledby={`${props.id}-title`}>
        <form onSubmit={(event) => void submit(event)}>
          <h2 id={`${props.id}-title`}>{props.title}</h2>
          {props.children}
          {props.fresh === true && <Proof id={props.id} />}
          <div class="dialog-buttons">
            <button type="button" onClick={() => dialog.current?.close()}>
              Cancel
            </button>
            <button type="submit" class="primary" disabled={props.ready === false || busy.value}>
              {busy.value ? (props.busyWord ?? 'Signing…') : props.confirm}
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}

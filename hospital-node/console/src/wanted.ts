/**
 * What a form cannot go without. Its button can be pressed all the time; pressed too early, nothing is sent, each field says
 * beside itself what is missing, and the focus goes to the first of them.
 * @module
 */
import { useSignal } from '@preact/signals';
import { useEffect, useId } from 'preact/hooks';

type Field = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

export interface Wanted {
  /** The sentence to show beside the field; null as long as nobody pressed the button without it. */
  readonly says: string | null;
  /** Of the element that shows it. */
  readonly id: string;
  /** For the field itself. */
  readonly field: {
    readonly required: true;
    readonly 'aria-invalid': boolean;
    readonly 'aria-describedby': string | undefined;
    readonly ref: (field: Field | null) => void;
    readonly onInvalid: (event: { preventDefault(): void; readonly currentTarget: Field }) => void;
  };
}

/** @param missing - what is wrong with the field now, as a sentence; null if nothing is */
export function useWanted(missing: string | null): Wanted {
  const id = useId();
  const asked = useSignal(false);
  useEffect(() => {
    if (missing === null) asked.value = false;
  }, [missing]);
  const says = asked.value ? missing : null;
  return {
    says,
    id,
    field: {
      required: true,
      'aria-invalid': says !== null,
      'aria-describedby': says === null ? undefined : id,
      ref: (field) => field?.setCustomValidity(missing ?? ''),
      onInvalid: (event) => {
        // The browser's own bubble is gone after a moment, and no colour or size of ours reaches it.
        event.preventDefault();
        asked.value = true;
        const { currentTarget: field } = event;
        const first = field.form?.querySelector(':is(input, select, textarea):invalid');
        if (first === field) field.focus();
      },
    },
  };
}

/**
 * The form in which a person says a word that counts: what is signed stands there, the reason is part of it, and the second
 * word has to come from another organisation.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { act, Dialog, operator } from './operator.js';
import { canonicalText, signStatement, type Statement } from './signature.js';

export interface Word {
  readonly title: string;
  /** What happens once two organisations have said so. */
  readonly effect: string;
  readonly button: string;
  readonly path: string;
  /** What is signed, but for the reason. */
  readonly statement: Statement;
  /** Goes with the request besides reason, certificate and signature. */
  readonly body: Readonly<Record<string, string>>;
}

export function WordButton({
  word,
  label,
}: {
  readonly word: Word;
  readonly label: string;
}): JSX.Element | null {
  const open = useSignal(false);
  if (operator.value === null) return null;
  return (
    <>
      <button type="button" onClick={() => (open.value = true)}>
        {label}
      </button>
      {open.value && <WordForm word={word} close={() => (open.value = false)} />}
    </>
  );
}

function WordForm({ word, close }: { readonly word: Word; close: () => void }): JSX.Element {
  const reason = useSignal('');
  const statement = (): Statement => ({ ...word.statement, reason: reason.value.trim() });
  const send = async (form: FormData): Promise<string | null> => {
    try {
      const signature = await signStatement(statement(), await fileOf(form, 'key'));
      const certificate = await fileOf(form, 'certificate');
      const said = { ...word.body, reason: reason.value.trim(), certificate, signature };
      return await act(word.path, said);
    } catch (cause) {
      return cause instanceof Error ? cause.message : 'It did not work.';
    }
  };
  return (
    <Dialog title={word.title} text={word.effect} button={word.button} send={send} close={close}>
      <label>
        Reason, kept with your signature
        <textarea
          name="reason"
          rows={2}
          maxLength={1_000}
          required
          onInput={(event) => (reason.value = event.currentTarget.value)}
        />
      </label>
      <label>
        Your certificate (PEM)
        <input name="certificate" type="file" accept=".pem,.crt,.cer" required />
      </label>
      <label>
        Your private key (PEM); it stays in this browser and is forgotten after the signature
        <input name="key" type="file" accept=".pem,.key" required />
      </label>
      <details>
        <summary>What you sign</summary>
        <code class="long">{canonicalText(statement())}</code>
      </details>
    </Dialog>
  );
}

async function fileOf(form: FormData, name: string): Promise<string> {
  const file = form.get(name);
  return file instanceof File ? await file.text() : '';
}

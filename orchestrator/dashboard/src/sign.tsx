/**
 * The forms in which a person says something that counts, with the key of the own hospital: a word, which is kept here, or a
 * vote, which is a transaction on the channel. What is signed stands there; the key stays in the browser.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { Dialog, fileOf } from './dialog.js';
import { act, operator } from './operator.js';
import { Weighty } from './sign-in.js';
import {
  canonicalText,
  readKey,
  signStatement,
  type SigningKey,
  type Statement,
} from './signature.js';
import { castVote, type Vote } from './vote.js';

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
  const statementFor = (reason: string): Statement => ({ ...word.statement, reason });
  return (
    <SignButton
      {...word}
      label={label}
      signed={(reason) => canonicalText(statementFor(reason))}
      send={async ({ reason, certificate, key }) => {
        const signature = await signStatement(statementFor(reason), key);
        return act(word.path, { ...word.body, reason, certificate, signature });
      }}
    />
  );
}

export function VoteButton(props: {
  readonly vote: Vote;
  readonly title: string;
  readonly effect: string;
  readonly label: string;
  readonly done: () => void;
}): JSX.Element | null {
  const { vote, done } = props;
  const asked = useSignal('');
  return (
    <SignButton
      {...props}
      button="Sign and send to the channel"
      signed={() =>
        asked.value === ''
          ? 'A transaction: proposal, endorsed transaction, and the question how it ended. Before each signature this page compares the bytes with the call.'
          : asked.value
      }
      send={async (signer) => {
        const { call } = await castVote(vote, signer);
        asked.value = call.join(' ');
        done();
        return null;
      }}
    />
  );
}

export interface Signer {
  readonly reason: string;
  /** PEM */
  readonly certificate: string;
  readonly key: SigningKey;
}

function SignButton(props: {
  readonly label: string;
  readonly title: string;
  readonly effect: string;
  readonly button: string;
  /** What is signed, given the reason. */
  readonly signed: (reason: string) => ComponentChildren;
  /** Null if it worked. */
  readonly send: (signer: Signer) => Promise<string | null>;
}): JSX.Element | null {
  const open = useSignal(false);
  const reason = useSignal('');
  if (operator.value === null) return null;
  const close = (): void => {
    open.value = false;
  };
  const send = async (form: FormData): Promise<string | null> => {
    try {
      const key = await readKey(await fileOf(form, 'key'));
      const certificate = await fileOf(form, 'certificate');
      return await props.send({ reason: reason.value.trim(), certificate, key });
    } catch (cause) {
      return cause instanceof Error ? cause.message : 'It did not work.';
    }
  };
  return (
    <>
      <button type="button" onClick={() => (open.value = true)}>
        {props.label}
      </button>
      {open.value && (
        <Weighty close={close}>
          <Dialog
            title={props.title}
            text={props.effect}
            button={props.button}
            send={send}
            close={close}
          >
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
              <code class="long">{props.signed(reason.value.trim())}</code>
            </details>
          </Dialog>
        </Weighty>
      )}
    </>
  );
}

/**
 * What only the privacy officer may: the evidence as a file, and the name behind a pseudonym. Both are recorded.
 * @module
 */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { JSX } from 'preact';
import { ask, Problem } from './api.js';
import type { HoldDetail } from '../../src/http/answers.js';
import { Dialog } from './dialog.js';
import { draft } from './drafts.js';
import { ReasonField } from './fields.js';
import { answerRefusal, session, tell } from './model.js';

/** A name does not stay on a screen that somebody walked away from. */
const SHOWN_MS = 10 * 60_000;

export function Officer({ hold }: { readonly hold: HoldDetail }): JSX.Element | null {
  const name = useSignal<string | null>(null);
  const reason = draft(`${hold.txId} name`);
  useEffect(() => {
    if (name.value === null) return undefined;
    const timer = setTimeout(() => (name.value = null), SHOWN_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [name.value]);
  if (session.value?.person.role !== 'privacy-officer') return null;
  const base = `/api/v1/holds/${hold.txId}/evidence`;
  const identify = async (): Promise<boolean> => {
    try {
      const answer = await ask<{ name: string }>('POST', `/holds/${hold.txId}/re-identifications`, {
        reason: reason.value.trim(),
      });
      name.value = answer.name;
      reason.value = '';
      return true;
    } catch (error) {
      tell(error instanceof Problem ? error.message : 'No answer.', 'bad');
      if (error instanceof Problem) answerRefusal(error);
      return false;
    }
  };
  return (
    <section class="part">
      <h3>Privacy officer</h3>
      <div class="decide-buttons">
        <a class="button" href={`${base}.json`} download>
          Evidence (signed)
        </a>
        <a class="button" href={`${base}.html`} download>
          Evidence (to read)
        </a>
        <Dialog
          id="do-identify"
          label="Re-identify…"
          title={`Who is ${hold.actor}?`}
          disabled={false}
          confirm="Show the name"
          fresh
          busyWord="Looking…"
          run={identify}
        >
          <ReasonField value={reason} hint="goes into the audit log, with your name" />
        </Dialog>
      </div>
      <p role="status">
        {name.value !== null && (
          <>
            {hold.actor} is <b>{name.value}</b>. Shown for ten minutes.
          </>
        )}
      </p>
    </section>
  );
}

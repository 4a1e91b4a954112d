/**
 * What a hold belongs to: its case, and the suppressions that let it wait. Both say why, and link to the whole.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { HoldDetail } from '../../src/http/answers.js';
import { send } from './asked.js';
import { Dialog } from './dialog.js';
import { ReasonField } from './fields.js';
import { loadDetail, reviews, session } from './model.js';
import { hrefOf, leads } from './pages.js';
import { ruleOf, SuppressionForm } from './suppression-form.js';
import { timeWord } from './words.js';

export function Deferral({ hold }: { readonly hold: HoldDetail }): JSX.Element | null {
  if (hold.deferredBy.length === 0) return null;
  return (
    <>
      {hold.deferredBy.map((each) => (
        <p class="note" key={each.id}>
          ⏸ Waits at the back of the queue because of{' '}
          <a href={hrefOf('suppressions')}>suppression S-{each.id}</a> of {each.owner}, until{' '}
          {timeWord(each.expiresAt)}: {each.reason} Its deadline still counts; an hour before, it is
          back in front.
        </p>
      ))}
    </>
  );
}

export function Around({ hold }: { readonly hold: HoldDetail }): JSX.Element | null {
  const { inCase } = hold;
  if (inCase === null && !reviews()) return null;
  return (
    <div class="decide-buttons around">
      {inCase === null ? (
        <OpenCase hold={hold} />
      ) : (
        <a class="button" href={hrefOf('cases', inCase.id)}>
          Case C-{inCase.id}: {inCase.title}
        </a>
      )}
      {leads(session.value!.person.role) && (
        <SuppressionForm
          id="do-suppress"
          label="Let alike wait…"
          initial={ruleOf(hold)}
          actor={{ id: hold.actorId, name: hold.actor }}
          done={loadDetail}
        />
      )}
    </div>
  );
}

const KINDS = [
  ['actor', 'all open holds of this person'],
  ['day', 'this person on the same day'],
  ['record', 'the same patient record'],
] as const;

function OpenCase({ hold }: { readonly hold: HoldDetail }): JSX.Element {
  const by = useSignal<(typeof KINDS)[number][0]>('actor');
  const reason = useSignal('');
  return (
    <Dialog
      id="do-case"
      label="Open a case…"
      title="Open a case"
      disabled={false}
      confirm="Open the case"
      busyWord="Opening…"
      run={async () => {
        const body = { txId: hold.txId, by: by.value, reason: reason.value.trim() };
        const opened = await send('/cases', body, 'Case opened.');
        if (opened) await loadDetail();
        return opened;
      }}
    >
      <fieldset class="choice column">
        <legend>Which holds belong together?</legend>
        {KINDS.map(([kind, word]) => (
          <label key={kind}>
            <input
              type="radio"
              name="kind"
              checked={by.value === kind}
              onChange={() => {
                by.value = kind;
              }}
            />
            {word}
          </label>
        ))}
      </fieldset>
      <ReasonField value={reason} placeholder="What do you think connects them?" />
      <p class="effect">
        A case groups work. Every hold in it is still decided by two people on the ledger.
      </p>
    </Dialog>
  );
}

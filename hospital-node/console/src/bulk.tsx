/**
 * One step for the holds that were ticked: exactly those, with the versions that were shown. More than fifty must be
 * counted by hand; what a hold refuses is listed beside it.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { ask, newIdempotencyKey, Problem } from './api.js';
import type { Hold, Step } from '../../src/http/answers.js';
import { Dialog } from './dialog.js';
import { draft, forget } from './drafts.js';
import { FindingField, ReasonField } from './fields.js';
import { answerRefusal, loadQueue, selected, status, tell } from './model.js';
import { STATES } from './words.js';

const UNTYPED_MAX = 50;

interface BulkAnswer {
  readonly items: readonly {
    readonly txId: string;
    readonly outcome: 'done' | 'refused';
    readonly detail: string | null;
  }[];
}

export function BulkBar(): JSX.Element | null {
  const refused = useSignal<readonly { readonly id: string; readonly detail: string }[]>([]);
  const holds = [...selected.value.values()];
  const run = async (body: object): Promise<boolean> => {
    try {
      const items = holds.map(({ txId, version }) => ({ txId, expectedVersion: version }));
      const answer = await ask<BulkAnswer>(
        'POST',
        '/bulk',
        { ...body, items },
        { 'idempotency-key': newIdempotencyKey() },
      );
      refused.value = answer.items
        .filter(({ outcome }) => outcome === 'refused')
        .map(({ txId, detail }) => ({
          id: selected.value.get(txId)?.id ?? txId,
          detail: detail ?? '',
        }));
      tell(
        `${answer.items.length - refused.value.length} of ${answer.items.length} done.`,
        refused.value.length === 0 ? 'ok' : 'bad',
      );
      selected.value = new Map();
      forget('bulk propose', 'bulk approve');
      await loadQueue();
      return true;
    } catch (error) {
      tell(error instanceof Problem ? error.message : 'The step was not taken.', 'bad');
      if (error instanceof Problem) answerRefusal(error);
      return false;
    }
  };
  return (
    <>
      {holds.length > 0 && (
        <div class="bulk" role="group" aria-label="Selected holds">
          <p>
            <b>{holds.length}</b> selected: {perState(holds)}
          </p>
          <div class="bulk-buttons">
            <BulkStep step="claim" label="Claim…" holds={holds} run={run} />
            <BulkStep step="propose" label="Propose…" holds={holds} run={run} />
            <BulkStep step="approve" label="Approve…" holds={holds} run={run} />
            <button
              type="button"
              class="link"
              onClick={() => {
                selected.value = new Map();
              }}
            >
              Clear selection
            </button>
          </div>
        </div>
      )}
      {refused.value.length > 0 && (
        <div class="problem" role="alert">
          <p>Refused:</p>
          <ul>
            {refused.value.map(({ id, detail }) => (
              <li key={id}>
                {id}: {detail}
              </li>
            ))}
          </ul>
          <button type="button" onClick={() => (refused.value = [])}>
            Close
          </button>
        </div>
      )}
    </>
  );
}

function BulkStep(o: {
  readonly step: 'claim' | 'propose' | 'approve';
  readonly label: string;
  readonly holds: readonly Hold[];
  readonly run: (body: object) => Promise<boolean>;
}): JSX.Element {
  const { step, holds } = o;
  const action = useSignal('release');
  const finding = useSignal('');
  const reason = draft(`bulk ${step}`);
  const typed = useSignal('');
  const impossible = holds.filter(({ can }) => !can.includes(step as Step));
  const counted = holds.length <= UNTYPED_MAX || typed.value === String(holds.length);
  return (
    <Dialog
      id={`bulk-${step}`}
      label={o.label}
      title={`${step[0]!.toUpperCase()}${step.slice(1)} ${holds.length} holds`}
      confirm={`Sign ${holds.length} times: ${step}`}
      disabled={status.value?.ledger.connected === false}
      fresh={step === 'approve'}
      ready={impossible.length === 0 && counted}
      run={() =>
        o.run({
          step,
          count: holds.length,
          ...(step === 'claim' ? {} : { reason: reason.value.trim() }),
          ...(step === 'propose' ? { action: action.value, finding: finding.value } : {}),
        })
      }
    >
      <p>
        {perState(holds)}. One ledger transaction each, in your name; nothing else is touched, also
        if more holds arrive meanwhile.
      </p>
      {impossible.length > 0 && (
        <p class="problem" role="alert">
          You cannot {step} {impossible.map(({ id }) => id).join(', ')}. Take{' '}
          {impossible.length === 1 ? 'it' : 'them'} out of the selection.
        </p>
      )}
      {step === 'propose' && (
        <>
          <label>
            Action
            <select
              value={action.value}
              onChange={(event) => {
                action.value = event.currentTarget.value;
              }}
            >
              <option value="release">Release</option>
              <option value="reject">Reject</option>
            </select>
          </label>
          <FindingField value={finding} />
        </>
      )}
      {step !== 'claim' && (
        <ReasonField value={reason} label="Reason, the same for each" finding={finding.value} />
      )}
      {holds.length > UNTYPED_MAX && (
        <label>
          Type how many: {holds.length}
          <input
            inputMode="numeric"
            value={typed.value}
            onInput={(event) => {
              typed.value = event.currentTarget.value;
            }}
          />
        </label>
      )}
    </Dialog>
  );
}

function perState(holds: readonly Hold[]): string {
  const counts = new Map<string, number>();
  for (const { state } of holds) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts]
    .map(([state, n]) => `${n} ${STATES[state as Hold['state']].word.toLowerCase()}`)
    .join(', ');
}

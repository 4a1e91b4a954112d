/**
 * All suppressions: what waits for a second person, what is in force and until when, what is over.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Suppression } from '../../src/http/answers.js';
import { send, useAsked } from './asked.js';
import { Dialog } from './dialog.js';
import { ReasonField } from './fields.js';
import { nowMs, session } from './model.js';
import { leads } from './pages.js';
import { Preview, ruleWords, SuppressionForm } from './suppression-form.js';
import { timeWord, untilWord } from './words.js';

const STATE_WORDS: Readonly<Record<Suppression['state'], string>> = {
  proposed: '◑ needs a second person',
  active: '⏸ in force',
  ended: '■ ended',
  expired: '■ expired',
};

export function SuppressionsPage(): JSX.Element {
  const { value, problem, again } = useAsked<{ readonly items: readonly Suppression[] }>(
    '/suppressions',
  );
  const mayChange = leads(session.value!.person.role);
  return (
    <main class="page">
      <h2>Suppressions</h2>
      <p class="muted">
        A suppression lets alike holds wait at the back of the queue. It has a reason, an owner and
        an end; it decides nothing, and no deadline moves.
      </p>
      {mayChange && (
        <p class="decide-buttons">
          <SuppressionForm
            id="new-suppression"
            label="New suppression…"
            initial={{}}
            actor={null}
            done={again}
          />
        </p>
      )}
      {problem !== null && <p role="alert">{problem}</p>}
      {value?.items.length === 0 && (
        <p class="empty">
          None. Supervisors and the privacy officer make one from a hold (“Let alike wait…”).
        </p>
      )}
      <ul class="cards">
        {value?.items.map((each) => (
          <Card key={each.id} item={each} mayChange={mayChange} again={again} />
        ))}
      </ul>
    </main>
  );
}

function Card(o: {
  readonly item: Suppression;
  readonly mayChange: boolean;
  readonly again: () => Promise<void>;
}): JSX.Element {
  const { item } = o;
  const reason = useSignal('');
  const approval = useSignal('');
  const live = item.state === 'proposed' || item.state === 'active';
  const own = item.owner === session.value!.person.name;
  return (
    <li class="part">
      <p class="eyebrow">
        <span class={`state ${item.state === 'active' ? 'claimed' : item.state}`}>
          {STATE_WORDS[item.state]}
        </span>
        <span>S-{item.id}</span>
        <span>by {item.owner}</span>
        {item.approver !== null && <span>approved by {item.approver}</span>}
        <span title={timeWord(item.expiresAt)}>
          {live ? `ends in ${untilWord(item.expiresAt, nowMs.value)}` : timeWord(item.expiresAt)}
        </span>
      </p>
      <h3>{ruleWords(item.rule)}</h3>
      <blockquote>{item.reason}</blockquote>
      {item.state === 'active' && (
        <p>
          <b>{item.holding}</b> {item.holding === 1 ? 'hold waits' : 'holds wait'} because of it
          now.
        </p>
      )}
      {item.approvalReason !== null && (
        <p class="muted">
          Approved by {item.approver}: {item.approvalReason}
        </p>
      )}
      {item.endedReason !== null && (
        <p class="muted">
          Ended by {item.endedBy}: {item.endedReason}
        </p>
      )}
      {live && (
        <details>
          <summary>What it would have moved back when it was proposed</summary>
          <Preview preview={item.preview} />
        </details>
      )}
      {live && o.mayChange && (
        <p class="decide-buttons">
          {item.state === 'proposed' && !own && (
            <Dialog
              id={`approve-${item.id}`}
              label="Approve…"
              title={`Approve suppression S-${item.id}`}
              primary
              disabled={false}
              fresh
              confirm="Put it in force"
              busyWord="Saving…"
              run={async () => {
                const path = `/suppressions/${item.id}/approvals`;
                const body = { reason: approval.value.trim() };
                const made = await send(path, body, 'In force now.');
                if (made) await o.again();
                return made;
              }}
            >
              <p>{ruleWords(item.rule)}</p>
              <blockquote>{item.reason}</blockquote>
              <ReasonField value={approval} label="What you checked yourself" />
              <p class="effect">
                With this, two people answer for it until {timeWord(item.expiresAt)}.
              </p>
            </Dialog>
          )}
          <Dialog
            id={`end-${item.id}`}
            label={item.state === 'proposed' ? 'Turn down…' : 'End now…'}
            title={`End suppression S-${item.id}`}
            disabled={false}
            confirm="End it"
            busyWord="Ending…"
            run={async () => {
              const body = { reason: reason.value.trim() };
              const ended = await send(`/suppressions/${item.id}/endings`, body, 'Ended.');
              if (ended) await o.again();
              return ended;
            }}
          >
            <ReasonField value={reason} />
          </Dialog>
        </p>
      )}
    </li>
  );
}

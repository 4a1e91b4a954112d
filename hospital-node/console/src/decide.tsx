/**
 * The steps that this person may take now, each with its exact effect before it is signed.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import type { Action, HoldDetail } from '../../src/http/answers.js';
import { claim, ClaimOnOpen } from './claim-on-open.js';
import { Dialog } from './dialog.js';
import { draft, forget } from './drafts.js';
import { FindingField, ReasonField } from './fields.js';
import { session, status, take, tell } from './model.js';
import { effectOf, findingWord, RAN, timeWord } from './words.js';

export function Decide({ hold }: { readonly hold: HoldDetail }): JSX.Element | null {
  const { can } = hold;
  const blocked = status.value?.ledger.connected === false || session.value?.canSign === false;
  if (can.length === 0) return <Waiting hold={hold} />;
  return (
    <div class="decide" role="group" aria-label="Decide">
      <Guidance hold={hold} />
      {can.includes('claim') && !blocked && <ClaimOnOpen hold={hold} key={hold.txId} />}
      <div class="decide-buttons">
        {can.includes('claim') && (
          <StepButton primary id="do-claim" disabled={blocked} run={() => claim(hold)}>
            Claim
          </StepButton>
        )}
        {can.includes('propose') && <Propose hold={hold} disabled={blocked} />}
        {can.includes('approve') && <Approve hold={hold} disabled={blocked} />}
        {can.includes('return') && (
          <Reasoned
            {...{ hold, disabled: blocked, id: 'do-return', noun: 'returns', verb: 'return' }}
            label="Return…"
            title="Return the proposal"
            question="What is missing?"
            done={`Returned to ${hold.proposer?.name ?? 'its holder'}.`}
          >
            The hold goes back to {hold.proposer?.name}; nothing is granted or rejected.
          </Reasoned>
        )}
        {can.includes('unclaim') && (
          <StepButton
            disabled={blocked}
            run={() => take(hold, 'unclaims')}
            done="Given back to the queue."
          >
            Give back
          </StepButton>
        )}
        {can.includes('escalate') && (
          <Reasoned
            {...{ hold, disabled: blocked, id: 'do-escalate', noun: 'escalations' }}
            label="Escalate…"
            title="Escalate: the deadline has passed"
            question="Why was it not decided in time?"
            verb="escalate"
            done="Escalated."
          >
            Whoever holds it loses it, a proposal is dropped, and a new deadline of 24 hours begins.
          </Reasoned>
        )}
        {can.includes('appeal') && (
          <Reasoned
            {...{ hold, disabled: blocked, id: 'do-appeal', noun: 'appeals', verb: 'appeal' }}
            label="Appeal…"
            title="Appeal against this decision"
            question="Why should somebody look again?"
            done="Appealed. Somebody looks at it again."
          >
            This is your own call, so you may ask once for a second look. The decision is escalated
            to other people; it is replaced only if two of them decide otherwise.
          </Reasoned>
        )}
        {can.includes('close') && (
          <Reasoned
            {...{ hold, disabled: blocked, id: 'do-close', noun: 'closings', verb: 'close' }}
            label="Close…"
            title="Close this review"
            question="Anything to add before it is closed?"
            done="Closed."
          >
            The time to appeal is over. Nothing can follow on a closed review; the decision stays.
          </Reasoned>
        )}
      </div>
    </div>
  );
}

function Waiting({ hold }: { readonly hold: HoldDetail }): JSX.Element | null {
  if (hold.state === 'proposed') {
    return (
      <p class="note">
        You proposed to {hold.action}. Another person must approve or return it: nobody decides
        alone.
      </p>
    );
  }
  if (hold.state === 'claimed') {
    return <p class="note">{hold.holder?.name} works on this hold.</p>;
  }
  if (hold.state === 'released' || hold.state === 'rejected') {
    return (
      <p class="note">
        {hold.state === 'released' ? 'Released' : 'Rejected'} as {findingWord(hold.finding)}.{' '}
        {hold.appealed
          ? `${hold.actor} used the one appeal.`
          : `${hold.actor} may appeal once, signed in as herself, until ${timeWord(hold.deadlineAt)}; then it can be closed.`}
      </p>
    );
  }
  if (hold.state === 'open' || hold.state === 'escalated') {
    return <p class="note">This is a call of your own: somebody else reviews it.</p>;
  }
  return null;
}

function Guidance({ hold }: { readonly hold: HoldDetail }): JSX.Element {
  if (hold.can.includes('approve')) {
    return (
      <div>
        <p>
          <b>{hold.proposer?.name}</b> proposes to <b>{hold.action}</b>: {findingWord(hold.finding)}
          .
        </p>
        {hold.reason !== null && <blockquote>{hold.reason}</blockquote>}
      </div>
    );
  }
  if (hold.can.includes('propose')) {
    return <p>You hold this. Propose what should happen; a second person confirms it.</p>;
  }
  if (hold.can.includes('appeal') || hold.can.includes('close')) {
    return (
      <p>
        {hold.state === 'released' ? 'Released' : 'Rejected'} as {findingWord(hold.finding)}.
      </p>
    );
  }
  if (hold.state === 'claimed' || hold.state === 'proposed') {
    return <p>The deadline has passed while {hold.holder?.name} had it.</p>;
  }
  return (
    <p>
      {hold.kind === 'review'
        ? `${RAN[hold.cause] ?? 'This call ran.'} Nobody has reviewed it yet.`
        : 'Nobody works on this hold yet.'}
    </p>
  );
}

interface StepButtonProps {
  readonly children: ComponentChildren;
  readonly run: () => Promise<boolean>;
  readonly done?: string;
  readonly primary?: boolean;
  readonly disabled?: boolean;
  readonly id?: string;
}

function StepButton({ children, run, done, primary, disabled, id }: StepButtonProps): JSX.Element {
  const busy = useSignal(false);
  const press = async (): Promise<void> => {
    busy.value = true;
    if ((await run()) && done !== undefined) tell(done, 'ok');
    busy.value = false;
  };
  return (
    <button
      type="button"
      id={id}
      class={primary === true ? 'primary' : ''}
      disabled={disabled === true || busy.value}
      onClick={() => void press()}
    >
      {busy.value ? 'Signing…' : children}
    </button>
  );
}

function Propose({
  hold,
  disabled,
}: {
  readonly hold: HoldDetail;
  readonly disabled: boolean;
}): JSX.Element {
  const action = draft(`${hold.txId} action`);
  const finding = draft(`${hold.txId} finding`);
  const reason = draft(`${hold.txId} proposal`);
  const chosen: Action = action.value === 'reject' ? 'reject' : 'release';
  return (
    <Dialog
      id="do-propose"
      label={reason.value === '' ? 'Propose…' : 'Propose… (begun)'}
      title="Propose a decision"
      primary
      disabled={disabled}
      confirm={`Sign: propose to ${chosen}`}
      run={async () => {
        const taken = await take(hold, 'proposals', {
          action: chosen,
          finding: finding.value,
          reason: reason.value.trim(),
        });
        if (taken) {
          tell('Proposed. A second person must approve it.', 'ok');
          forget(...['action', 'finding', 'proposal'].map((form) => `${hold.txId} ${form}`));
        }
        return taken;
      }}
    >
      <fieldset class="choice">
        <legend>Action</legend>
        {(['release', 'reject'] as const).map((each) => (
          <label key={each}>
            <input
              type="radio"
              name="action"
              checked={chosen === each}
              onChange={() => {
                action.value = each;
              }}
            />
            {each === 'release' ? 'Release' : 'Reject'}
          </label>
        ))}
      </fieldset>
      <FindingField value={finding} />
      <ReasonField
        value={reason}
        hint="stays in this hospital; the ledger keeps its digest"
        placeholder="What did you check, and whom did you ask?"
        finding={finding.value}
      />
      <p class="effect">
        <b>If approved:</b> {effectOf(hold, chosen)}
      </p>
    </Dialog>
  );
}

function Approve({
  hold,
  disabled,
}: {
  readonly hold: HoldDetail;
  readonly disabled: boolean;
}): JSX.Element {
  const action = hold.action ?? 'release';
  const note = draft(`${hold.txId} approval`);
  return (
    <Dialog
      id="do-approve"
      label={`Approve ${action}…`}
      title={`Approve: ${action}`}
      primary
      disabled={disabled}
      confirm={`Sign: ${action}`}
      fresh
      run={async () => {
        const taken = await take(hold, 'approvals', { reason: note.value.trim() });
        if (taken) {
          tell(action === 'release' ? 'Released.' : 'Rejected.', 'ok');
          forget(`${hold.txId} approval`);
        }
        return taken;
      }}
    >
      <p>
        {hold.proposer?.name} found: <b>{findingWord(hold.finding)}</b>.
      </p>
      {hold.reason !== null && <blockquote>{hold.reason}</blockquote>}
      <ReasonField
        value={note}
        label="What you checked yourself"
        hint="your own reason, kept in this hospital"
      />
      <p class="effect">
        <b>Your signature:</b> {effectOf(hold, action)}
      </p>
    </Dialog>
  );
}

/** A step that needs nothing but a reason. */
function Reasoned(o: {
  readonly hold: HoldDetail;
  readonly id: string;
  readonly noun: 'returns' | 'escalations' | 'appeals' | 'closings';
  readonly label: string;
  readonly title: string;
  readonly question: string;
  readonly verb: string;
  readonly done: string;
  readonly disabled: boolean;
  readonly children: ComponentChildren;
}): JSX.Element {
  const name = `${o.hold.txId} ${o.noun}`;
  const reason = draft(name);
  return (
    <Dialog
      id={o.id}
      label={o.label}
      title={o.title}
      disabled={o.disabled}
      confirm={`Sign: ${o.verb}`}
      run={async () => {
        const taken = await take(o.hold, o.noun, { reason: reason.value.trim() });
        if (taken) {
          tell(o.done, 'ok');
          forget(name);
        }
        return taken;
      }}
    >
      <ReasonField value={reason} label={o.question} />
      <p class="effect">{o.children}</p>
    </Dialog>
  );
}

/**
 * The steps that this person may take now, each with its exact effect before it is signed.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import type { Action, HoldDetail } from './api.js';
import { Dialog } from './dialog.js';
import { session, status, take, tell } from './model.js';
import { effectOf, FINDINGS, findingWord } from './words.js';

const REASON_LENGTH_MIN = 10;

export function Decide({ hold }: { readonly hold: HoldDetail }): JSX.Element | null {
  const { can } = hold;
  const blocked = status.value?.ledger.connected === false || session.value?.canSign === false;
  if (can.length === 0) return <Waiting hold={hold} />;
  return (
    <div class="decide">
      <Guidance hold={hold} />
      <div class="decide-buttons">
        {can.includes('claim') && (
          <StepButton
            primary
            id="do-claim"
            disabled={blocked}
            run={() => take(hold, 'claims')}
            done="Claimed. It is yours to decide."
          >
            Claim
          </StepButton>
        )}
        {can.includes('propose') && <Propose hold={hold} disabled={blocked} />}
        {can.includes('approve') && <Approve hold={hold} disabled={blocked} />}
        {can.includes('return') && <Return hold={hold} disabled={blocked} />}
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
          <StepButton disabled={blocked} run={() => take(hold, 'escalations')} done="Escalated.">
            Escalate (deadline passed)
          </StepButton>
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
        {hold.state === 'released' ? 'Released' : 'Rejected'} as {findingWord(hold.finding)}.
      </p>
    );
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
  return <p>Nobody works on this hold yet.</p>;
}

interface StepButtonProps {
  readonly children: ComponentChildren;
  readonly run: () => Promise<boolean>;
  readonly done: string;
  readonly primary?: boolean;
  readonly disabled?: boolean;
  readonly id?: string;
}

function StepButton({ children, run, done, primary, disabled, id }: StepButtonProps): JSX.Element {
  const busy = useSignal(false);
  const press = async (): Promise<void> => {
    busy.value = true;
    if (await run()) tell(done, 'ok');
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
  const action = useSignal<Action>('release');
  const finding = useSignal('');
  const reason = useSignal('');
  const ready = finding.value !== '' && reason.value.trim().length >= REASON_LENGTH_MIN;
  return (
    <Dialog
      id="do-propose"
      label="Propose…"
      title="Propose a decision"
      primary
      disabled={disabled}
      ready={ready}
      confirm={`Sign: propose to ${action.value}`}
      run={async () => {
        const taken = await take(hold, 'proposals', {
          action: action.value,
          finding: finding.value,
          reason: reason.value.trim(),
        });
        if (taken) tell('Proposed. A second person must approve it.', 'ok');
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
              checked={action.value === each}
              onChange={() => {
                action.value = each;
              }}
            />
            {each === 'release' ? 'Release' : 'Reject'}
          </label>
        ))}
      </fieldset>
      <label>
        Finding
        <select
          value={finding.value}
          required
          onChange={(event) => {
            finding.value = event.currentTarget.value;
          }}
        >
          <option value="" disabled>
            What was it?
          </option>
          {FINDINGS.map((each) => (
            <option key={each.value} value={each.value}>
              {each.word} – {each.hint}
            </option>
          ))}
        </select>
      </label>
      <label>
        Reason <small>stays in this hospital; the ledger keeps its digest</small>
        <textarea
          rows={3}
          maxLength={2_000}
          required
          value={reason.value}
          placeholder="What did you check, and whom did you ask?"
          onInput={(event) => {
            reason.value = event.currentTarget.value;
          }}
        />
      </label>
      <p class="effect">
        <b>If approved:</b> {effectOf(hold, action.value)}
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
  return (
    <Dialog
      id="do-approve"
      label={`Approve ${action}…`}
      title={`Approve: ${action}`}
      primary
      disabled={disabled}
      ready
      confirm={`Sign: ${action}`}
      run={async () => {
        const taken = await take(hold, 'approvals');
        if (taken) tell(action === 'release' ? 'Released.' : 'Rejected.', 'ok');
        return taken;
      }}
    >
      <p>
        {hold.proposer?.name} found: <b>{findingWord(hold.finding)}</b>.
      </p>
      {hold.reason !== null && <blockquote>{hold.reason}</blockquote>}
      <p class="effect">
        <b>Your signature:</b> {effectOf(hold, action)}
      </p>
    </Dialog>
  );
}

function Return({
  hold,
  disabled,
}: {
  readonly hold: HoldDetail;
  readonly disabled: boolean;
}): JSX.Element {
  const reason = useSignal('');
  return (
    <Dialog
      id="do-return"
      label="Return…"
      title="Return the proposal"
      disabled={disabled}
      ready={reason.value.trim().length >= REASON_LENGTH_MIN}
      confirm="Sign: return"
      run={async () => {
        const taken = await take(hold, 'returns', { reason: reason.value.trim() });
        if (taken) tell(`Returned to ${hold.proposer?.name ?? 'its holder'}.`, 'ok');
        return taken;
      }}
    >
      <label>
        What is missing?
        <textarea
          rows={3}
          maxLength={2_000}
          value={reason.value}
          onInput={(event) => {
            reason.value = event.currentTarget.value;
          }}
        />
      </label>
      <p class="effect">
        The hold goes back to {hold.proposer?.name}; nothing is granted or rejected.
      </p>
    </Dialog>
  );
}

/**
 * The fields that more than one form has.
 * @module
 */
import type { Signal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { FINDINGS } from './words.js';

const REASON_LENGTH_MIN = 10;

export function isReason(text: string): boolean {
  return text.trim().length >= REASON_LENGTH_MIN;
}

/** Sentences to begin with; each asks for what only the reviewer knows. */
const USUAL_REASONS: Readonly<Record<string, readonly string[]>> = {
  'benign-expected': ['Part of the work, confirmed by ', 'On call, roster checked: '],
  accident: ['Wrong patient opened and closed again; told to ', 'Slip, explained by '],
  'false-positive-model': ['New task of this role since ', 'Rare but ordinary here: '],
  'false-positive-data': ['Log incomplete: ', 'Wrong ward or role in the directory: '],
  'policy-breach': ['No relation to the patient; confronted by '],
  attack: ['Account used by somebody else; blocked by '],
  duplicate: ['Same event as hold H-'],
  test: ['Made on purpose by '],
  undetermined: ['Could not be found out; asked '],
};

export function FindingField({ value }: { readonly value: Signal<string> }): JSX.Element {
  return (
    <label>
      Finding
      <select
        value={value.value}
        required
        onChange={(event) => {
          value.value = event.currentTarget.value;
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
  );
}

export interface ReasonFieldProps {
  readonly value: Signal<string>;
  readonly label?: string;
  readonly hint?: ComponentChildren;
  readonly placeholder?: string;
  /** Offers the usual beginnings for it. */
  readonly finding?: string;
  readonly optional?: boolean;
}

export function ReasonField(o: ReasonFieldProps): JSX.Element {
  const { value } = o;
  const usual = USUAL_REASONS[o.finding ?? ''] ?? [];
  return (
    <div class="reason-field">
      <label>
        {o.label ?? 'Reason'} {o.hint !== undefined && <small>{o.hint}</small>}
        <textarea
          rows={3}
          maxLength={2_000}
          required={o.optional !== true}
          value={value.value}
          placeholder={o.placeholder ?? ''}
          onInput={(event) => {
            value.value = event.currentTarget.value;
          }}
        />
      </label>
      {usual.length > 0 && (
        <p class="usual" role="group" aria-label="Usual beginnings">
          {usual.map((text) => (
            <button
              key={text}
              type="button"
              class="chip"
              onClick={(event) => {
                value.value = text;
                const field = event.currentTarget.closest('.reason-field');
                field?.querySelector('textarea')?.focus();
              }}
            >
              {text.trim()}…
            </button>
          ))}
        </p>
      )}
    </div>
  );
}

/**
 * The fields that more than one form has.
 * @module
 */
import type { Signal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useWanted, type Wanted } from './wanted.js';
import { FINDINGS } from './words.js';

const REASON_LENGTH_MIN = 10;

function missingReason(text: string): string | null {
  return text.trim().length >= REASON_LENGTH_MIN
    ? null
    : `Say why, in ${REASON_LENGTH_MIN} characters or more.`;
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
  const wanted = useWanted(value.value === '' ? 'Choose what it was.' : null);
  return (
    <div>
      <label>
        Finding <small>required</small>
        <select
          {...wanted.field}
          value={value.value}
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
      <Missing of={wanted} />
    </div>
  );
}

export interface ReasonFieldProps {
  readonly value: Signal<string>;
  readonly label?: string;
  readonly hint?: ComponentChildren;
  readonly placeholder?: string;
  /** Offers the usual beginnings for it. */
  readonly finding?: string;
}

export function ReasonField(o: ReasonFieldProps): JSX.Element {
  return <WordsField {...o} missing={missingReason(o.value.value)} />;
}

/** Words of which any will do. */
export function NoteField(o: ReasonFieldProps): JSX.Element {
  return <WordsField {...o} missing={o.value.value.trim() === '' ? 'Write something.' : null} />;
}

function WordsField(o: ReasonFieldProps & { readonly missing: string | null }): JSX.Element {
  const { value } = o;
  const wanted = useWanted(o.missing);
  const usual = USUAL_REASONS[o.finding ?? ''] ?? [];
  return (
    <div class="reason-field">
      <label>
        {o.label ?? 'Reason'} <small>required{o.hint !== undefined && <>; {o.hint}</>}</small>
        <textarea
          {...wanted.field}
          rows={3}
          maxLength={2_000}
          value={value.value}
          placeholder={o.placeholder ?? ''}
          onInput={(event) => {
            value.value = event.currentTarget.value;
          }}
        />
      </label>
      <Missing of={wanted} />
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

function Missing({ of }: { readonly of: Wanted }): JSX.Element | null {
  if (of.says === null) return null;
  return (
    <p class="missing" id={of.id}>
      ⚠ {of.says}
    </p>
  );
}

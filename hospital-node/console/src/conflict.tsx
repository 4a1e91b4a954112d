/**
 * Somebody was faster: what was on the screen, what is now, and who did what in between. It stays until it is read.
 * @module
 */
import type { JSX } from 'preact';
import type { Hold, HoldDetail } from '../../src/http/answers.js';
import { conflict } from './model.js';
import { changeWord, findingWord, STATES } from './words.js';

export function Conflict({ hold }: { readonly hold: HoldDetail }): JSX.Element | null {
  const found = conflict.value;
  if (found?.seen.txId !== hold.txId) return null;
  const lines = LINES.map(([name, wordOf]) => [name, wordOf(found.seen), wordOf(hold)] as const);
  return (
    <section class="conflict" role="alert" aria-label="Somebody was faster">
      <p>
        <b>Nothing was signed.</b> {found.sentence}
      </p>
      <ul class="plain">
        {found.changed.map((change, i) => (
          <li key={i}>{changeWord(change)}</li>
        ))}
      </ul>
      <table class="plain-table">
        <thead>
          <tr>
            <th scope="col">
              <span class="sr">Field</span>
            </th>
            <th scope="col">You saw</th>
            <th scope="col">Now</th>
          </tr>
        </thead>
        <tbody>
          {lines
            .filter(([, seen, now]) => seen !== now)
            .map(([name, seen, now]) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>
                  <s>{seen}</s>
                </td>
                <td>
                  <b>{now}</b>
                </td>
              </tr>
            ))}
        </tbody>
      </table>
      <p>What you typed is kept. Read what changed, then decide again.</p>
      <button
        type="button"
        onClick={() => {
          conflict.value = null;
        }}
      >
        I have read it
      </button>
    </section>
  );
}

const LINES: readonly (readonly [string, (hold: Hold) => string])[] = [
  ['Version', ({ version }) => String(version)],
  ['State', ({ state }) => STATES[state].word],
  ['Held by', ({ holder }) => holder?.name ?? 'nobody'],
  [
    'Proposal',
    ({ proposer, action, finding }) =>
      proposer === null ? 'none' : `${proposer.name}: ${action ?? ''}, ${findingWord(finding)}`,
  ],
];

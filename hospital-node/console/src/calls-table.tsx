/**
 * An account's calls on the ledger as a table, the twin of their picture: what each was, and what became of it.
 * @module
 */
import type { JSX } from 'preact';
import type { TimelineCall } from '../../src/http/answers.js';
import { findingWord, scoreWord, STATES, timeWord, verbOf } from './words.js';

/** @param more - there are earlier ones, which are not here */
export function CallsTable({
  calls,
  more = false,
}: {
  readonly calls: readonly TimelineCall[];
  readonly more?: boolean;
}): JSX.Element {
  const count = more
    ? `last ${calls.length}+ calls`
    : calls.length === 1
      ? 'call'
      : `${calls.length} calls`;
  return (
    <details>
      <summary>The {count} as a table</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label="Calls, scrollable">
        <table class="plain-table">
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">What</th>
              <th scope="col">Score</th>
              <th scope="col">Became of it</th>
            </tr>
          </thead>
          <tbody>
            {calls.map((call, i) => (
              <tr key={i}>
                <td>{timeWord(call.at)}</td>
                <td>{verbOf(call.function)}</td>
                <td class="number">{scoreWord(call.scoreMillionths)}</td>
                <td>
                  <Outcome call={call} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

/** A call that ran has a hold too, if somebody reported it afterwards. */
function Outcome({ call }: { readonly call: TimelineCall }): JSX.Element {
  const { hold, txId, held, state, finding } = call;
  if (hold === null || txId === null) return <>{held ? 'held' : 'ran'}</>;
  return (
    <a href={`#/hold/${txId}`}>
      {hold}, {STATES[state ?? 'open'].word.toLowerCase()}
      {finding !== null && finding !== 'undetermined' && `: ${findingWord(finding).toLowerCase()}`}
    </a>
  );
}

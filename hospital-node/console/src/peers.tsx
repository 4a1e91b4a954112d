/**
 * The held call beside the calls of people with the same work, feature by feature: a band where most of theirs lie, a dot for
 * this one. The numbers stand in a table.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { HoldDetail, PeerComparison, PeerFeature } from '../../src/http/answers.js';
import { useAsked } from './asked.js';
import { columnWord, roleWord, valueWord } from './words.js';

const SHOWN = 8;

export function PeersPanel({ hold }: { readonly hold: HoldDetail }): JSX.Element {
  const { value, problem } = useAsked<PeerComparison>(`/holds/${hold.txId}/peers`);
  const all = useSignal(false);
  if (problem !== null) return <p role="alert">{problem}</p>;
  if (value === null) return <div class="loading low" aria-busy="true" />;
  const { group, features } = value;
  const who = `${roleWord(group.role).toLowerCase()}s${group.by === 'ward' ? ` of ${group.ward}` : ' of this hospital'}`;
  if (features.length === 0) {
    return (
      <p>
        Only {group.people} other {who} made calls in the last 30 days: too few to compare with.
      </p>
    );
  }
  const shown = all.value ? features : features.slice(0, SHOWN);
  return (
    <>
      <p class="muted small">
        {group.calls.toLocaleString()} calls of {group.people} other {who} in the last 30 days
        {group.by === 'role' && ' (fewer than three share the ward)'}, and {group.ownCalls} earlier
        ones of {hold.actor}. Band: where 80 % of the peers’ calls lie; line: their middle; ring:{' '}
        {hold.actor}
        ’s own middle; dot: this call.
      </p>
      <ul class="peers">
        {shown.map((feature) => (
          <li key={feature.column}>
            <span class="reason-name" title={feature.column}>
              {columnWord(feature.column)}
            </span>
            <Strip feature={feature} />
            <span class="muted small">
              {valueWord(feature.value, feature.unit)}; {rankWord(feature.rank)}
            </span>
          </li>
        ))}
      </ul>
      <p class="heat-buttons">
        {features.length > SHOWN && (
          <button
            type="button"
            class="link"
            onClick={() => {
              all.value = !all.value;
            }}
          >
            {all.value ? `Strongest ${SHOWN}` : `All ${features.length} features`}
          </button>
        )}
      </p>
      <details>
        <summary>As a table</summary>
        <div class="scroll" tabIndex={0} role="region" aria-label="Peers, scrollable">
          <table class="plain-table">
            <thead>
              <tr>
                <th scope="col">Feature</th>
                <th scope="col">This call</th>
                <th scope="col">Peers: 10 %</th>
                <th scope="col">middle</th>
                <th scope="col">90 %</th>
                <th scope="col">Own middle</th>
                <th scope="col">Above</th>
              </tr>
            </thead>
            <tbody>
              {shown.map(({ column, value: own, peers, own: before, rank }) => (
                <tr key={column}>
                  <th scope="row">{columnWord(column)}</th>
                  {[own, peers.low, peers.median, peers.high, before?.median ?? null].map(
                    (each, i) => (
                      <td key={i} class="number">
                        {each === null ? '–' : each.toFixed(2)}
                      </td>
                    ),
                  )}
                  <td class="number">{Math.round(rank * 100)} %</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </>
  );
}

function Strip({ feature }: { readonly feature: PeerFeature }): JSX.Element {
  const { value, peers, own } = feature;
  const all = [value, peers.low, peers.high, ...(own === null ? [] : [own.median])];
  const [least, most] = [Math.min(...all), Math.max(...all)];
  const x = (at: number): number => 6 + ((at - least) / Math.max(1e-9, most - least)) * 188;
  return (
    <svg
      class="strip-plot"
      viewBox="0 0 200 16"
      role="img"
      aria-label={`${columnWord(feature.column)}: ${rankWord(feature.rank)}`}
    >
      <line class="grid" x1="2" x2="198" y1="8" y2="8" />
      <rect
        class="band"
        x={x(peers.low) - 1}
        width={Math.max(2, x(peers.high) - x(peers.low) + 2)}
        y="3"
        height="10"
        rx="3"
      />
      <line class="middle" x1={x(peers.median)} x2={x(peers.median)} y1="2" y2="14" />
      {own !== null && <circle class="own" cx={x(own.median)} cy="8" r="3.5" />}
      <circle class="mark-held this" cx={x(value)} cy="8" r="4" />
    </svg>
  );
}

function rankWord(rank: number): string {
  const percent = Math.round(rank * 100);
  if (percent >= 99) return 'above nearly all of theirs';
  if (percent <= 1) return 'below nearly all of theirs';
  return percent >= 50 ? `above ${percent} % of theirs` : `below ${100 - percent} % of theirs`;
}

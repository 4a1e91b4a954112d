/**
 * The other side: what speaks for an everyday access, and how alike ones ended. Both come from the hospital's own data; what
 * nobody recorded (rosters, appointments) is named as missing.
 * @module
 */
import type { JSX } from 'preact';
import type { HoldDetail } from '../../src/http/answers.js';
import {
  columnWord,
  findingWord,
  memberWord,
  roleWord,
  STATES,
  timeWord,
  verbOf,
} from './words.js';

export function Legitimacy({ hold }: { readonly hold: HoldDetail }): JSX.Element {
  const reasons = reasonsOf(hold);
  return (
    <>
      {reasons.length === 0 ? (
        <p>Nothing in the data speaks for it.</p>
      ) : (
        <ul class="plain">
          {reasons.map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
      <p class="muted small">
        Rosters, appointments and orders are not connected here: ask the ward before you hold
        something against a person.
      </p>
    </>
  );
}

function reasonsOf({ evidence, precedents }: HoldDetail): readonly string[] {
  const calm = evidence?.members.filter(({ pValue }) => pValue >= 0.5) ?? [];
  const benign = ['benign-expected', 'accident', 'false-positive-model', 'false-positive-data']
    .map((finding) => precedents.findings[finding] ?? 0)
    .reduce((sum, n) => sum + n, 0);
  return [
    ...(evidence?.against ?? []).map(
      ({ column, share }) =>
        `${columnWord(column)}: as on ordinary days (lowers the distance by ${Math.round(-share * 100)} %)`,
    ),
    ...(calm.length === 0
      ? []
      : [`Found common by ${calm.map(({ name }) => memberWord(name)).join(', ')}`]),
    ...(benign === 0
      ? []
      : [`${benign} of ${precedents.lookedAt} alike holds before were found benign`]),
  ];
}

export function SeenBefore({ hold }: { readonly hold: HoldDetail }): JSX.Element {
  const { nearest, findings, lookedAt } = hold.precedents;
  const kind = `${roleWord(hold.role)} ${verbOf(hold.function)}`;
  if (lookedAt === 0) {
    return <p>No earlier hold of this kind ({kind}) was decided in this hospital.</p>;
  }
  return (
    <>
      <p>
        {lookedAt >= 200 ? 'The last 200' : lookedAt} of this kind ({kind}):{' '}
        {Object.entries(findings)
          .map(([finding, n]) => `${n} ${findingWord(finding).toLowerCase()}`)
          .join(', ')}
        .
      </p>
      <ul class="related">
        {nearest.map((each) => (
          <li key={each.txId}>
            <a href={`#/hold/${each.txId}`}>{each.id}</a>
            <span>{findingWord(each.finding)}</span>
            <span class={`state ${each.state}`}>
              <span aria-hidden="true">{STATES[each.state].icon}</span> {STATES[each.state].word}
            </span>
            <span class="muted small">
              {[
                'same role and operation',
                ...(each.sameActor ? ['same person'] : []),
                ...each.sharedReasons.map((name) => columnWord(name).toLowerCase()),
              ].join(', ')}
            </span>
            <time class="muted small" dateTime={each.at}>
              {timeWord(each.at)}
            </time>
          </li>
        ))}
      </ul>
    </>
  );
}

/**
 * A new suppression: what it names, for how long, why – and, before anybody agrees to it, what it would have moved back in
 * the last thirty days.
 * @module
 */
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { HoldDetail, SuppressionPreview, SuppressionRule } from '../../src/http/answers.js';
import { send, useAsked } from './asked.js';
import { Dialog } from './dialog.js';
import { ReasonField } from './fields.js';
import { CAUSES, columnWord, findingWord, roleWord, scoreWord, verbOf, VERBS } from './words.js';

/** What a rule for holds like this one would name. */
export function ruleOf(hold: HoldDetail): SuppressionRule {
  return {
    actor: hold.actorId,
    role: hold.role,
    ward: hold.ward,
    function: hold.function,
    cause: hold.cause,
    ...(hold.topReason === null ? {} : { topReason: hold.topReason }),
    scoreBelow: scoreAbove(hold.scoreMillionths ?? 0),
  };
}

/** The next hundredth above a score: alike, and not much stranger. */
function scoreAbove(millionths: number): number {
  return Math.min(1_000_000, (Math.floor(millionths / 10_000) + 1) * 10_000);
}

type Trait = keyof SuppressionRule;
const TRAITS: readonly Trait[] = [
  'actor',
  'role',
  'ward',
  'function',
  'cause',
  'topReason',
  'scoreBelow',
];

/** One trait in words. */
export function traitWord(trait: Trait, rule: SuppressionRule, actor?: string): string {
  switch (trait) {
    case 'actor':
      return `person ${actor ?? `P-${(rule.actor ?? '').slice(0, 6)}`}`;
    case 'role':
      return `role ${roleWord(rule.role ?? '').toLowerCase()}`;
    case 'ward':
      return `ward ${rule.ward ?? ''}`;
    case 'function':
      return verbOf(rule.function ?? '');
    case 'cause':
      return CAUSES[rule.cause ?? ''] ?? rule.cause ?? '';
    case 'topReason':
      return `main reason: ${columnWord(rule.topReason ?? '').toLowerCase()}`;
    case 'scoreBelow':
      return `score below ${scoreWord(rule.scoreBelow ?? 0)}`;
  }
}

export function ruleWords(rule: SuppressionRule): string {
  return TRAITS.filter((trait) => rule[trait] !== undefined)
    .map((trait) => traitWord(trait, rule))
    .join(', ');
}

export function SuppressionForm(o: {
  readonly id: string;
  readonly label: string;
  readonly initial: SuppressionRule;
  readonly actor: { readonly id: string; readonly name: string } | null;
  readonly done: () => Promise<void>;
}): JSX.Element {
  const named = TRAITS.filter((trait) => (o.initial[trait] ?? '') !== '');
  const chosen = useSignal<ReadonlySet<Trait>>(
    new Set(named.filter((trait) => ['actor', 'function', 'scoreBelow'].includes(trait))),
  );
  const free = useSignal<SuppressionRule>({});
  const opened = useSignal(false);
  const reason = useSignal('');
  const days = useSignal(7);
  const rule: SuppressionRule = {
    ...free.value,
    ...Object.fromEntries(
      named.filter((trait) => chosen.value.has(trait)).map((trait) => [trait, o.initial[trait]]),
    ),
  };
  const says = Object.keys(rule).some((trait) => trait !== 'scoreBelow');
  const query = new URLSearchParams(
    Object.entries(rule).map(([trait, value]) => [trait, String(value)]),
  );
  const { value: preview, problem } = useAsked<SuppressionPreview>(
    says && opened.value ? `/suppressions/preview?${query.toString()}` : null,
  );
  const set = (trait: Trait, value: string): void => {
    const others = Object.entries(free.value).filter(([name]) => name !== trait);
    free.value = Object.fromEntries(value === '' ? others : [...others, [trait, value]]);
  };
  return (
    <Dialog
      id={o.id}
      label={o.label}
      title="Let alike holds wait"
      disabled={false}
      ready={says && preview !== null}
      confirm="Propose to a second person"
      busyWord="Saving…"
      fresh
      onOpen={() => {
        opened.value = true;
      }}
      run={async () => {
        const body = { rule, days: days.value, reason: reason.value.trim() };
        const made = await send(
          '/suppressions',
          body,
          'Proposed. A second person must approve it.',
        );
        if (made) await o.done();
        return made;
      }}
    >
      {o.actor === null ? (
        <FreeTraits set={set} />
      ) : (
        <fieldset class="choice column">
          <legend>Alike means: all of</legend>
          {named.map((trait) => (
            <label key={trait}>
              <input
                type="checkbox"
                checked={chosen.value.has(trait)}
                onChange={(event) => {
                  const next = new Set(chosen.value);
                  if (event.currentTarget.checked) next.add(trait);
                  else next.delete(trait);
                  chosen.value = next;
                }}
              />
              {traitWord(trait, o.initial, o.actor?.name)}
            </label>
          ))}
        </fieldset>
      )}
      <label>
        For
        <select
          value={String(days.value)}
          onChange={(event) => {
            days.value = Number(event.currentTarget.value);
          }}
        >
          <option value="1">1 day</option>
          <option value="7">7 days</option>
          <option value="30">30 days</option>
        </select>
      </label>
      <ReasonField value={reason} placeholder="Why may these wait?" />
      <div class="effect" role="status">
        {!says ? (
          'Name at least one thing besides the score.'
        ) : problem !== null ? (
          problem
        ) : preview === null ? (
          'Looking at the last thirty days …'
        ) : (
          <>
            <Preview preview={preview} />
            <p>A second person must approve it; until then it does nothing.</p>
          </>
        )}
      </div>
    </Dialog>
  );
}

function FreeTraits({ set }: { readonly set: (trait: Trait, value: string) => void }): JSX.Element {
  return (
    <>
      {(['role', 'ward'] as const).map((trait) => (
        <label key={trait}>
          {trait === 'role' ? 'Role' : 'Ward'} <small>as the log writes it; empty: any</small>
          <input
            maxLength={80}
            onChange={(event) => {
              set(trait, event.currentTarget.value.trim());
            }}
          />
        </label>
      ))}
      {(
        [
          ['function', 'Operation', VERBS],
          ['cause', 'Cause', CAUSES],
        ] as const
      ).map(([trait, word, words]) => (
        <label key={trait}>
          {word}
          <select
            onChange={(event) => {
              set(trait, event.currentTarget.value);
            }}
          >
            <option value="">any</option>
            {Object.entries(words).map(([value, each]) => (
              <option key={value} value={value}>
                {each}
              </option>
            ))}
          </select>
        </label>
      ))}
    </>
  );
}

export function Preview({ preview }: { readonly preview: SuppressionPreview }): JSX.Element {
  const { matched, findings, confirmed, confirmedCount, openNow } = preview;
  return (
    <>
      <p>
        Would have moved back <b>{matched}</b> {matched === 1 ? 'hold' : 'holds'} of the last 30
        days
        {matched > 0 &&
          `: ${Object.entries(findings)
            .map(([finding, n]) => `${n} ${findingWord(finding).toLowerCase()}`)
            .join(', ')}`}
        . {openNow} of them wait now.
      </p>
      {confirmedCount > 0 && (
        <p class="danger">
          ▲ {confirmedCount} of them {confirmedCount === 1 ? 'was' : 'were'} confirmed as attack or
          policy breach: {confirmed.join(', ')}.
        </p>
      )}
      <p>
        Nothing is released or hidden: these holds stay in the queue’s view “Deferred”, and come
        back an hour before their deadline.
      </p>
    </>
  );
}

/**
 * What the queue shows, as it stands in the page's address: a view can be kept as a bookmark and shared in the team.
 * @module
 */
import { signal } from '@preact/signals';
import type { ReviewState as State, Status } from '../../src/http/answers.js';

export type View =
  'todo' | 'mine' | 'soon' | 'second' | 'escalated' | 'glass' | 'deferred' | 'decided';

export interface Filter {
  readonly view: View;
  /** '' is any. */
  readonly text: string;
  readonly function: string;
  readonly cause: string;
  readonly scoreFrom: string;
}

const UNDECIDED = 'open,escalated,claimed,proposed';

interface ViewSpec {
  readonly name: View;
  readonly word: string;
  readonly empty: string;
  readonly query: Readonly<Record<string, string>>;
  /** From the node's status; null: it has no such count. */
  readonly count: ((review: Status['review']) => number) | null;
}

const sumOf =
  (...states: readonly State[]) =>
  ({ byState }: Status['review']): number =>
    states.reduce((sum, state) => sum + (byState[state] ?? 0), 0);

export const VIEWS: readonly ViewSpec[] = [
  {
    name: 'todo',
    word: 'To decide',
    empty: 'Nothing waits for a decision. New holds announce themselves.',
    query: { state: UNDECIDED, deferred: 'no' },
    count: (review) => sumOf('open', 'escalated', 'claimed', 'proposed')(review) - review.deferred,
  },
  {
    name: 'mine',
    word: 'My work',
    empty: 'You have claimed nothing. Open a hold and claim it.',
    query: { state: UNDECIDED, holder: 'me' },
    count: null,
  },
  {
    name: 'soon',
    word: 'Due < 1 h',
    empty: 'Nothing is due within the hour.',
    query: { state: UNDECIDED, dueWithinMinutes: '60' },
    count: null,
  },
  {
    name: 'second',
    word: 'Need 2nd person',
    empty: 'No proposal of somebody else waits for you.',
    query: { needs: 'me' },
    count: sumOf('proposed'),
  },
  {
    name: 'escalated',
    word: 'Escalated',
    empty: 'Nothing was escalated.',
    query: { state: 'escalated' },
    count: sumOf('escalated'),
  },
  {
    name: 'glass',
    word: 'Break-glass review',
    empty: 'No emergency access waits for its review.',
    query: { state: UNDECIDED, cause: 'break-glass' },
    count: ({ breakGlass }) => breakGlass,
  },
  {
    name: 'deferred',
    word: 'Deferred',
    empty: 'No suppression lets anything wait.',
    query: { state: 'open', deferred: 'only' },
    count: ({ deferred }) => deferred,
  },
  {
    name: 'decided',
    word: 'Decided',
    empty: 'Nothing was decided yet.',
    query: { state: 'released,rejected,closed' },
    count: sumOf('released', 'rejected', 'closed'),
  },
];

const NOTHING: Filter = { view: 'todo', text: '', function: '', cause: '', scoreFrom: '' };

export const filter = signal<Filter>(NOTHING);

export function viewSpec(): ViewSpec {
  return VIEWS.find(({ name }) => name === filter.value.view) ?? VIEWS[0]!;
}

export function isNarrowed({ text, function: fn, cause, scoreFrom }: Filter): boolean {
  return text !== '' || fn !== '' || cause !== '' || scoreFrom !== '';
}

/** As the node's list asks for it. */
export function queryOf(value: Filter): URLSearchParams {
  const query = new URLSearchParams(viewSpec().query);
  for (const name of ['text', 'function', 'cause', 'scoreFrom'] as const) {
    if (value[name] !== '') query.set(name, value[name]);
  }
  return query;
}

/** True if the address says something else than before. */
export function readAddress(): boolean {
  const query = new URLSearchParams(location.search);
  const wanted = query.get('view');
  const before = filter.value;
  filter.value = {
    view: VIEWS.find(({ name }) => name === wanted)?.name ?? 'todo',
    text: query.get('text') ?? '',
    function: query.get('function') ?? '',
    cause: query.get('cause') ?? '',
    scoreFrom: query.get('scoreFrom') ?? '',
  };
  return JSON.stringify(before) !== JSON.stringify(filter.value);
}

export function writeAddress(change: Partial<Filter>): void {
  filter.value = { ...filter.value, ...change };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter.value) as [string, string][]) {
    if (value !== '' && !(name === 'view' && value === 'todo')) query.set(name, value);
  }
  const text = query.toString();
  history.pushState(
    null,
    '',
    `${location.pathname}${text === '' ? '' : `?${text}`}${location.hash}`,
  );
}

/** To the queue as a saved address shows it. */
export function goTo(query: string): void {
  history.pushState(null, '', `${location.pathname}${query === '' ? '' : `?${query}`}#/`);
}

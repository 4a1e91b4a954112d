/**
 * `--columns id=session,label=label,…` or `--columns case=visit,time=at,…`: which column is what, and by that which kind of file it is.
 * @module
 */
import { SESSION_COLUMNS, type SessionColumns } from '@bhschain/datasets';
import { ExperimentError } from '../errors.js';
import { closest } from '../harness/closest.js';

const OF_SESSIONS = ['id', 'label', 'events'] as const;
const OF_EVENT_LOGS = ['case', 'time', 'activity'] as const;
type Name = (typeof OF_SESSIONS)[number] | (typeof OF_EVENT_LOGS)[number] | 'group';
const NAMES: readonly Name[] = [...OF_SESSIONS, ...OF_EVENT_LOGS, 'group'];

/** Name → column, as given; what is not named has its usual name. */
export type NamedColumns = Readonly<Partial<Record<Name, string>>>;

/** @throws {ExperimentError} `ERR_EVALUATE_COLUMNS` for an unknown, empty or repeated name, or names of both kinds */
export function namedColumns(text: string): NamedColumns {
  const named: Partial<Record<Name, string>> = {};
  for (const part of text.split(',')) {
    const [name = '', column = '', ...rest] = part.split('=').map((word) => word.trim());
    if (column === '' || rest.length > 0) refuse('name=column', part);
    if (!isName(name)) {
      const meant = closest(name, NAMES);
      refuse(
        meant === null ? `one of ${NAMES.join(', ')}` : `a known name (did you mean ${meant}?)`,
        name,
      );
    }
    if (named[name] !== undefined) refuse(`${name} once`, part);
    named[name] = column;
  }
  const [session] = OF_SESSIONS.filter((name) => named[name] !== undefined);
  const [event] = OF_EVENT_LOGS.filter((name) => named[name] !== undefined);
  if (session !== undefined && event !== undefined) {
    refuse(
      'names of labelled sessions (id, label, events, group) or of an event log (case, time, group, activity)',
      `${session} and ${event}`,
    );
  }
  return named;
}

/** Null where the names fit both, as the group alone does: then the header has to tell. */
export function kindNamed(named: NamedColumns): 'sessions' | 'event log' | null {
  if (OF_SESSIONS.some((name) => named[name] !== undefined)) return 'sessions';
  return OF_EVENT_LOGS.some((name) => named[name] !== undefined) ? 'event log' : null;
}

export function sessionColumns({ id, label, events, group }: NamedColumns): SessionColumns {
  return {
    id: id ?? SESSION_COLUMNS.id,
    label: label ?? SESSION_COLUMNS.label,
    events: events ?? SESSION_COLUMNS.events,
    ...(group === undefined ? {} : { group }),
  };
}

function isName(name: string): name is Name {
  return (NAMES as readonly string[]).includes(name);
}

function refuse(expected: string, got: string): never {
  throw new ExperimentError(
    'ERR_EVALUATE_COLUMNS',
    `--columns: expected ${expected}, got ${JSON.stringify(got)}`,
    { got },
  );
}

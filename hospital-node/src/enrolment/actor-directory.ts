/**
 * The hospital's private directory of actors: which person of the log is which pseudonym on the ledger. It never leaves
 * the hospital; handles and ledger ids do not reveal each other without it.
 * @module
 */
import { readFileSync } from 'node:fs';
import { ROLES, type Role } from '@bhschain/models/features';
import type { Handles } from '../access-log/index.js';
import { HospitalNodeError } from '../errors.js';

export interface DirectoryEntry {
  /** `handles.of('actor', raw)`, the name in the window store. */
  readonly handle: string;
  /** 32 hex characters, `actorOf(mspId, certificate)`. */
  readonly ledgerActor: string;
  readonly actorClass: 'person' | 'service';
}

export interface ActorDirectory {
  readonly entries: readonly DirectoryEntry[];
  ledgerActorOf(handle: string): string | null;
}

const LEDGER_ACTOR = /^[0-9a-f]{32}$/;

/**
 * @param file - JSONL: `{actor, pseudonym, ledgerActor, role, ward}` a line
 * @throws {HospitalNodeError} `ERR_ACTORS_FILE` with the line number; the words never repeat what stood there
 */
export function readActorDirectory(file: string, handles: Handles): ActorDirectory {
  const entries = read(file)
    .split('\n')
    .flatMap((line, index) =>
      line.trim() === '' ? [] : [entryOf(file, line, index + 1, handles)],
    );
  const byHandle = new Map(entries.map((entry) => [entry.handle, entry.ledgerActor]));
  return { entries, ledgerActorOf: (handle) => byHandle.get(handle) ?? null };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new HospitalNodeError('ERR_ACTORS_FILE', `${file} cannot be read`, { file }, cause);
  }
}

function entryOf(file: string, line: string, number: number, handles: Handles): DirectoryEntry {
  const refuse = (expected: string): never => {
    throw new HospitalNodeError(
      'ERR_ACTORS_FILE',
      `${file}: line ${number}: expected ${expected}`,
      {
        file,
        line: number,
        expected,
      },
    );
  };
  let value: Readonly<Record<string, unknown>>;
  try {
    value = JSON.parse(line) as Readonly<Record<string, unknown>>;
  } catch {
    return refuse('a JSON object');
  }
  const { actor, ledgerActor, role } = value;
  if (typeof actor !== 'string' || actor === '') return refuse('actor, a text');
  if (typeof ledgerActor !== 'string' || !LEDGER_ACTOR.test(ledgerActor)) {
    return refuse('ledgerActor, 32 hex characters');
  }
  if (!(ROLES as readonly unknown[]).includes(role))
    return refuse(`role, one of ${ROLES.join(', ')}`);
  return {
    handle: handles.of('actor', actor),
    ledgerActor,
    actorClass: (role as Role) === 'service' ? 'service' : 'person',
  };
}

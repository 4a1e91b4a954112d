/**
 * `bhs-node person add | remove | list`: the local accounts of the analyst page. A person's key and certificate come from the
 * hospital's own certificate authority; the key is kept encrypted under the password that is made here and shown once.
 * @module
 */
import { randomBytes } from 'node:crypto';
import { openAuditLog } from '../audit/audit-log.js';
import type { NodeConfig } from '../config.js';
import { HospitalNodeError } from '../errors.js';
import { readText } from '../parts/surroundings.js';
import { storePlaceOf } from '../parts/store-place.js';
import { accounts, addPerson, PERSON_ROLES, removePerson } from '../review/people.js';
import { openNodeDatabase, type NodeDatabase } from '../store/index.js';
import type { Operator } from './identity-commands.js';
import type { CommandOutcome } from './outcome.js';

/** 128 bits, so that nobody guesses it. */
const PASSWORD_BYTES = 16;

/** Somebody who has an account gets a new password and key; open sessions end. @throws {HospitalNodeError} `ERR_ARGUMENT` */
export async function addPersonCommand(
  config: NodeConfig,
  o: Operator & Readonly<{ name: string; role: string; certFile: string; keyFile: string }>,
): Promise<CommandOutcome> {
  const role = PERSON_ROLES.find((each) => each === o.role);
  if (role === undefined) {
    throw new HospitalNodeError(
      'ERR_ARGUMENT',
      `--role: expected ${PERSON_ROLES.join(', ')}, got ${o.role}`,
      { role: o.role },
    );
  }
  const password = randomBytes(PASSWORD_BYTES).toString('base64url');
  const person = await withDatabase(config, (database) =>
    addPerson({
      database,
      name: o.name,
      role,
      password,
      mspId: config.mspId,
      certificatePem: readText(o.certFile),
      privateKeyPem: readText(o.keyFile),
      now: o.nowMs,
    }),
  );
  record(config, o, 'person-added', { name: person.name, role });
  return {
    exitCode: 0,
    facts: { name: person.name, role, actor: person.actor, password },
    sentences: [
      `${person.name} signs in as ${role} with ${password}`,
      'It is shown this once. Her key lies in the node now, encrypted under it: remove the file that it came from.',
    ],
  };
}

/** What she did stays on the ledger and in the audit log. @throws {ReviewError} `ERR_PERSON` if nobody has that name */
export async function removePersonCommand(
  config: NodeConfig,
  o: Operator & Readonly<{ name: string }>,
): Promise<CommandOutcome> {
  await withDatabase(config, (database) => removePerson(database, o.name));
  record(config, o, 'person-removed', { name: o.name });
  return {
    exitCode: 0,
    facts: { name: o.name },
    sentences: [
      `${o.name} cannot sign in any more; sessions and key are gone. Have her certificate revoked as well.`,
    ],
  };
}

export async function listPersonsCommand(config: NodeConfig): Promise<CommandOutcome> {
  const people = await withDatabase(config, (database) => accounts(database));
  return {
    exitCode: 0,
    facts: { people },
    sentences:
      people.length === 0
        ? ['No local account.']
        : people.map(({ name, role }) => `${name.padEnd(20)}  ${role}`),
  };
}

async function withDatabase<T>(
  config: NodeConfig,
  work: (database: NodeDatabase) => Promise<T>,
): Promise<T> {
  const database = await openNodeDatabase(storePlaceOf(config));
  try {
    return await work(database);
  } finally {
    await database.destroy();
  }
}

function record(
  config: NodeConfig,
  o: Operator,
  kind: 'person-added' | 'person-removed',
  body: Readonly<Record<string, string>>,
): void {
  openAuditLog({ stateDir: config.stateDir, now: o.nowMs }).append({ kind, by: o.by, body });
}

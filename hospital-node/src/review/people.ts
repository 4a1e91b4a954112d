/**
 * The people who decide: a local account, a Fabric identity each. A person's private key lies encrypted under her
 * password (PKCS#8, AES-256) and is unlocked by signing in; the node cannot sign for her otherwise.
 * @module
 */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { actorOf, certificateFacts } from '@bhschain/chaincode-hooks/events';
import { sql } from 'kysely';
import { createIdentity, type FabricIdentity } from '../fabric/identity.js';
import { rowOf, rowsOf, run, transact, type NodeDatabase } from '../store/index.js';
import { ReviewError } from './errors.js';
import { checkPassword, newPassword, NOBODY } from './password.js';
import { forgetFailures, noteFailure, waitLeftMs } from './sign-in-delay.js';

/** What somebody may do on the page; `http/rights.ts` says what each may. */
export const PERSON_ROLES = [
  'analyst',
  'supervisor',
  'privacy-officer',
  'auditor',
  'admin',
] as const;
export type PersonRole = (typeof PERSON_ROLES)[number];

/** The attribute `role` in the certificate, which is the channel's word: there a supervisor reviews as an analyst. */
const LEDGER_ROLES: Readonly<Record<PersonRole, string>> = {
  analyst: 'analyst',
  supervisor: 'analyst',
  'privacy-officer': 'privacy-officer',
  auditor: 'auditor',
  admin: 'hospital-admin',
};

export interface Person {
  readonly name: string;
  readonly role: PersonRole;
  /** Her actor id on the ledger; empty for a person of the identity provider who has no key here. */
  readonly actor: string;
  readonly mspId: string;
}

export interface NewPerson {
  readonly database: NodeDatabase;
  /** Lower-case letters, digits, `-`, `.`; 2 to 40. */
  readonly name: string;
  readonly role: PersonRole;
  readonly password: string;
  readonly mspId: string;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  readonly now: () => number;
}

/**
 * Adds a person, or gives an existing one a new password and identity.
 * @throws {ReviewError} `ERR_PERSON` naming what does not fit
 */
export async function addPerson(o: NewPerson): Promise<Person> {
  const refuse = (name: string, expected: string, cause?: unknown): never => {
    throw new ReviewError('ERR_PERSON', `${name}: expected ${expected}`, { name: o.name }, cause);
  };
  if (!/^[a-z][a-z0-9.-]{1,39}$/.test(o.name)) {
    refuse('name', 'lower-case letters, digits, "-" and ".", 2 to 40');
  }
  const certificate = parse(() => new X509Certificate(o.certificatePem));
  const key = parse(() => createPrivateKey(o.privateKeyPem));
  if (certificate === null) return refuse('certificatePem', 'a PEM certificate');
  if (key === null) return refuse('privateKeyPem', 'a PEM private key');
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  if (!publicKey.equals(certificate.publicKey.export({ type: 'spki', format: 'der' }))) {
    refuse('privateKeyPem', 'the key of the certificate');
  }
  const attribute = certificateFacts(o.certificatePem).attributes['role'];
  const expected = LEDGER_ROLES[o.role];
  if (attribute !== expected) {
    refuse('certificatePem', `the attribute role=${expected}, got ${attribute ?? 'none'}`);
  }
  const { stored, passphrase } = await newPassword(o.password);
  const encrypted = key.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase,
  });
  const person: Person = {
    name: o.name,
    role: o.role,
    actor: actorOf(o.mspId, o.certificatePem),
    mspId: o.mspId,
  };
  await transact(o.database, async (transaction) => {
    await run(transaction, sql`DELETE FROM person_session WHERE name = ${o.name}`);
    await forgetFailures(transaction, o.name);
    await run(
      transaction,
      sql`INSERT INTO person (name, role, password_hash, certificate, private_key, actor, msp_id, added_at_ms)
        VALUES (${person.name}, ${person.role}, ${stored}, ${o.certificatePem}, ${encrypted},
          ${person.actor}, ${person.mspId}, ${o.now()})
        ON CONFLICT (name) DO UPDATE SET role = excluded.role, password_hash = excluded.password_hash,
          certificate = excluded.certificate, private_key = excluded.private_key, actor = excluded.actor,
          msp_id = excluded.msp_id`,
    );
  });
  return person;
}

/**
 * Ends the account with its sessions and its key; what the person did stays on the ledger.
 * @throws {ReviewError} `ERR_PERSON` if nobody has that name
 */
export async function removePerson(database: NodeDatabase, name: string): Promise<void> {
  await transact(database, async (transaction) => {
    const gone = await rowsOf(
      transaction,
      sql<{ name: string }>`DELETE FROM person WHERE name = ${name} RETURNING name`,
    );
    if (gone.length === 0) {
      throw new ReviewError('ERR_PERSON', `name: expected somebody with an account, got ${name}`, {
        name,
      });
    }
    await run(transaction, sql`DELETE FROM person_session WHERE name = ${name}`);
    await forgetFailures(transaction, name);
  });
}

interface PersonRow {
  name: string;
  role: PersonRole;
  password_hash: string;
  certificate: string;
  private_key: string;
  actor: string;
  msp_id: string;
}

export interface SignedIn {
  readonly person: Person;
  readonly identity: FabricIdentity;
}

/**
 * Checks name and password and unlocks the key. A wrong password costs the name, whoever has it, a growing wait (1, 2, 4 … 30 s after
 * the third), never a lock-out that others could cause.
 *
 * @throws {ReviewError} `ERR_SIGN_IN`, `ERR_SIGN_IN_DELAYED` with `retryAfterMs`
 */
export async function signIn(
  database: NodeDatabase,
  o: Readonly<{ name: string; password: string; nowMs: number }>,
): Promise<SignedIn> {
  const row = await personRow(database, o.name);
  const retryAfterMs = await waitLeftMs(database, o.name, o.nowMs);
  if (retryAfterMs > 0) {
    throw new ReviewError(
      'ERR_SIGN_IN_DELAYED',
      `Too many wrong passwords for this name. Try again in ${Math.ceil(retryAfterMs / 1_000)} s.`,
      { retryAfterMs },
    );
  }
  const derived = await checkPassword(o.password, row?.password_hash ?? NOBODY);
  if (row === undefined || derived === null) {
    await noteFailure(database, o.name, o.nowMs);
    throw new ReviewError('ERR_SIGN_IN', 'Name or password is wrong.');
  }
  await transact(database, (transaction) => forgetFailures(transaction, row.name));
  return {
    person: personOf(row),
    identity: createIdentity({
      mspId: row.msp_id,
      certificatePem: row.certificate,
      privateKey: createPrivateKey({ key: row.private_key, passphrase: derived.passphrase }),
    }),
  };
}

export async function personNamed(database: NodeDatabase, name: string): Promise<Person | null> {
  const row = await personRow(database, name);
  return row === undefined ? null : personOf(row);
}

/** Everybody with an account here, by name. */
export function accounts(
  database: NodeDatabase,
): Promise<readonly { readonly name: string; readonly role: PersonRole }[]> {
  return rowsOf(
    database,
    sql<{ name: string; role: PersonRole }>`SELECT name, role FROM person ORDER BY name`,
  );
}

/** Name by ledger actor, for histories. */
export async function peopleByActor(database: NodeDatabase): Promise<ReadonlyMap<string, string>> {
  const rows = await rowsOf(
    database,
    sql<{ actor: string; name: string }>`SELECT actor, name FROM person`,
  );
  return new Map(rows.map((row) => [row.actor, row.name]));
}

function personRow(database: NodeDatabase, name: string): Promise<PersonRow | undefined> {
  return rowOf(database, sql<PersonRow>`SELECT * FROM person WHERE name = ${name}`);
}

function personOf(row: PersonRow): Person {
  return { name: row.name, role: row.role, actor: row.actor, mspId: row.msp_id };
}

function parse<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/**
 * Local accounts: scrypt (RFC 7914), one password a person. Passwords are made here and shown once, so none is weak. Where
 * an identity provider is configured, they may be switched off. Design: experience §7.
 * @module
 */
import { createHash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { OrchestratorError } from '../errors.js';
import { isName } from '../protocol/identifiers.js';
import type { FederationStore, Operator } from '../store/store.js';
import type { OperatorRole } from './roles.js';

const LOG2_COST = 17;
const FREE_FAILURES = 3;
const LONGEST_WAIT_MS = 30_000;
const NAMES_MAX = 4_096;

/**
 * Makes an account, or gives it a new password and role.
 * @returns the password: 128 random bits, base64url; kept nowhere
 * @throws {OrchestratorError} `ERR_OPERATOR` if the name is none
 */
export async function addOperator(
  store: FederationStore,
  o: Readonly<{ name: string; role?: OperatorRole; by: string; nowMs: number }>,
): Promise<string> {
  if (!isName(o.name)) {
    throw new OrchestratorError(
      'ERR_OPERATOR',
      `operator: expected 1 to 64 of letters, digits, . _ -, got ${JSON.stringify(o.name.slice(0, 80))}`,
    );
  }
  const role = o.role ?? 'operator';
  const password = randomBytes(16).toString('base64url');
  const stored = await hashed(password, randomBytes(16));
  await store.operators.put({ name: o.name, password: stored, role }, o.nowMs);
  await store.audit.append('operator-added', o.nowMs, { name: o.name, role, by: o.by });
  return password;
}

/** @throws {OrchestratorError} `ERR_OPERATOR` if there is none of this name */
export async function removeOperator(
  store: FederationStore,
  o: Readonly<{ name: string; by: string; nowMs: number }>,
): Promise<void> {
  if (!(await store.operators.remove(o.name))) {
    throw new OrchestratorError('ERR_OPERATOR', `operator: ${o.name.slice(0, 80)} has no account`);
  }
  await store.audit.append('operator-removed', o.nowMs, { name: o.name, by: o.by });
}

/** Looks at names and passwords, slower with each wrong one. */
export class Accounts {
  readonly #store: FederationStore;
  readonly #nowMs: () => number;
  /** Wrong tries by the hash of the name, known or not: people type passwords into the wrong field. */
  readonly #failures = new Map<string, Readonly<{ count: number; atMs: number }>>();
  /** One run of scrypt takes 128 MiB: one after the other. */
  #runs: Promise<unknown> = Promise.resolve();

  constructor(o: Readonly<{ store: FederationStore; nowMs: () => number }>) {
    this.#store = o.store;
    this.#nowMs = o.nowMs;
  }

  /** @throws {OrchestratorError} `ERR_SIGN_IN`, `ERR_SIGN_IN_DELAYED` */
  async check(name: string, password: string): Promise<Operator> {
    const nowMs = this.#nowMs();
    const who = sha256(name);
    const failed = this.#failures.get(who);
    const retryAfterMs = failed === undefined ? 0 : failed.atMs + waitMs(failed.count) - nowMs;
    if (retryAfterMs > 0) {
      throw new OrchestratorError('ERR_SIGN_IN_DELAYED', 'Too many tries; wait a moment.', {
        retryAfterMs,
      });
    }
    const operator = await this.#store.operators.find(name);
    // An unknown name costs the same time and fits no password.
    const right = await this.#fits(password, operator?.password ?? NOBODY);
    if (operator === null || !right) {
      this.#failures.delete(who);
      this.#failures.set(who, { count: (failed?.count ?? 0) + 1, atMs: nowMs });
      const [oldest] = this.#failures.keys();
      if (this.#failures.size > NAMES_MAX && oldest !== undefined) this.#failures.delete(oldest);
      throw new OrchestratorError('ERR_SIGN_IN', 'Name or password are not right.');
    }
    this.#failures.delete(who);
    return operator;
  }

  async #fits(password: string, stored: string): Promise<boolean> {
    const salt = Buffer.from(stored.split('$')[3] ?? '', 'base64url');
    const run = this.#runs.then(() => hashed(password, salt));
    this.#runs = run.catch(() => undefined);
    return sameText(await run, stored);
  }
}

/** In constant time; of different length is simply different. */
export function sameText(left: string, right: string): boolean {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}

function hashed(password: string, salt: Buffer): Promise<string> {
  const cost = { N: 2 ** LOG2_COST, r: 8, p: 1, maxmem: 256 * 1024 * 1024 };
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFKC'), salt, 32, cost, (error, bytes) => {
      if (error === null) resolve(form(salt, bytes));
      else reject(error);
    });
  });
}

function form(salt: Buffer, verifier: Buffer): string {
  return `$scrypt$ln=${LOG2_COST},r=8,p=1$${salt.toString('base64url')}$${verifier.toString('base64url')}`;
}

/** The stored form of a password that nobody has. */
const NOBODY = form(Buffer.alloc(16), Buffer.alloc(32));

function waitMs(failures: number): number {
  return failures < FREE_FAILURES
    ? 0
    : Math.min(LONGEST_WAIT_MS, 1_000 * 2 ** (failures - FREE_FAILURES));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/**
 * Sessions of the dashboard: opaque 256-bit ids, of which the database holds hashes only. A person sees her own and ends
 * any of them. What weighs more asks for a sign-in that is not older than five minutes. Design: experience §7.
 * @module
 */
import { createHash, randomBytes } from 'node:crypto';
import { OrchestratorError } from '../errors.js';
import type { FederationStore, OperatorSession } from '../store/store.js';

export const FRESH_MS: number = 5 * 60_000;
const IDLE_MS = 30 * 60_000;
const ABSOLUTE_MS = 12 * 3_600_000;
/** `seen_at_ms` is written at most this often, so that reading a page is not a write. */
const TOUCH_MS = 60_000;
const AGENT_MAX = 200;
const ID_TOKENS_MAX = 1_000;

/** Who has proven to be somebody. */
export type Newcomer = Pick<OperatorSession, 'name' | 'role' | 'method' | 'agent' | 'freshAtMs'> &
  Readonly<{
    /** Of the identity provider; names the session to it at sign-out. */
    idToken?: string;
  }>;

export class Sessions {
  readonly #store: FederationStore;
  readonly #nowMs: () => number;
  /** Forgotten with the process; the provider then asks the person whether to sign out. */
  readonly #idTokens = new Map<string, string>();

  constructor(o: Readonly<{ store: FederationStore; nowMs: () => number }>) {
    this.#store = o.store;
    this.#nowMs = o.nowMs;
  }

  /** @returns the session, and the id that the browser keeps */
  async open({
    idToken,
    ...newcomer
  }: Newcomer): Promise<OperatorSession & { readonly id: string }> {
    const nowMs = this.#nowMs();
    const id = randomBytes(32).toString('base64url');
    const session: OperatorSession = {
      ...newcomer,
      idHash: sha256(id),
      agent: newcomer.agent.slice(0, AGENT_MAX),
      csrf: randomBytes(32).toString('base64url'),
      createdAtMs: nowMs,
      seenAtMs: nowMs,
    };
    await this.#store.operators.open(session, nowMs - ABSOLUTE_MS);
    const { name, role, method } = session;
    await this.#store.audit.append('operator-signed-in', nowMs, { name, role, method });
    if (idToken !== undefined) this.#idTokens.set(session.idHash, idToken);
    const [oldest] = this.#idTokens.keys();
    if (this.#idTokens.size > ID_TOKENS_MAX && oldest !== undefined) this.#idTokens.delete(oldest);
    return { ...session, id };
  }

  /** Null for no session, an unknown one, and one that is over. */
  async find(id: string | undefined): Promise<OperatorSession | null> {
    if (id === undefined) return null;
    const { operators } = this.#store;
    const nowMs = this.#nowMs();
    const session = await operators.session(sha256(id));
    if (session === null) return null;
    if (this.#isOver(session)) {
      await this.close(session.idHash);
      return null;
    }
    if (nowMs - session.seenAtMs > TOUCH_MS) await operators.touch(session.idHash, nowMs);
    return session;
  }

  /** The living sessions of whoever this one belongs to, newest first. */
  async ofSamePerson({ name, method }: OperatorSession): Promise<readonly OperatorSession[]> {
    const all = await this.#store.operators.sessionsOf(name, method);
    return all.filter((each) => !this.#isOver(each));
  }

  /** @throws {OrchestratorError} `ERR_HTTP_NOT_FOUND` if the caller has no such session, whoever else may */
  async revoke(caller: OperatorSession, idHash: string): Promise<void> {
    const own = (await this.ofSamePerson(caller)).find((each) => each.idHash === idHash);
    if (own === undefined) {
      throw new OrchestratorError('ERR_HTTP_NOT_FOUND', 'You have no such session.');
    }
    await this.close(idHash);
    await this.#store.audit.append('operator-session-ended', this.#nowMs(), { name: own.name });
  }

  /** The person has just proven again who she is. */
  async refresh({ idHash }: OperatorSession): Promise<void> {
    await this.#store.operators.refresh(idHash, this.#nowMs());
  }

  isFresh(session: OperatorSession): boolean {
    return this.#nowMs() - session.freshAtMs <= FRESH_MS;
  }

  /** What the identity provider gave with this session; null for a local one, and after a restart. */
  idTokenOf(session: OperatorSession): string | null {
    return this.#idTokens.get(session.idHash) ?? null;
  }

  async close(idHash: string): Promise<void> {
    this.#idTokens.delete(idHash);
    await this.#store.operators.close(idHash);
  }

  #isOver({ seenAtMs, createdAtMs }: OperatorSession): boolean {
    const nowMs = this.#nowMs();
    return nowMs - seenAtMs > IDLE_MS || nowMs - createdAtMs > ABSOLUTE_MS;
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

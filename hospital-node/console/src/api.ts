/**
 * What the page asks the node, and how a refusal comes back. What it answers is described in `src/http/answers.ts`.
 * @module
 */
import type { Hold, Reviewer, Session } from '../../src/http/answers.js';

/** What somebody else did meanwhile: a step of a hold, or a change of a case in its own words. */
export interface Change {
  readonly step: string;
  readonly by: Reviewer | string;
  readonly at: string;
  readonly text?: string;
}

/** A refusal of the node: `message` is its sentence. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly current: Partial<Pick<Hold, 'version' | 'state' | 'holder'>> | null;
  /** The steps that others took since. */
  readonly changed: readonly Change[];
  /** The question was asked in a session before this one: what it says about the session is over already. */
  readonly isOfFormerSession: boolean;

  constructor(status: number, body: Record<string, unknown>, askedIn: string = csrf) {
    super(typeof body['detail'] === 'string' ? body['detail'] : 'The node did not answer.');
    this.status = status;
    this.code = typeof body['code'] === 'string' ? body['code'] : 'ERR_NETWORK';
    this.changed = (body['changed'] as readonly Change[] | undefined) ?? [];
    this.isOfFormerSession = askedIn !== csrf;
    this.current = (body['current'] as Problem['current'] | undefined) ?? null;
  }
}

/** Of one press of a button: sent again, it is the same step. `randomUUID` is missing on plain http. */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

let csrf = '';

export function rememberSession(session: Session): Session {
  csrf = session.csrf;
  return session;
}

/** @throws {Problem} as `ask` does */
export async function askBytes(path: string): Promise<Uint8Array> {
  const askedIn = csrf;
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`);
  } catch {
    throw new Problem(0, { detail: 'The node does not answer. Is it running?' });
  }
  if (!response.ok) {
    const body = (await response.json()) as Record<string, unknown>;
    throw new Problem(response.status, body, askedIn);
  }
  return new Uint8Array(await response.arrayBuffer());
}

export async function ask<T>(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<T> {
  const askedIn = csrf;
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(method === 'GET' ? {} : { 'x-csrf-token': csrf }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw new Problem(0, { detail: 'The node does not answer. Is it running?' });
  }
  const text = await response.text();
  const value: unknown = text === '' ? {} : JSON.parse(text);
  if (!response.ok) {
    throw new Problem(response.status, value as Record<string, unknown>, askedIn);
  }
  return value as T;
}

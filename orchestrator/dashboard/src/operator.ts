/**
 * The person who has signed in, if one has. Without one the dashboard reads only.
 * @module
 */
import { signal } from '@preact/signals';
import { ask, Problem } from './api.js';

export interface Session {
  readonly name: string;
  readonly role: 'operator' | 'hospital-admin';
  readonly method: 'password' | 'oidc';
  readonly csrf: string;
  /** On this browser's clock: until then nothing asks again who she is. */
  readonly freshUntilMs: number;
}

/** How one can sign in here. */
export interface Ways {
  readonly local: boolean;
  /** Where the identity provider's sign-in begins; null for none. */
  readonly provider: string | null;
}

type Answer = Partial<Omit<Session, 'name' | 'freshUntilMs'>> & {
  readonly name: string | null;
  readonly freshForMs?: number;
  readonly signIn: Ways;
};

export const operator = signal<Session | null>(null);
export const ways = signal<Ways>({ local: true, provider: null });

export async function readSession(): Promise<void> {
  try {
    const { signIn, name, freshForMs, ...rest } = await ask<Answer>('/session');
    ways.value = signIn;
    const freshUntilMs = Date.now() + (freshForMs ?? 0);
    operator.value = name === null ? null : ({ ...rest, name, freshUntilMs } as Session);
  } catch {
    operator.value = null;
  }
}

/** Asks as the person who has signed in; what the refusal says about her session is noted. */
export async function askAs<T>(
  path: string,
  body: object,
  method: 'POST' | 'DELETE' = 'POST',
): Promise<T> {
  try {
    return await ask<T>(path, { method, body, csrf: operator.value?.csrf ?? '' });
  } catch (cause) {
    if (cause instanceof Problem && cause.code === 'ERR_SESSION') operator.value = null;
    if (cause instanceof Problem && cause.code === 'ERR_SIGN_IN_AGAIN') staleNow();
    throw cause;
  }
}

/** Null if it worked, else the sentence of the refusal. */
export async function act(
  path: string,
  body: object,
  method: 'POST' | 'DELETE' = 'POST',
): Promise<string | null> {
  try {
    await askAs(path, body, method);
    return null;
  } catch (cause) {
    return cause instanceof Error ? cause.message : 'It did not work.';
  }
}

/** Whether the last proof of who she is will still hold when a form is filled in. */
export function isFresh(): boolean {
  const { value } = operator;
  return value !== null && value.freshUntilMs - Date.now() > 30_000;
}

export function provenNow(freshForMs: number): void {
  if (operator.value === null) return;
  operator.value = { ...operator.value, freshUntilMs: Date.now() + freshForMs };
}

function staleNow(): void {
  if (operator.value !== null) operator.value = { ...operator.value, freshUntilMs: 0 };
}

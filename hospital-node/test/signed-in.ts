/**
 * A signed-in person of a seeded server, as a function that asks.
 * @module
 */
import { PASSWORD } from './seeded-server.js';

export type Json = Record<string, unknown>;
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Of a JSON answer; empty otherwise. */
  readonly body: Json;
  readonly headers: Headers;
}
export interface Call {
  (method: string, path: string, body?: object, headers?: object): Promise<Answer>;
  /** The session's cookie, for requests that are made another way. */
  readonly cookie: string;
}

export async function signedIn(
  server: { readonly port: number },
  name: string,
  password: string = PASSWORD,
): Promise<Call> {
  // Asked each time: a test may put another server in place of the first.
  const base = (): string => `http://127.0.0.1:${server.port}/api/v1`;
  const json = { 'content-type': 'application/json' };
  const first = await fetch(`${base()}/session`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ name, password }),
  });
  const { csrf } = (await first.json()) as { csrf: string };
  const cookie = first.headers.get('set-cookie')!.split(';')[0]!;
  const call = async (
    method: string,
    path: string,
    body?: object,
    headers: object = {},
  ): Promise<Answer> => {
    const response = await fetch(base() + path, {
      method,
      headers: {
        cookie,
        'x-csrf-token': csrf,
        ...(body === undefined ? {} : json),
        ...(headers as Record<string, string>),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      text,
      body: isJson(response) && text !== '' ? (JSON.parse(text) as Json) : {},
      headers: response.headers,
    };
  };
  return Object.assign(call, { cookie });
}

function isJson({ headers }: Response): boolean {
  return /[/+]json(;|$)/.test(headers.get('content-type') ?? '');
}

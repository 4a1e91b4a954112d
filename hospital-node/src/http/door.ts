/**
 * The door of the API, before any route looks at a request: session, role, for every change a proof that the request
 * comes from our own page, and for what cannot be taken back a fresh sign-in. A route cannot forget it, since a route that `rights.ts` does not name stops the start.
 * @module
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ReviewError } from '../review/errors.js';
import { sameToken, type Session, type Sessions } from '../review/sessions.js';
import { FRESH_MS, NEEDS_FRESH_SIGN_IN, RIGHTS } from './rights.js';

export interface DoorOptions {
  readonly sessions: Sessions;
  readonly cookieName: string;
  readonly now: () => number;
}

export type OpenSession = Session & {
  /** What the browser holds. */
  readonly id: string;
};

/** To be called before the routes are registered. @returns who a request comes from, for routes behind the door */
export function installDoor(
  app: FastifyInstance,
  o: DoorOptions,
): (request: FastifyRequest) => OpenSession {
  const found = new WeakMap<FastifyRequest, OpenSession>();

  app.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) {
      if (url.startsWith('/api/v1/') && !Object.hasOwn(RIGHTS, nameOf(each, url))) {
        throw new TypeError(`${nameOf(each, url)}: expected a line in http/rights.ts`);
      }
    }
  });
  app.addHook('onRequest', async (request) => {
    const { url } = request.routeOptions;
    if (url?.startsWith('/api/v1/') !== true) return;
    const isChange = request.method !== 'GET' && request.method !== 'HEAD';
    if (isChange) requireSamePage(request);
    const roles = RIGHTS[nameOf(request.method, url)];
    if (roles === null) return;
    const id = request.cookies[o.cookieName];
    const session = id === undefined ? null : await o.sessions.find(id, o.now());
    if (id === undefined || session === null) {
      throw new ReviewError('ERR_SESSION', 'Please sign in.');
    }
    if (roles?.includes(session.person.role) !== true) {
      throw new ReviewError(
        'ERR_FORBIDDEN',
        `This is for ${roles?.join(', ') ?? 'nobody'}; your role is ${session.person.role}.`,
        { role: session.person.role },
      );
    }
    if (isChange) requireToken(request, session);
    if (NEEDS_FRESH_SIGN_IN.has(nameOf(request.method, url))) requireFresh(session, o.now());
    found.set(request, { ...session, id });
  });
  return (request) => {
    const session = found.get(request);
    if (session === undefined) throw new ReviewError('ERR_SESSION', 'Please sign in.');
    return session;
  };
}

/** @throws {ReviewError} `ERR_SIGN_IN_AGAIN` if the last proof is older than `FRESH_MS` */
export function requireFresh({ provenAtMs }: Session, nowMs: number): void {
  if (provenAtMs !== null && nowMs - provenAtMs <= FRESH_MS) return;
  throw new ReviewError(
    'ERR_SIGN_IN_AGAIN',
    'This step asks who you are once more: your last proof is older than five minutes. Give your password, then repeat it.',
  );
}

function nameOf(method: string, url: string): string {
  return `${method === 'HEAD' ? 'GET' : method} ${url}`;
}

function requireToken(request: FastifyRequest, session: Session): void {
  const token = request.headers['x-csrf-token'];
  if (typeof token === 'string' && sameToken(token, session.csrf)) return;
  throw new ReviewError('ERR_CSRF', 'This request does not come from the page you signed in to.');
}

/** Browsers say where a request comes from; a program that says nothing has no cookie to be robbed of. */
function requireSamePage(request: FastifyRequest): void {
  const site = request.headers['sec-fetch-site'];
  const { origin } = request.headers;
  const foreign =
    (site !== undefined && site !== 'same-origin' && site !== 'none') ||
    (origin !== undefined && !isOwn(origin, request));
  if (foreign) throw new ReviewError('ERR_CSRF', 'This request comes from another page.');
}

/** By host alone: behind a proxy that ends TLS the scheme is not ours to know. */
function isOwn(origin: string, request: FastifyRequest): boolean {
  return URL.canParse(origin) && new URL(origin).host === request.headers.host;
}

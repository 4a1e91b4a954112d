/**
 * The door of the API, before any route looks at a request: session, role, how fresh the sign-in is, and for every change a
 * proof that the request comes from our own page. A route cannot forget it, since a route that `rights.ts` does not name
 * stops the start.
 * @module
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { OrchestratorError } from '../errors.js';
import { sameText } from '../sign-in/accounts.js';
import type { Sessions } from '../sign-in/sessions.js';
import type { OperatorSession } from '../store/store.js';
import { RIGHTS } from './rights.js';

/** To be called before the routes are registered. @returns who a request comes from, for routes behind the door */
export function installDoor(
  app: FastifyInstance,
  o: Readonly<{ sessions: Sessions; cookieName: string }>,
): (request: FastifyRequest) => OperatorSession {
  const found = new WeakMap<FastifyRequest, OperatorSession>();

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
    const right = RIGHTS[nameOf(request.method, url)]!;
    if (right.roles === null) return;
    const session = await o.sessions.find(request.cookies[o.cookieName]);
    if (session === null) throw new OrchestratorError('ERR_SESSION', 'Please sign in.');
    if (!right.roles.includes(session.role)) {
      throw new OrchestratorError(
        'ERR_FORBIDDEN',
        `This is for ${right.roles.join(', ')}; your role is ${session.role}.`,
        { role: session.role },
      );
    }
    if (isChange) requireToken(request, session);
    if (right.fresh && !o.sessions.isFresh(session)) {
      throw new OrchestratorError(
        'ERR_SIGN_IN_AGAIN',
        'This weighs enough to ask again who you are: your sign-in is older than five minutes.',
      );
    }
    found.set(request, session);
  });
  return (request) => {
    const session = found.get(request);
    if (session === undefined) throw new OrchestratorError('ERR_SESSION', 'Please sign in.');
    return session;
  };
}

function nameOf(method: string, url: string): string {
  return `${method === 'HEAD' ? 'GET' : method} ${url}`;
}

function requireToken(request: FastifyRequest, session: OperatorSession): void {
  const token = request.headers['x-csrf-token'];
  if (typeof token === 'string' && sameText(token, session.csrf)) return;
  throw notFromThePage();
}

/** Browsers say where a request comes from; one that does not say and one from elsewhere are refused. */
function requireSamePage(request: FastifyRequest): void {
  const { origin, host } = request.headers;
  const site = request.headers['sec-fetch-site'];
  // A proxy in front may speak TLS where we do not, so only the host is compared.
  const same = origin !== undefined && origin.replace(/^https?:\/\//, '') === host;
  if (!same || (site !== undefined && site !== 'same-origin')) throw notFromThePage();
}

function notFromThePage(): OrchestratorError {
  return new OrchestratorError('ERR_CSRF', 'This request does not come from the page.');
}

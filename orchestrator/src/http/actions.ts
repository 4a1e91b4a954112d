/**
 * What an operator who has signed in may do, each by the same code as the verb of the command line. Every write needs the
 * session's cookie, its token and a request from our own page.
 * @module
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import { EnrolmentDesk } from '../enrolment/desk.js';
import { OrchestratorError } from '../errors.js';
import { setPaused } from '../pause.js';
import type { OperatorSession } from '../store/store.js';
import { OperatorDesk, sameText } from './operators.js';
import { registerSignedWords } from './signed-words.js';
import type { DashboardOptions } from './routes.js';

const COOKIE = 'bhs-operator';
const closed = { additionalProperties: false };
const text = (maxLength: number): ReturnType<typeof Type.String> =>
  Type.String({ minLength: 1, maxLength });
const SignIn = Type.Object({ name: text(64), password: text(256) }, closed);
const Request = Type.Object({ requestId: text(64) });
const Approval = Type.Object({ fingerprint: text(64) }, closed);
const Refusal = Type.Object({ reason: text(1_000) }, closed);
const Pause = Type.Object({ paused: Type.Boolean() }, closed);

export function registerActions(app: FastifyInstance, o: DashboardOptions): void {
  const { store, nowMs } = o;
  const operators = new OperatorDesk({ store, nowMs });
  const desk = new EnrolmentDesk({ ...o, federationId: o.federation.federationId });

  const writer = async (request: FastifyRequest): Promise<OperatorSession> => {
    requireSamePage(request);
    const session = await operators.session(request.cookies[COOKIE]);
    if (session === null) throw new OrchestratorError('ERR_SESSION', 'Please sign in.');
    const token = request.headers['x-csrf-token'];
    if (typeof token === 'string' && sameText(token, session.csrf)) return session;
    throw new OrchestratorError('ERR_CSRF', 'This request does not come from the page.');
  };

  registerSignedWords(app, o, writer);

  app.get('/api/v1/session', async (request) => {
    const session = await operators.session(request.cookies[COOKIE]);
    return session === null ? { name: null } : { name: session.name, csrf: session.csrf };
  });

  app.post<{ Body: Static<typeof SignIn> }>(
    '/api/v1/session',
    { schema: { body: SignIn }, config: { rateLimit: { max: 30, timeWindow: 60_000 } } },
    async (request, reply) => {
      requireSamePage(request);
      const { id, name, csrf } = await operators.signIn(request.body.name, request.body.password);
      reply.setCookie(COOKIE, id, {
        path: '/',
        httpOnly: true,
        sameSite: 'strict',
        secure: request.protocol === 'https',
      });
      return reply.code(201).send({ name, csrf });
    },
  );

  app.delete('/api/v1/session', async (request, reply) => {
    await operators.signOut(await writer(request));
    return reply.clearCookie(COOKIE, { path: '/' }).code(204).send();
  });

  app.post<{ Params: Static<typeof Request>; Body: Static<typeof Approval> }>(
    '/api/v1/enrolments/:requestId/approvals',
    { schema: { params: Request, body: Approval } },
    async (request) => {
      const { name } = await writer(request);
      const { requestId } = request.params;
      const { fingerprint } = request.body;
      const { nodeId } = await desk.approve({ requestId, fingerprint, by: name });
      return { nodeId, state: 'approved' };
    },
  );

  app.post<{ Params: Static<typeof Request>; Body: Static<typeof Refusal> }>(
    '/api/v1/enrolments/:requestId/refusals',
    { schema: { params: Request, body: Refusal } },
    async (request) => {
      const { name } = await writer(request);
      const { requestId } = request.params;
      await desk.refuse({ requestId, reason: request.body.reason, by: name });
      return { state: 'refused' };
    },
  );

  app.post<{ Body: Static<typeof Pause> }>(
    '/api/v1/pause',
    { schema: { body: Pause } },
    async (request) => {
      const { name } = await writer(request);
      const { paused } = request.body;
      await setPaused(store, { paused, by: name, nowMs: nowMs() });
      return { paused };
    },
  );
}

/** Browsers say where a request comes from; one that does not say and one from elsewhere are refused. */
function requireSamePage(request: FastifyRequest): void {
  const { origin, host } = request.headers;
  const site = request.headers['sec-fetch-site'];
  // A proxy in front may speak TLS where we do not, so only the host is compared.
  const same = origin !== undefined && origin.replace(/^https?:\/\//, '') === host;
  if (same && (site === undefined || site === 'same-origin')) return;
  throw new OrchestratorError('ERR_CSRF', 'This request does not come from the page.');
}

/**
 * Signing in and out: by a local account, or at an identity provider; proving again who one is; looking at one's sessions
 * and ending them.
 * @module
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import { OrchestratorError } from '../errors.js';
import type { FederationStore, OperatorSession } from '../store/store.js';
import { Accounts } from './accounts.js';
import { CALLBACK, TICKET_MS, type IdentityProvider } from './identity-provider.js';
import { FRESH_MS, type Newcomer, type Sessions } from './sessions.js';

export interface SignInOptions {
  /** Null: local accounts only. */
  readonly provider: IdentityProvider | null;
  /** Whether name and password open a session. */
  readonly localAccounts: boolean;
  /** Whether people come over TLS, which a proxy ends: cookies are then sent over TLS only. */
  readonly secure: boolean;
}

export interface SignInRouteOptions extends SignInOptions {
  readonly store: FederationStore;
  readonly sessions: Sessions;
  readonly sessionOf: (request: FastifyRequest) => OperatorSession;
  readonly nowMs: () => number;
}

const closed = { additionalProperties: false } as const;
const Password = Type.String({ minLength: 1, maxLength: 256 });
const Credentials = Type.Object(
  { name: Type.String({ minLength: 1, maxLength: 64 }), password: Password },
  closed,
);
const AgainPassword = Type.Object({ password: Password }, closed);
const Again = Type.Object({ again: Type.Optional(Type.Literal('1')) }, closed);
const OneSession = Type.Object({ key: Type.String({ pattern: '^[0-9a-f]{64}$' }) });
/** An address; behind it the wait that grows with each wrong password of a name. */
const SELDOM = { rateLimit: { max: 30, timeWindow: 60_000 } };
const START = '/api/v1/sign-in/oidc';

/** `__Host-` keeps other hosts of the same domain from setting it; browsers take it over TLS only. */
export const cookieName = ({ secure }: Pick<SignInOptions, 'secure'>): string =>
  secure ? '__Host-bhs-operator' : 'bhs-operator';

export function registerSignIn(app: FastifyInstance, o: SignInRouteOptions): void {
  const { sessions, sessionOf, nowMs } = o;
  const accounts = new Accounts(o);
  const sessionCookie = cookieName(o);
  const ticketCookie = `${sessionCookie}-ticket`;

  const open = async (
    request: FastifyRequest,
    reply: FastifyReply,
    newcomer: Omit<Newcomer, 'agent'>,
  ): Promise<OperatorSession> => {
    const agent = request.headers['user-agent'] ?? '';
    const session = await sessions.open({ ...newcomer, agent });
    reply.setCookie(sessionCookie, session.id, {
      ...{ path: '/', httpOnly: true, sameSite: 'strict', secure: o.secure },
    });
    return session;
  };

  app.get('/api/v1/session', async (request) => {
    const session = await sessions.find(request.cookies[sessionCookie]);
    const signIn = { local: o.localAccounts, provider: o.provider === null ? null : START };
    return { ...(session === null ? { name: null } : sessionView(session, nowMs())), signIn };
  });

  app.post<{ Body: Static<typeof Credentials> }>(
    '/api/v1/session',
    { schema: { body: Credentials }, config: SELDOM },
    async (request, reply) => {
      if (!o.localAccounts) throw signInMethod('Sign in at the sign-in service.');
      const { name, role } = await accounts.check(request.body.name, request.body.password);
      const before = await sessions.find(request.cookies[sessionCookie]);
      if (before !== null) await sessions.close(before.idHash);
      const newcomer = { name, role, method: 'password', freshAtMs: nowMs() } as const;
      return reply.code(201).send(sessionView(await open(request, reply, newcomer), nowMs()));
    },
  );

  app.post<{ Body: Static<typeof AgainPassword> }>(
    '/api/v1/session/freshness',
    { schema: { body: AgainPassword }, config: SELDOM },
    async (request) => {
      const session = sessionOf(request);
      if (session.method !== 'password')
        throw signInMethod('Sign in again at the sign-in service.');
      await accounts.check(session.name, request.body.password);
      await sessions.refresh(session);
      return { freshForMs: FRESH_MS };
    },
  );

  app.delete('/api/v1/session', async (request, reply) => {
    const session = sessionOf(request);
    const idToken = sessions.idTokenOf(session);
    await sessions.close(session.idHash);
    reply.clearCookie(sessionCookie, { path: '/' });
    // The session here is over whether or not the provider answers.
    const continueAt =
      session.method === 'oidc' ? await o.provider?.farewell(idToken).catch(() => null) : null;
    return reply.send({ continueAt: continueAt ?? null });
  });

  app.get('/api/v1/sessions', async (request) => {
    const own = sessionOf(request);
    return (await sessions.ofSamePerson(own)).map((each) => ({
      key: each.idHash,
      method: each.method,
      agent: each.agent,
      createdAtMs: each.createdAtMs,
      seenAtMs: each.seenAtMs,
      isThis: each.idHash === own.idHash,
    }));
  });

  app.delete<{ Params: Static<typeof OneSession> }>(
    '/api/v1/sessions/:key',
    { schema: { params: OneSession } },
    async (request, reply) => {
      await sessions.revoke(sessionOf(request), request.params.key);
      return reply.code(204).send();
    },
  );

  app.get<{ Querystring: Static<typeof Again> }>(
    START,
    { schema: { querystring: Again }, config: SELDOM },
    async (request, reply) => {
      try {
        const again = request.query.again === '1';
        const before = await sessions.find(request.cookies[sessionCookie]);
        const { url, ticket } = await providerOf(o).begin({
          ...{ again, replaces: before?.idHash ?? '', nowMs: nowMs() },
        });
        reply.setCookie(ticketCookie, ticket, {
          ...{ path: '/', httpOnly: true, sameSite: 'lax', secure: o.secure },
          maxAge: TICKET_MS / 1_000,
        });
        return await reply.redirect(url, 303);
      } catch (error) {
        return reply.redirect(await refusalPage(o, error), 303);
      }
    },
  );

  app.get(CALLBACK, { config: SELDOM }, async (request, reply) => {
    reply.clearCookie(ticketCookie, { path: '/' });
    try {
      const { replaces, name, role, provenAtMs, idToken } = await providerOf(o).finish({
        query: request.url.split('?')[1] ?? '',
        ticket: request.cookies[ticketCookie] ?? '',
        nowMs: nowMs(),
      });
      if (replaces !== '') await sessions.close(replaces);
      const newcomer = { name, role, method: 'oidc', freshAtMs: provenAtMs, idToken } as const;
      await open(request, reply, newcomer);
      return await reply.redirect('/', 303);
    } catch (error) {
      return reply.redirect(await refusalPage(o, error), 303);
    }
  });
}

function providerOf({ provider }: SignInRouteOptions): IdentityProvider {
  if (provider !== null) return provider;
  throw signInMethod('Sign in with a local account.');
}

function signInMethod(sentence: string): OrchestratorError {
  return new OrchestratorError('ERR_SIGN_IN_METHOD', sentence);
}

/** The page says it in a sentence; the address carries the code alone. */
async function refusalPage({ store, nowMs }: SignInRouteOptions, error: unknown): Promise<string> {
  if (!(error instanceof OrchestratorError)) throw error;
  await store.audit.append('operator-sign-in-refused', nowMs(), {
    method: 'oidc',
    code: error.code,
  });
  return `/?refused=${error.code}`;
}

function sessionView(session: OperatorSession, nowMs: number): object {
  const { name, role, method, csrf, freshAtMs } = session;
  // A span, since the browser's clock may be another one.
  return { name, role, method, csrf, freshForMs: Math.max(0, freshAtMs + FRESH_MS - nowMs) };
}

/**
 * Signing in and out: by a local account, or at the hospital's identity provider. The session says who somebody is; the
 * key that signs on the ledger is her own and is unlocked apart from it, by her key's password.
 * @module
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import type { AuditLog } from '../audit/audit-log.js';
import { codeOf } from '../errors.js';
import type { Session as SessionAnswer, SessionEntry } from '../http/answers.js';
import type { OpenSession } from '../http/door.js';
import { FRESH_MS } from '../http/rights.js';
import { ReviewError } from '../review/errors.js';
import { personNamed, signIn } from '../review/people.js';
import type { ReviewStore } from '../review/review-store.js';
import type { Session, Sessions, SessionsAsked, SignInMethod } from '../review/sessions.js';
import { CALLBACK, TICKET_MS, type IdentityProvider } from './identity-provider.js';

export interface SignInRouteOptions {
  readonly hospital: string;
  readonly mspId: string;
  readonly review: ReviewStore;
  readonly sessions: Sessions;
  readonly sessionOf: (request: FastifyRequest) => OpenSession;
  readonly cookieName: string;
  /** Null: local accounts only. */
  readonly provider: IdentityProvider | null;
  /** Whether name and password open a session. */
  readonly localAccounts: boolean;
  readonly audit: Pick<AuditLog, 'append'> | null;
  readonly now: () => number;
}

const closed = { additionalProperties: false } as const;
const Password = Type.String({ minLength: 1, maxLength: 256 });
const Credentials = Type.Object(
  { name: Type.String({ minLength: 1, maxLength: 64 }), password: Password },
  closed,
);
const KeyPassword = Type.Object({ password: Password }, closed);
const BySession = Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{16}$' }) }, closed);
const Started = Type.Object({ again: Type.Optional(Type.Literal('yes')) }, closed);
/** An address; behind it the wait that grows with each wrong password of a name. */
const SELDOM = { rateLimit: { max: 30, timeWindow: 60_000 } };
const START = '/api/v1/sign-in/oidc';

export function registerSignInRoutes(app: FastifyInstance, o: SignInRouteOptions): void {
  const ticketCookie = `${o.cookieName}-ticket`;
  const open = async (
    request: FastifyRequest,
    reply: FastifyReply,
    newcomer: Parameters<Sessions['open']>[0],
  ): Promise<Session> => {
    const before = request.cookies[o.cookieName];
    if (before !== undefined) await o.sessions.end(before);
    const session = await o.sessions.open(newcomer, o.now());
    const { name, role } = session.person;
    o.audit?.append({ kind: 'signed-in', by: name, body: { method: newcomer.method, role } });
    reply.setCookie(o.cookieName, session.id, {
      path: '/',
      httpOnly: true,
      sameSite: 'strict',
      secure: request.protocol === 'https' || o.cookieName.startsWith('__Host-'),
    });
    return session;
  };
  /** What a person types into the wrong field stays out of the log: only names that somebody has are written. */
  const refused = async (
    method: SignInMethod,
    name: string | null,
    error: unknown,
  ): Promise<void> => {
    const known = name !== null && (await personNamed(o.review.database, name)) !== null;
    o.audit?.append({
      kind: 'sign-in-refused',
      by: known ? name : 'nobody',
      body: { method, code: codeOf(error) },
    });
  };

  app.get('/api/v1/about', async (request) => {
    const id = request.cookies[o.cookieName];
    const signedIn = id !== undefined && (await o.sessions.find(id, o.now())) !== null;
    return {
      hospital: o.hospital,
      mspId: o.mspId,
      signedIn,
      signIn: { local: o.localAccounts, provider: o.provider === null ? null : START },
    };
  });

  app.post<{ Body: Static<typeof Credentials> }>(
    '/api/v1/session',
    { schema: { body: Credentials }, config: SELDOM },
    async (request, reply) => {
      if (!o.localAccounts) {
        throw new ReviewError('ERR_SIGN_IN_METHOD', "Sign in at the hospital's sign-in service.");
      }
      const { name, password } = request.body;
      try {
        const { person, identity } = await signIn(o.review.database, {
          ...{ name, password, nowMs: o.now() },
        });
        const session = await open(request, reply, {
          ...person,
          ...{ identity, method: 'password', provenAtMs: o.now() },
        });
        return await reply.code(201).send(sessionView(session, o.hospital));
      } catch (error) {
        await refused('password', name, error);
        throw error;
      }
    },
  );

  app.get('/api/v1/session', (request) => sessionView(o.sessionOf(request), o.hospital));

  app.post<{ Body: Static<typeof KeyPassword> }>(
    '/api/v1/session/key',
    { schema: { body: KeyPassword }, config: SELDOM },
    async (request) => {
      const session = o.sessionOf(request);
      const { name } = session.person;
      if (session.person.actor === '') {
        throw new ReviewError(
          'ERR_NO_KEY',
          'There is no signing key for you at this node. `bhs-node` adds one from your certificate.',
        );
      }
      try {
        const { password } = request.body;
        const { identity } = await signIn(o.review.database, { name, password, nowMs: o.now() });
        o.sessions.unlock(session.id, identity, o.now());
        return sessionView({ ...session, identity, provenAtMs: o.now() }, o.hospital);
      } catch (error) {
        await refused(session.method, name, error);
        throw error;
      }
    },
  );

  app.delete('/api/v1/session', async (request, reply) => {
    const { id, method } = o.sessionOf(request);
    const idToken = o.sessions.idTokenOf(id);
    await o.sessions.end(id);
    reply.clearCookie(o.cookieName, { path: '/' });
    // The session here is over whether or not the provider answers.
    const farewell =
      method === 'oidc' ? ((await o.provider?.farewell(idToken).catch(() => null)) ?? null) : null;
    return reply.send({ continueAt: farewell });
  });

  /** Everybody sees her own; who looks after the node can end a session of a stolen machine. */
  const asked = (request: FastifyRequest): SessionsAsked => {
    const { id, person } = o.sessionOf(request);
    return { of: person.role === 'admin' ? null : person.name, id, nowMs: o.now() };
  };
  const revoke = async (
    request: FastifyRequest,
    which: (entry: SessionEntry) => boolean,
  ): Promise<number> => {
    const open = await o.sessions.list(asked(request));
    const ended = open.filter((each) => !each.current && which(each));
    const count = await o.sessions.revoke(asked(request), which);
    for (const of of new Set(ended.map(({ name }) => name))) {
      o.audit?.append({
        kind: 'session-revoked',
        by: o.sessionOf(request).person.name,
        body: { of, count: ended.filter(({ name }) => name === of).length },
      });
    }
    return count;
  };
  app.get('/api/v1/sessions', async (request) => ({
    items: await o.sessions.list(asked(request)),
  }));
  app.delete('/api/v1/sessions', async (request) => ({
    ended: await revoke(request, () => true),
  }));
  app.delete<{ Params: Static<typeof BySession> }>(
    '/api/v1/sessions/:id',
    { schema: { params: BySession } },
    async (request) => {
      const ended = await revoke(request, ({ id }) => id === request.params.id);
      if (ended === 0) {
        throw new ReviewError('ERR_NOT_FOUND', 'You have no other open session of this name.');
      }
      return { ended };
    },
  );

  app.get<{ Querystring: Static<typeof Started> }>(
    START,
    { schema: { querystring: Started }, config: SELDOM },
    async (request, reply) => {
      try {
        const again = request.query.again === 'yes';
        const { url, ticket } = await providerOf(o).begin(o.now(), { again });
        reply.setCookie(ticketCookie, ticket, {
          ...{ path: '/', httpOnly: true, sameSite: 'lax', maxAge: TICKET_MS / 1_000 },
          secure: o.cookieName.startsWith('__Host-'),
        });
        return await reply.redirect(url, 303);
      } catch (error) {
        await refused('oidc', null, error);
        return reply.redirect(refusalPage(error), 303);
      }
    },
  );

  app.get(CALLBACK, { config: SELDOM }, async (request, reply) => {
    reply.clearCookie(ticketCookie, { path: '/' });
    try {
      const { name, role, provenAtMs, idToken } = await providerOf(o).finish({
        query: request.url.split('?')[1] ?? '',
        ticket: request.cookies[ticketCookie] ?? '',
        nowMs: o.now(),
      });
      await open(request, reply, {
        ...{ name, role, identity: null, method: 'oidc', provenAtMs, idToken },
      });
      return await reply.redirect('/', 303);
    } catch (error) {
      await refused('oidc', null, error);
      return reply.redirect(refusalPage(error), 303);
    }
  });
}

function providerOf({ provider }: SignInRouteOptions): IdentityProvider {
  if (provider !== null) return provider;
  throw new ReviewError('ERR_SIGN_IN_METHOD', 'Sign in with a local account.');
}

/** The page says it in a sentence; the address carries the code alone. */
function refusalPage(error: unknown): string {
  if (error instanceof ReviewError) return `/?refused=${error.code}`;
  throw error;
}

function sessionView(session: Session, hospital: string): SessionAnswer {
  const { name, role, actor, mspId } = session.person;
  return {
    hospital,
    person: { name, role, actor, mspId },
    csrf: session.csrf,
    canSign: session.identity !== null,
    /** Whether there is a key to unlock. */
    hasKey: actor !== '',
    expiresAt: new Date(session.expiresAtMs).toISOString(),
    freshUntil: new Date((session.provenAtMs ?? -FRESH_MS) + FRESH_MS).toISOString(),
  };
}

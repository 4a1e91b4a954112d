/**
 * Health, metrics, status and the dashboard over HTTP, on loopback unless configured otherwise.
 * @module
 */
import { existsSync } from 'node:fs';
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import serveStatic from '@fastify/static';
import fastify from 'fastify';
import { OrchestratorError } from './errors.js';
import type { Log } from './federation.js';
import { registerActions } from './http/actions.js';
import { installDoor } from './http/door.js';
import { describeApi } from './http/openapi.js';
import { answerErrors } from './http/problem.js';
import type { DashboardOptions } from './http/dashboard-options.js';
import { registerDashboard } from './http/routes.js';
import { registerVotes } from './http/votes.js';
import type { ListeningServer } from './listening.js';
import { cookieName, registerSignIn, type SignInOptions } from './sign-in/sign-in-routes.js';
import { Sessions } from './sign-in/sessions.js';
import type { OrchestratorStatus } from './status.js';
import { VoteDesk } from './vote-desk.js';

export interface HttpServerOptions extends DashboardOptions {
  readonly host: string;
  readonly port: number;
  /** The built dashboard; null: API only. */
  readonly dashboardDir: string | null;
  readonly signIn: SignInOptions;
  /** Named sub-checks; the process is ready if all are true. */
  readonly checks: () => Promise<Readonly<Record<string, boolean>>>;
  readonly status: () => Promise<OrchestratorStatus>;
  readonly rounds: () => Promise<readonly object[]>;
  readonly log?: Log;
}

const CONTENT_SECURITY_POLICY = {
  'default-src': ["'none'"],
  'script-src': ["'self'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'connect-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'self'"],
  'frame-ancestors': ["'none'"],
};

/** @throws {OrchestratorError} `ERR_LISTEN` if the address cannot be bound */
export async function listenHttp(o: HttpServerOptions): Promise<ListeningServer> {
  const app = fastify({
    bodyLimit: 65_536,
    requestTimeout: 10_000,
    // Requests are validated as they are: nothing is converted, nothing silently dropped.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false } },
  });
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: CONTENT_SECURITY_POLICY },
    crossOriginEmbedderPolicy: false,
    strictTransportSecurity: false, // plain HTTP on loopback; a proxy in front of it sets its own
  });
  await app.register(cookie);
  await app.register(rateLimit, {
    max: 1_200,
    timeWindow: 60_000,
    allowList: (request) => !request.url.startsWith('/api/'),
    errorResponseBuilder: (_request, { after, ttl }) =>
      new OrchestratorError('ERR_HTTP_RATE', `Too many requests; wait ${after}.`, {
        retryAfterMs: ttl,
      }),
  });
  const sessions = new Sessions(o);
  const sessionOf = installDoor(app, { sessions, cookieName: cookieName(o.signIn) });
  await describeApi(app);
  answerErrors(app, o.log);
  app.get('/livez', () => ({ ok: true }));
  const ready = async (): Promise<{ ok: boolean; checks: Readonly<Record<string, boolean>> }> => {
    const checks = await o.checks();
    return { ok: Object.values(checks).every(Boolean), checks };
  };
  for (const path of ['/readyz', '/startupz']) {
    app.get(path, async (_request, reply) => {
      const answer = await ready();
      return reply.code(answer.ok ? 200 : 503).send(answer);
    });
  }
  app.get('/metrics', async (_request, reply) => {
    await o.refresh();
    return reply.type(o.registry.contentType).send(await o.registry.metrics());
  });
  app.get('/api/v1/status', () => o.status());
  app.get('/api/v1/rounds', () => o.rounds());
  registerSignIn(app, { ...o.signIn, store: o.store, sessions, sessionOf, nowMs: o.nowMs });
  registerDashboard(app, o);
  registerActions(app, o, sessionOf);
  registerVotes(app, new VoteDesk({ ...o, planHash: o.federation.plan.hash }), sessionOf);
  if (o.dashboardDir !== null && existsSync(o.dashboardDir)) {
    await app.register(serveStatic, {
      root: o.dashboardDir,
      setHeaders: (response, path) => {
        // The build puts a hash of the content in these names.
        const named = /\/assets\/[^/]*$/.test(path);
        response.header(
          'cache-control',
          named ? 'public, max-age=31536000, immutable' : 'no-cache',
        );
      },
    });
  }
  await app.ready();
  app.swagger(); // a route that is not described stops the start, not the first reader
  try {
    await app.listen({ host: o.host, port: o.port });
  } catch (cause) {
    await app.close();
    throw new OrchestratorError(
      'ERR_LISTEN',
      `listen: ${o.host}:${o.port} cannot be bound`,
      { host: o.host, port: o.port },
      cause,
    );
  }
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : o.port;
  return {
    port,
    close: async () => {
      app.server.closeAllConnections();
      await app.close();
    },
  };
}

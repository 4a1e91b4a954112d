/**
 * The hospital node's HTTP door: the review API, the analyst page, health and metrics. Loopback by default.
 * @module
 */
import { existsSync } from 'node:fs';
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import { fastifySSE } from '@fastify/sse';
import serveStatic from '@fastify/static';
import fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { codeOf, HospitalNodeError, type ErrorFacts } from './errors.js';
import { installDoor } from './http/door.js';
import { refuseNul } from './http/no-nul.js';
import { describeApi } from './http/openapi.js';
import type { BlockFollower } from './fabric/block-follower.js';
import type { FabricConnection } from './fabric/connection.js';
import { caseDifference } from './review/cases.js';
import { createDecisions } from './review/decisions.js';
import { MalformedRequestError, ReviewError, type ReviewErrorCode } from './review/errors.js';
import { malformed, problemOf, problemPage, sendProblem } from './review/problem.js';
import type { ReviewStore } from './review/review-store.js';
import { registerReviewRoutes, type RouteOptions } from './review/routes.js';
import { createSessions } from './review/sessions.js';
import {
  createIdentityProvider,
  type IdentityProviderOptions,
} from './sign-in/identity-provider.js';
import { registerSignInRoutes } from './sign-in/sign-in-routes.js';

export interface Readiness {
  readonly ok: boolean;
  /** A word per check: `ok`, or what is missing. */
  readonly checks: Readonly<Record<string, string>>;
}

export interface HttpServerOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** The built analyst page; null: API only. */
  readonly consoleDir: string | null;
  readonly hospital: string;
  readonly mspId: string;
  readonly review: ReviewStore;
  readonly fabric: Pick<FabricConnection, 'submit' | 'evaluate' | 'channel' | 'kind'>;
  readonly follower: Pick<BlockFollower, 'health'>;
  /** For exports, evidence and names; null: those routes are not there. */
  readonly officer: RouteOptions['officer'];
  /** Days of accounts; absent or null: no such routes. */
  readonly secondLine?: RouteOptions['secondLine'];
  /** How people sign in; absent: local accounts. */
  readonly signIn?: Readonly<{ local: boolean; provider: IdentityProviderOptions | null }>;
  readonly metrics: Registry;
  readonly ready: () => Readiness;
  /** The node's own facts for `GET /api/v1/status` (rounds, detector, ε); cheap, it is polled. */
  readonly status: () => object;
  readonly now: () => number;
  readonly log?: Logger;
}

export interface HttpServer extends AsyncDisposable {
  readonly port: number;
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 64 * 1024;
/** A busy machine starts slowly; ten seconds, the usual, were not enough for one. */
const START_MS_MAX = 60_000;
/** A key leaves the memory so soon after its session, also where nobody signs in any more. */
const SWEEP_EVERY_MS = 60_000;
const CONTENT_SECURITY_POLICY = {
  'default-src': ["'none'"],
  'script-src': ["'self'", "'wasm-unsafe-eval'"],
  'style-src': ["'self'"],
  'img-src': ["'self'", 'data:'],
  'font-src': ["'self'"],
  'connect-src': ["'self'"],
  'base-uri': ["'none'"],
  'form-action': ["'self'"],
  'frame-ancestors': ["'none'"],
};

/** @throws {HospitalNodeError} `ERR_HTTP_LISTEN` if the port cannot be had */
export async function startHttpServer(o: HttpServerOptions): Promise<HttpServer> {
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    pluginTimeout: START_MS_MAX,
    // Requests are validated as they are: nothing is converted, nothing silently dropped.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false } },
  });
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: CONTENT_SECURITY_POLICY },
    crossOriginEmbedderPolicy: false,
    strictTransportSecurity: false, // plain HTTP on loopback; a proxy in front of it sets its own
  });
  await app.register(cookie);
  await app.register(fastifySSE, { heartbeatInterval: 15_000 });
  await app.register(rateLimit, {
    max: 1_200,
    timeWindow: 60_000,
    errorResponseBuilder: (_request, { after, statusCode }) =>
      Object.assign(new ReviewError('ERR_RATE_LIMIT', `Too many requests; wait ${after}.`), {
        statusCode,
      }),
  });
  const sessions = createSessions(o.review.database);
  const sweeping = setInterval(() => {
    // A database that is away is swept the next time.
    sessions.sweep(o.now()).catch(() => undefined);
  }, SWEEP_EVERY_MS).unref();
  app.addHook('onClose', () => {
    clearInterval(sweeping);
  });
  const { local = true, provider = null } = o.signIn ?? {};
  const cookieName = cookieNameOf(o.hospital, provider);
  const sessionOf = installDoor(app, { sessions, cookieName, now: o.now });
  refuseNul(app);
  await describeApi(app);
  answerErrors(app, o);
  healthRoutes(app, o);
  problemRoutes(app);
  const { hospital, mspId, review } = o;
  registerSignInRoutes(app, {
    ...{ hospital, mspId, review, sessions, sessionOf, cookieName, localAccounts: local },
    provider: provider === null ? null : createIdentityProvider(provider),
    audit: o.officer?.audit ?? null,
    now: o.now,
  });
  registerReviewRoutes(app, {
    ...{ hospital, mspId, review, sessions, sessionOf, cookieName },
    decisions: createDecisions({ review: o.review, fabric: o.fabric, mspId: o.mspId }),
    now: o.now,
    officer: o.officer,
    secondLine: o.secondLine ?? null,
    readBlock: (blockNumber) =>
      o.fabric.evaluate('qscc/GetBlockByNumber', [o.fabric.channel, blockNumber]),
    status: () => ({ ...o.status(), hospital: o.hospital, ledger: ledgerFacts(o) }),
  });
  if (o.consoleDir !== null && existsSync(o.consoleDir)) await servePage(app, o.consoleDir);
  await app.ready();
  app.swagger(); // a route that is not described stops the start, not the first reader
  try {
    await app.listen({ host: o.host, port: o.port });
  } catch (cause) {
    await app.close();
    throw new HospitalNodeError(
      'ERR_HTTP_LISTEN',
      `cannot listen on ${o.host}:${o.port}; is the port taken?`,
      { host: o.host, port: o.port },
      cause,
    );
  }
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : o.port;
  o.log?.info({ host: o.host, port }, 'http serving');
  const close = async (): Promise<void> => {
    app.server.closeAllConnections();
    await app.close();
  };
  return { port, close, [Symbol.asyncDispose]: close };
}

/** Behind https a browser binds the cookie to this very host; on plain loopback it could not be kept under that name. */
function cookieNameOf(hospital: string, provider: IdentityProviderOptions | null): string {
  const secure = provider !== null && new URL(provider.publicUrl).protocol === 'https:';
  return `${secure ? '__Host-' : ''}bhs-${hospital}`;
}

function problemRoutes(app: FastifyInstance): void {
  app.get<{ Params: { code: string } }>('/problems/:code', async (request, reply) => {
    const page = problemPage(request.params.code);
    if (page === null) throw new ReviewError('ERR_NOT_FOUND', 'There is no problem of this name.');
    await reply.type('text/plain; charset=utf-8').send(page);
  });
}

function healthRoutes(app: FastifyInstance, o: HttpServerOptions): void {
  app.get('/livez', () => ({ ok: true }));
  app.get('/readyz', async (_request, reply) => {
    const readiness = o.ready();
    await reply.code(readiness.ok ? 200 : 503).send(readiness);
  });
  // A start is over when the node was ready once; from then on only `/readyz` comes and goes.
  let hasStarted = false;
  app.get('/startupz', async (_request, reply) => {
    hasStarted ||= o.ready().ok;
    await reply.code(hasStarted ? 200 : 503).send({ ok: hasStarted });
  });
  app.get('/metrics', async (_request, reply) => {
    await reply.header('content-type', o.metrics.contentType).send(await o.metrics.metrics());
  });
}

async function servePage(app: FastifyInstance, root: string): Promise<void> {
  await app.register(serveStatic, {
    root,
    setHeaders: (response, path) => {
      const named = /\/assets\/[^/]*$/.test(path); // the build puts a hash of the content in these names
      response.header('cache-control', named ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
}

function ledgerFacts(o: HttpServerOptions): object {
  const health = o.follower.health();
  return {
    kind: o.fabric.kind,
    connected: health.connected,
    nextBlock: health.nextBlock.toString(),
    lagBlocks: health.lagBlocks,
    lastBlockAt:
      health.lastBlockAtMs === null ? null : new Date(health.lastBlockAtMs).toISOString(),
    lastErrorCode: health.lastErrorCode,
  };
}

function answerErrors(app: FastifyInstance, o: HttpServerOptions): void {
  app.setNotFoundHandler(async (request, reply) =>
    sendProblem(
      reply,
      problemOf('ERR_NOT_FOUND', `There is nothing at ${request.url.split('?')[0] ?? ''}.`),
    ),
  );
  app.setErrorHandler(async (thrown: FastifyError | ReviewError, request, reply) => {
    const error = asReviewError(thrown);
    if (error instanceof ReviewError) {
      if (typeof error.facts['retryAfterMs'] === 'number') {
        reply.header('retry-after', Math.ceil(error.facts['retryAfterMs'] / 1_000));
      }
      const more =
        error instanceof MalformedRequestError
          ? { errors: error.errors }
          : ((await differenceOf(o, request.params, error)) ?? error.facts);
      return sendProblem(reply, problemOf(error.code as ReviewErrorCode, error.message, more));
    }
    if (error.statusCode !== undefined && error.statusCode < 500) {
      return sendProblem(reply, {
        ...problemOf('ERR_REQUEST', 'The request is not well formed.'),
        status: error.statusCode,
      });
    }
    const { url: route } = request.routeOptions;
    o.log?.error({ code: error.code, route, at: framesOf(error) }, 'request failed');
    return sendProblem(reply, {
      type: '/problems/ERR_INTERNAL',
      title: 'Something broke here',
      status: 500,
      detail: 'The node could not answer. The fault is in its log.',
      code: 'ERR_INTERNAL',
    });
  });
}

const FRAMES_MAX = 8;

/** Where it was thrown. What it says may quote a person or a value, and stays out of the log. */
function framesOf({ stack }: Error): readonly string[] {
  const lines = (stack ?? '').split('\n').map((line) => line.trim());
  return lines.filter((line) => line.startsWith('at ')).slice(0, FRAMES_MAX);
}

function storeIsAway(error: unknown): boolean {
  return codeOf(error) === 'ERR_STORE_UNAVAILABLE';
}

/** What was thrown as a refusal of ours; anything that is none stays as it is. */
function asReviewError(thrown: FastifyError | ReviewError): FastifyError | ReviewError {
  if (storeIsAway(thrown)) return awayError(thrown);
  if (thrown instanceof ReviewError || thrown.validation === undefined) return thrown;
  return malformed(thrown.validation);
}

/** A server that is started again is there within seconds. */
const STORE_RETRY_MS = 5_000;

function awayError(cause: unknown): ReviewError {
  return new ReviewError(
    'ERR_STORE_UNAVAILABLE',
    "The hospital's database does not answer now. Nothing was lost; try again in a moment.",
    { retryAfterMs: STORE_RETRY_MS },
    cause,
  );
}

/** What changed since the version that was seen; null for every other refusal, and if it cannot be read now. */
async function differenceOf(
  o: HttpServerOptions,
  params: unknown,
  error: ReviewError,
): Promise<object | null> {
  const { case: id, expected } = error.facts;
  try {
    if (error.code === 'ERR_HOLD_STALE') return await currentOf(o, params, error.facts);
    return error.code === 'ERR_CASE_STALE'
      ? await caseDifference(o.review.database, Number(id), Number(expected))
      : null;
  } catch (failure) {
    if (storeIsAway(failure)) return null;
    throw failure;
  }
}

/** A stale step is answered with the state of things and the steps since, so that the screen can show the difference. */
async function currentOf(
  o: HttpServerOptions,
  params: unknown,
  facts: ErrorFacts,
): Promise<object> {
  const { txid } = params as { txid?: string };
  if (txid === undefined) return {};
  const { version, state, holder, proposer, history } = await o.review.detail(txid);
  const seen = typeof facts['expected'] === 'number' ? facts['expected'] : version;
  return {
    current: { version, state, holder, proposer },
    changed: history
      .filter((step) => step.version > seen)
      .map((step) => ({
        step: step.step,
        by: step.by,
        to: step.to,
        at: new Date(step.atMs).toISOString(),
      })),
  };
}

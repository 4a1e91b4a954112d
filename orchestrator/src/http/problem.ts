/**
 * Refusals over HTTP as `application/problem+json` (RFC 9457), made in one place.
 * @module
 */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { OrchestratorError } from '../errors.js';
import { SILENT, type Log } from '../federation.js';

/** Codes that have another status than 409: the state of things does not allow it. */
const STATUS: Readonly<Record<string, readonly [status: number, title: string]>> = {
  ERR_HTTP_NOT_FOUND: [404, 'Nothing here'],
  ERR_HTTP_REQUEST: [400, 'Malformed request'],
  ERR_HTTP_RATE: [429, 'Too many requests'],
  ERR_SIGN_IN: [401, 'Sign-in failed'],
  ERR_SIGN_IN_DELAYED: [429, 'Wait before the next try'],
  ERR_SESSION: [401, 'Not signed in'],
  ERR_CSRF: [403, 'Request not from this page'],
  ERR_FORBIDDEN: [403, 'Not for this role'],
  ERR_SIGN_IN_AGAIN: [401, 'Sign in again'],
  ERR_INTERNAL: [500, 'Something broke here'],
};

export interface Problem {
  readonly status: number;
  readonly code: string;
  /** A sentence for the person at the screen. */
  readonly detail: string;
}

async function send(reply: FastifyReply, problem: Problem): Promise<void> {
  const { status, code, detail } = problem;
  const title = STATUS[code]?.[1] ?? 'Not possible now';
  await reply
    .code(status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .header('cache-control', 'no-store')
    .send(JSON.stringify({ type: `urn:bhs:problem:${code}`, title, status, detail, code }));
}

export function answerErrors(app: FastifyInstance, log: Log = SILENT): void {
  app.setNotFoundHandler((request, reply) =>
    send(reply, {
      status: 404,
      code: 'ERR_HTTP_NOT_FOUND',
      detail: `There is nothing at ${request.url.split('?')[0] ?? ''}.`,
    }),
  );
  app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
    if (error instanceof OrchestratorError) {
      const status = STATUS[error.code]?.[0] ?? 409;
      const retryAfterMs = error.facts['retryAfterMs'];
      if (typeof retryAfterMs === 'number') {
        reply.header('retry-after', Math.ceil(retryAfterMs / 1_000));
      }
      return send(reply, { status, code: error.code, detail: error.message });
    }
    const status = error.statusCode ?? 500;
    if (status < 500) {
      return send(reply, { status, code: 'ERR_HTTP_REQUEST', detail: error.message });
    }
    log.error({ route: request.routeOptions.url, error: error.message }, 'request failed');
    return send(reply, {
      status: 500,
      code: 'ERR_INTERNAL',
      detail: 'The orchestrator could not answer. The fault is in its log.',
    });
  });
}

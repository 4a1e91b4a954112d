/**
 * Health, metrics and status over HTTP, on loopback unless configured otherwise.
 * @module
 */
import fastify from 'fastify';
import type { Registry } from 'prom-client';
import { OrchestratorError } from './errors.js';
import type { ListeningServer } from './listening.js';
import type { OrchestratorStatus } from './status.js';

export interface HttpServerOptions {
  readonly host: string;
  readonly port: number;
  readonly registry: Registry;
  /** Named sub-checks; the process is ready if all are true. */
  readonly checks: () => Promise<Readonly<Record<string, boolean>>>;
  /** Brings the gauges up to date before they are read. */
  readonly refresh: () => Promise<void>;
  readonly status: () => Promise<OrchestratorStatus>;
  readonly rounds: () => Promise<readonly object[]>;
}

/** @throws {OrchestratorError} `ERR_LISTEN` if the address cannot be bound */
export async function listenHttp(o: HttpServerOptions): Promise<ListeningServer> {
  const app = fastify({ bodyLimit: 65_536, requestTimeout: 10_000 });
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
  try {
    await app.listen({ host: o.host, port: o.port });
  } catch (cause) {
    throw new OrchestratorError(
      'ERR_LISTEN',
      `listen: ${o.host}:${o.port} cannot be bound`,
      { host: o.host, port: o.port },
      cause,
    );
  }
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : o.port;
  return { port, close: () => app.close() };
}

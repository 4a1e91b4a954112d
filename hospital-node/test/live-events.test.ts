/** Open pages that are told what changed, and one among them that has stopped to read. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { fastifySSE } from '@fastify/sse';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { registerLiveEvents } from '../src/review/live-events.js';
import type { ReviewStore } from '../src/review/review-store.js';

vi.setConfig({ testTimeout: 120_000 });

/** More than a connection on loopback takes without being read. */
const STATUS_BYTES = 8 * 1024 * 1024;

describe('live events', () => {
  let app: FastifyInstance;
  afterEach(() => {
    app.server.closeAllConnections();
    return app.close();
  });

  async function port(): Promise<number> {
    app = fastify();
    await app.register(fastifySSE);
    let turns = 0;
    const review: Pick<ReviewStore, 'newestBlock' | 'changesSince'> = {
      newestBlock: () => Promise.resolve(0),
      changesSince: () => Promise.resolve([]),
    };
    registerLiveEvents(app, {
      review: review as ReviewStore,
      mspId: 'H1MSP',
      status: () => Promise.resolve({ turn: ++turns, filling: 'x'.repeat(STATUS_BYTES) }),
      daysVersion: () => 0,
      requireSession: () => Promise.resolve(),
      stillSignedIn: () => Promise.resolve(true),
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    return (app.server.address() as { port: number }).port;
  }

  it('reach who reads while another does not, and cut that one off', async () => {
    const at = await port();
    const deaf = connect(at, '127.0.0.1');
    deaf.write('GET /api/v1/events HTTP/1.1\r\nhost: here\r\naccept: text/event-stream\r\n\r\n');
    await once(deaf, 'readable');
    const reading = await fetch(`http://127.0.0.1:${at}/api/v1/events`, {
      headers: { accept: 'text/event-stream' },
    });
    const seen = new Set<string>();
    const connections = (): Promise<number> =>
      new Promise((resolve, reject) => {
        app.server.getConnections((error, count) => {
          if (error === null) resolve(count);
          else reject(error);
        });
      });
    const decoder = new TextDecoder();
    for await (const chunk of reading.body!) {
      for (const [turn] of decoder.decode(chunk as Uint8Array).matchAll(/"turn":\d+/g))
        seen.add(turn);
      if (seen.size >= 5 && (await connections()) === 1) break;
    }
    expect(seen.size).toBeGreaterThanOrEqual(5);
    deaf.destroy();
  });
});

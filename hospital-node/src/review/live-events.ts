/**
 * What changed, told to open pages as it happens: `GET /api/v1/events`, server-sent events. The id of an event is a block
 * number, so whoever comes back with `Last-Event-ID` gets every later change once more from the history of the holds.
 * Events carry ids, versions and states, never data: a page reads again with its own rights.
 *
 * | event     | data                                                                     |
 * |-----------|--------------------------------------------------------------------------|
 * | `holds`   | `{ changed: [{ txId, version, state }] }`                                |
 * | `reset`   | too much happened since: read the list again                             |
 * | `days`    | the list of days differs: read it again                                  |
 * | `status`  | the node's status, whenever it differs                                   |
 * | `session` | `{ signedIn: false }`, then the stream ends                              |
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { codeOf } from '../errors.js';
import type { ReviewStore } from './review-store.js';

export interface LiveEventOptions {
  readonly review: ReviewStore;
  readonly mspId: string;
  readonly status: () => Promise<object>;
  /** Rises whenever the list of days differs. */
  readonly daysVersion: () => number;
  /** Refuses who is not signed in. */
  readonly requireSession: (request: FastifyRequest) => Promise<unknown>;
  /** Asked before each batch; watching is not using, so it does not prolong the session. */
  readonly stillSignedIn: (request: FastifyRequest) => Promise<boolean>;
}

/** One look at the database for all streams; a person does not notice a third of a second. */
const TURN_MS = 300;
const STATUS_EVERY_TURNS = 5;
const CHANGES_MAX = 500;
const RETRY_MS = 3_000;
/** Ten seconds. Who takes nothing for so long is cut off, and comes back with the last id that it has. */
const DEAF_TURNS_MAX = 33;

interface Stream {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  block: number;
  days: number;
  status: string;
  /** Turns since the one that is still being told; null: nothing is. */
  deafTurns: number | null;
}

export function registerLiveEvents(app: FastifyInstance, o: LiveEventOptions): void {
  const streams = new Set<Stream>();
  let turning = false;

  const serve = async (stream: Stream, status: string | null): Promise<void> => {
    const { sse } = stream.reply;
    if (!(await o.stillSignedIn(stream.request))) {
      streams.delete(stream);
      await sse.send({ event: 'session', data: { signedIn: false } });
      sse.close();
      return;
    }
    const head = await o.review.newestBlock();
    if (head > stream.block) {
      const changed = await o.review.changesSince(o.mspId, stream.block, CHANGES_MAX + 1);
      const tooMuch = changed.length > CHANGES_MAX;
      if (changed.length > 0) {
        await sse.send({
          id: String(head),
          event: tooMuch ? 'reset' : 'holds',
          data: tooMuch ? {} : { changed },
        });
      }
      stream.block = head;
    }
    const days = o.daysVersion();
    if (days !== stream.days) {
      stream.days = days;
      await sse.send({ event: 'days', data: {} });
    }
    if (status !== null && status !== stream.status) {
      stream.status = status;
      await sse.send({ event: 'status', data: JSON.parse(status) as object });
    }
  };

  /** Null while it cannot be read: it is told the next time. */
  const statusText = (): Promise<string | null> =>
    o.status().then(
      (status) => JSON.stringify(status),
      () => null,
    );

  const cutOff = (stream: Stream): void => {
    streams.delete(stream);
    stream.reply.raw.destroy();
  };

  /** A client that does not read holds up itself and nobody else: its send ends when it reads, or never. */
  const tell = (stream: Stream, status: string | null): void => {
    stream.deafTurns = 0;
    serve(stream, status)
      .catch((error: unknown) => {
        if (codeOf(error) !== 'ERR_STORE_UNAVAILABLE') cutOff(stream);
      })
      .finally(() => {
        stream.deafTurns = null;
      });
  };

  const turn = async (): Promise<void> => {
    turning = true;
    for (let turns = 0; streams.size > 0; turns++) {
      await delay(TURN_MS, undefined, { ref: false });
      const due = turns % STATUS_EVERY_TURNS === 0;
      const status = due && streams.size > 0 ? await statusText() : null;
      for (const stream of [...streams]) {
        if (stream.deafTurns === null) tell(stream, status);
        else if (++stream.deafTurns > DEAF_TURNS_MAX) cutOff(stream);
      }
    }
    turning = false;
  };

  app.get('/api/v1/events', { sse: 'only' }, async (request, reply) => {
    await o.requireSession(request);
    const last = /^\d{1,15}$/.test(reply.sse.lastEventId ?? '')
      ? Number(reply.sse.lastEventId)
      : await o.review.newestBlock();
    const stream: Stream = {
      ...{ request, reply, block: last, days: o.daysVersion(), status: '' },
      deafTurns: null,
    };
    reply.sse.keepAlive();
    reply.sse.onClose(() => streams.delete(stream));
    await reply.sse.send({ id: String(last), event: 'open', retry: RETRY_MS, data: {} });
    streams.add(stream);
    if (!turning) void turn();
  });
  app.addHook('onClose', () => {
    streams.clear();
  });
}

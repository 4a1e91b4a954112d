/**
 * Around a hold: what the actor did, how her peers work, the team's saved views, who there is.
 * @module
 */
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { actorTimeline } from './actor-timeline.js';
import { ById, closed, iso, TxId, type Desk } from './desk.js';
import type { PeerComparison, Timeline } from '../http/answers.js';
import { ReviewError } from './errors.js';
import { comparePeers } from './peer-comparison.js';
import { accounts } from './people.js';
import { deleteView, savedViews, saveView } from './saved-views.js';

const ByTxId = Type.Object({ txid: TxId }, closed);
const Days = Type.Object(
  { days: Type.Optional(Type.Union([Type.Literal('1'), Type.Literal('7')])) },
  closed,
);
const Saved = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 40, pattern: '\\S' }),
    query: Type.String({ maxLength: 400, pattern: '^[A-Za-z0-9=&%.,_~+-]*$' }),
  },
  closed,
);

export function registerDeskRoutes(app: FastifyInstance, desk: Desk): void {
  const { review, now } = desk;
  const { database } = review;

  app.get<{ Params: Static<typeof ByTxId>; Querystring: Static<typeof Days> }>(
    '/api/v1/holds/:txid/timeline',
    { schema: { params: ByTxId, querystring: Days } },
    async ({ params, query }): Promise<Timeline> => {
      const { actorId, atMs } = await review.summary(params.txid);
      const { fromMs, toMs, calls, more, usualHours } = await actorTimeline(database, {
        ...{ actor: actorId, atMs },
        days: query.days === '7' ? 7 : 1,
      });
      return {
        ...{ fromAt: iso(fromMs), toAt: iso(toMs), more, usualHours },
        calls: calls.map(({ atMs: callMs, ...call }) => ({ ...call, at: iso(callMs) })),
      };
    },
  );

  app.get<{ Params: Static<typeof ByTxId> }>(
    '/api/v1/holds/:txid/peers',
    { schema: { params: ByTxId } },
    async ({ params }): Promise<PeerComparison> => {
      const compared = await comparePeers(database, {
        place: await review.placeOfCall(params.txid),
      });
      if (compared === null) {
        throw new ReviewError(
          'ERR_HOLD_EVIDENCE',
          'This call cannot be compared: its block holds no sequence of calls, or it is older than thirty days.',
        );
      }
      return compared;
    },
  );

  app.get('/api/v1/views', async () => ({ items: await savedViews(database) }));
  app.post<{ Body: Static<typeof Saved> }>(
    '/api/v1/views',
    { schema: { body: Saved } },
    async (request, reply) => {
      const { person } = desk.sessionOf(request);
      const { name, query } = request.body;
      const items = await saveView(database, {
        ...{ name: name.trim(), query, owner: person.name },
        nowMs: now(),
      });
      return reply.code(201).send({ items });
    },
  );
  app.delete<{ Params: Static<typeof ById> }>(
    '/api/v1/views/:id',
    { schema: { params: ById } },
    async (request, reply) => {
      const { person } = desk.sessionOf(request);
      await deleteView(database, { id: Number(request.params.id), by: person.name });
      return reply.code(204).send();
    },
  );

  app.get('/api/v1/people', async () => ({ items: await accounts(database) }));
}

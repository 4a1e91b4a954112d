/**
 * Suppressions over HTTP. What a rule would have done is asked first; each change goes into the audit log.
 * @module
 */
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import type { Suppression as SuppressionAnswer, SuppressionRule } from '../http/answers.js';
import { ById, closed, iso, Reason, type Desk } from './desk.js';
import {
  approveSuppression,
  endSuppression,
  listSuppressions,
  previewSuppression,
  proposeSuppression,
  SUPPRESSION_DAYS_MAX,
  type Suppression,
} from './suppressions.js';

const word = Type.Optional(Type.String({ minLength: 1, maxLength: 80 }));
const traits = {
  actor: Type.Optional(Type.String({ pattern: '^[0-9a-f]{32,64}$' })),
  role: word,
  ward: word,
  /** An unknown function may be called anything. */
  function: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  cause: Type.Optional(Type.String({ pattern: '^[a-z-]{1,24}$' })),
  topReason: word,
};
const Asked = Type.Object(
  { ...traits, scoreBelow: Type.Optional(Type.String({ pattern: '^[0-9]{1,7}$' })) },
  closed,
);
const Proposed = Type.Object(
  {
    rule: Type.Object(
      {
        ...traits,
        scoreBelow: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
      },
      closed,
    ),
    days: Type.Integer({ minimum: 1, maximum: SUPPRESSION_DAYS_MAX }),
    reason: Reason,
  },
  closed,
);
const Reasoned = Type.Object({ reason: Reason }, closed);

export function registerSuppressionRoutes(app: FastifyInstance, desk: Desk): void {
  const { mspId, review, audit, now } = desk;
  const { database } = review;

  app.get('/api/v1/suppressions', async () => ({
    items: (await listSuppressions(database, now())).map(suppressionView),
  }));

  app.get<{ Querystring: Static<typeof Asked> }>(
    '/api/v1/suppressions/preview',
    { schema: { querystring: Asked } },
    ({ query: { scoreBelow, ...rest } }) => {
      const rule: SuppressionRule = {
        ...rest,
        ...(scoreBelow === undefined ? {} : { scoreBelow: Number(scoreBelow) }),
      };
      return previewSuppression(database, { mspId, rule, nowMs: now() });
    },
  );

  app.post<{ Body: Static<typeof Proposed> }>(
    '/api/v1/suppressions',
    { schema: { body: Proposed } },
    async (request, reply) => {
      const { person } = desk.sessionOf(request);
      const made = await proposeSuppression(database, {
        ...{ mspId, owner: person.name, nowMs: now() },
        ...request.body,
      });
      audit.append({
        kind: 'suppression-proposed',
        by: person.name,
        body: {
          suppression: made.id,
          rule: { ...made.rule },
          reason: made.reason,
          expiresAt: iso(made.expiresMs),
          state: made.state,
          matched: made.preview.matched,
          confirmed: made.preview.confirmedCount,
        },
      });
      return reply.code(201).send(suppressionView(made));
    },
  );

  app.post<{ Params: Static<typeof ById>; Body: Static<typeof Reasoned> }>(
    '/api/v1/suppressions/:id/approvals',
    { schema: { params: ById, body: Reasoned } },
    async (request, reply) => {
      const { person } = desk.sessionOf(request);
      const id = Number(request.params.id);
      const { reason } = request.body;
      const made = await approveSuppression(database, {
        ...{ mspId, id, by: person.name, reason, nowMs: now() },
      });
      audit.append({
        kind: 'suppression-approved',
        by: person.name,
        body: { suppression: id, owner: made.owner, reason },
      });
      return reply.code(201).send(suppressionView(made));
    },
  );

  app.post<{ Params: Static<typeof ById>; Body: Static<typeof Reasoned> }>(
    '/api/v1/suppressions/:id/endings',
    { schema: { params: ById, body: Reasoned } },
    async (request, reply) => {
      const { person } = desk.sessionOf(request);
      const { reason } = request.body;
      const id = Number(request.params.id);
      const made = await endSuppression(database, { id, by: person.name, reason, nowMs: now() });
      audit.append({
        kind: 'suppression-ended',
        by: person.name,
        body: { suppression: id, reason },
      });
      return reply.code(201).send(suppressionView(made));
    },
  );
}

export function suppressionView(each: Suppression): SuppressionAnswer {
  const { createdMs, expiresMs, endedMs, ...rest } = each;
  return {
    ...rest,
    createdAt: iso(createdMs),
    expiresAt: iso(expiresMs),
    endedAt: endedMs === null ? null : iso(endedMs),
  };
}

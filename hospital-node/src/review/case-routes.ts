/**
 * Cases over HTTP: opened from a hold, changed with the version that was seen.
 * @module
 */
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import {
  CASE_KINDS,
  CASE_STATUSES,
  caseDetail,
  changeCase,
  listCases,
  openCase,
  suggestCases,
  type CaseChange,
  type CaseKind,
  type CaseStatus,
  type ReviewCase,
} from './cases.js';
import type { Case, CaseDetail, CaseList } from '../http/answers.js';
import { ById, closed, iso, Reason, TxId, type Desk } from './desk.js';
import { holdView } from './hold-view.js';

const oneOf = <T extends string>(words: readonly T[]): Type.TUnsafe<T> =>
  Type.Unsafe<T>(Type.Union(words.map((each) => Type.Literal(each))));
const expectedVersion = Type.Integer({ minimum: 1 });

const Listed = Type.Object({ closed: Type.Optional(Type.Literal('yes')) }, closed);
const Opened = Type.Object({ txId: TxId, by: oneOf<CaseKind>(CASE_KINDS), reason: Reason }, closed);
const Assigned = Type.Object(
  { expectedVersion, to: Type.Union([Type.String({ minLength: 1, maxLength: 64 }), Type.Null()]) },
  closed,
);
const Moved = Type.Object(
  { expectedVersion, status: oneOf<CaseStatus>(CASE_STATUSES), reason: Reason },
  closed,
);
const Noted = Type.Object(
  { expectedVersion, text: Type.String({ minLength: 1, maxLength: 2_000 }) },
  closed,
);
const Added = Type.Object(
  {
    expectedVersion,
    txIds: Type.Array(TxId, { minItems: 1, maxItems: 200, uniqueItems: true }),
    reason: Reason,
  },
  closed,
);

export function registerCaseRoutes(app: FastifyInstance, desk: Desk): void {
  const { mspId, review, now } = desk;
  const { database } = review;

  app.get<{ Querystring: Static<typeof Listed> }>(
    '/api/v1/cases',
    { schema: { querystring: Listed } },
    async ({ query }): Promise<CaseList> => ({
      items: (await listCases(database, { closed: query.closed === 'yes' })).map(caseView),
      suggestions: await suggestCases(database, mspId),
    }),
  );

  app.get<{ Params: Static<typeof ById> }>(
    '/api/v1/cases/:id',
    { schema: { params: ById } },
    async (request): Promise<CaseDetail> => {
      const { person } = desk.sessionOf(request);
      const { found, holds, steps } = await caseDetail(database, Number(request.params.id));
      const summaries = await Promise.all(holds.map((txId) => review.summary(txId)));
      return {
        ...caseView(found),
        items: summaries.map((hold) => holdView(hold, person, now())),
        history: steps.map(({ atMs, ...step }) => ({ ...step, at: iso(atMs) })),
      };
    },
  );

  app.post<{ Body: Static<typeof Opened> }>(
    '/api/v1/cases',
    { schema: { body: Opened } },
    async (request, reply) => {
      const { person } = desk.sessionOf(request);
      const opened = await openCase(database, {
        ...{ mspId, person: person.name, nowMs: now() },
        ...request.body,
      });
      log(person.name, opened, 'opened');
      return reply.code(201).send(caseView(opened));
    },
  );

  const changes = (noun: string, schema: object, changeOf: (body: never) => CaseChange): void => {
    app.post<{ Params: Static<typeof ById> }>(
      `/api/v1/cases/:id/${noun}`,
      { schema: { params: ById, body: schema } },
      async (request, reply) => {
        const { person } = desk.sessionOf(request);
        // The schema was checked, and it is the one that `changeOf` is written for.
        const change = changeOf(request.body as never);
        const { expectedVersion: seen } = request.body as { readonly expectedVersion: number };
        const changed = await changeCase(database, {
          ...{ mspId, id: Number(request.params.id), change },
          expectedVersion: seen,
          ...{ person: person.name, nowMs: now() },
        });
        log(person.name, changed, change.what);
        return reply.code(201).send(caseView(changed));
      },
    );
  };
  changes('assignments', Assigned, ({ to }: Static<typeof Assigned>) => ({ what: 'assigned', to }));
  changes('statuses', Moved, ({ status, reason }: Static<typeof Moved>) => ({
    ...{ what: 'status', status, reason },
  }));
  changes('notes', Noted, ({ text }: Static<typeof Noted>) => ({ what: 'noted', text }));
  changes('holds', Added, ({ txIds, reason }: Static<typeof Added>) => ({
    ...{ what: 'added', txIds, reason },
  }));

  function log(by: string, { id, version, status }: ReviewCase, what: string): void {
    desk.audit.append({ kind: 'case-changed', by, body: { case: id, version, status, what } });
  }
}

export function caseView({ openedMs, dueMs, ...rest }: ReviewCase): Case {
  return { ...rest, openedAt: iso(openedMs), dueAt: dueMs === null ? null : iso(dueMs) };
}

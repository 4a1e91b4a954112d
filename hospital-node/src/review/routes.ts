/**
 * The review API: queue, detail, and the steps. Handlers decode, call, encode.
 * @module
 */
import { FINDINGS, type Finding } from '@bhschain/chaincode-hooks/events';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import type { FabricIdentity } from '../fabric/identity.js';
import { requireFresh, type OpenSession } from '../http/door.js';
import type { HoldDetail as HoldDetailAnswer, HoldPage, Status } from '../http/answers.js';
import { alertRate } from './alert-budget.js';
import { BULK_MAX, takeBulk } from './bulk.js';
import { assignNext } from './assign-next.js';
import { caseView, registerCaseRoutes } from './case-routes.js';
import { caseWith } from './cases.js';
import { registerDayRoutes } from '../second-line/day-routes.js';
import type { SecondLine } from '../second-line/second-line.js';
import { createCursors } from './cursor.js';
import type { Decisions, StepCommand } from './decisions.js';
import { Reason, type Desk } from './desk.js';
import { registerDeskRoutes } from './desk-routes.js';
import { ReviewError } from './errors.js';
import { filterOf } from './hold-query.js';
import { holdDetailView, holdView } from './hold-view.js';
import { createIdempotency, type IdempotentCall } from './idempotency.js';
import { registerLiveEvents } from './live-events.js';
import { registerOfficerRoutes, type OfficerRouteOptions } from './officer-routes.js';
import type { Person } from './people.js';
import { reasonMissing, reviewErrorOf } from './problem.js';
import { countBreakGlass } from './review-counts.js';
import type { HoldDetail, ReviewStore } from './review-store.js';
import type { Session, Sessions } from './sessions.js';
import { registerSupervisorRoutes } from './supervisor-routes.js';
import { registerSuppressionRoutes, suppressionView } from './suppression-routes.js';
import { countDeferred, suppressionsOf } from './suppressions.js';

export interface RouteOptions {
  readonly hospital: string;
  readonly mspId: string;
  readonly review: ReviewStore;
  readonly sessions: Pick<Sessions, 'lives'>;
  readonly sessionOf: (request: FastifyRequest) => OpenSession;
  readonly cookieName: string;
  readonly decisions: Decisions;
  readonly now: () => number;
  /** A block's bytes as the ledger has them now. */
  readonly readBlock: (blockNumber: string) => Promise<Uint8Array>;
  /** Exports, evidence, names; null where there is nobody to give them to (no audit log, no directory). */
  readonly officer: Pick<OfficerRouteOptions, 'audit' | 'directory' | 'identity' | 'theta'> | null;
  /** Days of accounts; null where nobody ranks them. */
  readonly secondLine: SecondLine | null;
  /** Facts of the node for the page's head; read on every poll, so cheap. */
  readonly status: () => object;
}

const closed = { additionalProperties: false } as const;
const version = Type.Optional(Type.Integer({ minimum: 1 }));
const FindingName = Type.Unsafe<Finding>(
  Type.Union(FINDINGS.map((finding) => Type.Literal(finding))),
);
const Versioned = Type.Object({ expectedVersion: version }, closed);
const Reasoned = Type.Object({ expectedVersion: version, reason: Reason }, closed);
const Proposed = Type.Object(
  {
    expectedVersion: version,
    action: Type.Union([Type.Literal('release'), Type.Literal('reject')]),
    finding: FindingName,
    reason: Reason,
  },
  closed,
);
const filters = {
  state: Type.Optional(Type.String({ pattern: '^[a-z]+(,[a-z]+)*$', maxLength: 120 })),
  kind: Type.Optional(Type.String({ maxLength: 12 })),
  cause: Type.Optional(Type.String({ maxLength: 24 })),
  function: Type.Optional(Type.String({ pattern: '^[A-Za-z]{1,40}$' })),
  scoreFrom: Type.Optional(Type.String({ pattern: '^[0-9]{1,7}$' })),
  dueWithinMinutes: Type.Optional(Type.String({ pattern: '^[0-9]{1,6}$' })),
  holder: Type.Optional(Type.String({ maxLength: 8 })),
  needs: Type.Optional(Type.String({ maxLength: 8 })),
  deferred: Type.Optional(Type.String({ maxLength: 4 })),
  text: Type.Optional(Type.String({ minLength: 1, maxLength: 80 })),
};
const after = Type.Optional(Type.String({ maxLength: 80 }));
const Listed = Type.Object(
  { ...filters, after, limit: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,2}$' })) },
  closed,
);
const Exported = Type.Object(
  { ...filters, after, limit: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,5}$' })) },
  closed,
);
const ByTxId = Type.Object({ txid: Type.String({ pattern: '^[0-9a-f]{64}$' }) }, closed);

const ByHash = Type.Object({ hash: Type.String({ pattern: '^[0-9a-f]{64}$' }) }, closed);

const TxId = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Bulk = Type.Object(
  {
    step: Type.Union(
      (['claim', 'unclaim', 'propose', 'approve', 'return', 'escalate', 'close'] as const).map(
        (step) => Type.Literal(step),
      ),
    ),
    items: Type.Array(
      Type.Object({ txId: TxId, expectedVersion: Type.Integer({ minimum: 1 }) }, closed),
      { minItems: 1, maxItems: BULK_MAX },
    ),
    count: Type.Integer({ minimum: 1, maximum: BULK_MAX }),
    action: Type.Optional(Type.Union([Type.Literal('release'), Type.Literal('reject')])),
    finding: Type.Optional(FindingName),
    /** With every step but claim and unclaim. */
    reason: Type.Optional(Reason),
  },
  closed,
);
const Nothing = Type.Object({}, closed);
const LIMIT_MAX = 200;
const COUNT_UP_TO = 1_000;

type ById = FastifyRequest<{ Params: Static<typeof ByTxId> }>;

export function registerReviewRoutes(app: FastifyInstance, o: RouteOptions): void {
  const cursors = createCursors();
  const idempotency = createIdempotency(o.review.database);

  // The door has looked at session, role and page already (http/door.ts).
  const sessionOf = (request: FastifyRequest): Promise<OpenSession> =>
    Promise.resolve(o.sessionOf(request));
  const writer = sessionOf;

  /** The hold with what this hospital has laid around it. */
  const detailView = async (hold: HoldDetail, person: Person): Promise<HoldDetailAnswer> => {
    const inCase = await caseWith(o.review.database, hold.txId);
    const deferredBy = await suppressionsOf(o.review.database, hold.txId, o.now());
    return {
      ...holdDetailView(hold, person, o.now()),
      deferredBy: deferredBy.map(suppressionView),
      inCase: inCase === null ? null : caseView(inCase),
    };
  };
  const reviewFacts = async (): Promise<Status['review']> => ({
    ...(await o.review.counts(o.mspId)),
    deferred: await countDeferred(o.review.database, { mspId: o.mspId, nowMs: o.now() }),
    breakGlass: await countBreakGlass(o.review.database, o.mspId),
    rate:
      o.officer === null
        ? null
        : await alertRate(o.review.database, {
            ...{ mspId: o.mspId, theta: o.officer.theta },
            nowMs: o.now(),
          }),
  });

  app.get('/api/v1/status', async (request) => {
    await sessionOf(request);
    return { ...o.status(), review: await reviewFacts() };
  });

  app.get<{ Querystring: Static<typeof Listed> }>(
    '/api/v1/holds',
    { schema: { querystring: Listed } },
    async (request): Promise<HoldPage> => {
      const { person } = await sessionOf(request);
      const { after, limit: wanted, ...query } = request.query;
      const limit = Math.min(LIMIT_MAX, Number(wanted ?? 50));
      const filter = {
        mspId: o.mspId,
        ...filterOf(query, { actor: person.actor, nowMs: o.now() }),
      };
      // The cursor belongs to what was asked; "due within an hour" moves on while somebody pages.
      const asked = JSON.stringify(query);
      const rows = await o.review.list({
        ...filter,
        limit: limit + 1,
        after: after === undefined ? null : cursors.decode(after, asked),
      });
      const page = rows.slice(0, limit);
      const last = page.at(-1);
      return {
        items: page.map((hold) => holdView(hold, person, o.now())),
        next: rows.length > limit && last !== undefined ? cursors.encode(last, asked) : null,
        /** Counted no further than 1,000: then it means "1,000 or more". A later page has its first page's: null. */
        countUpTo:
          after !== undefined
            ? null
            : rows.length <= limit
              ? rows.length
              : await o.review.countUpTo(filter, COUNT_UP_TO),
      };
    },
  );
  app.get('/api/v1/holds/:txid', { schema: { params: ByTxId } }, async (request: ById, reply) => {
    const { person } = await sessionOf(request);
    const hold = await o.review.detail(request.params.txid);
    const etag = etagOf(hold);
    // The version is the ledger's; what this hospital lays around it changes without one, so no browser keeps a copy.
    reply.header('etag', etag).header('cache-control', 'no-store');
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
    return detailView(hold, person);
  });

  // What a reader needs to prove a hold for herself; nothing in it is this node's word.
  app.get(
    '/api/v1/holds/:txid/block',
    { schema: { params: ByTxId } },
    async (request: ById, reply) => {
      await sessionOf(request);
      const block = await o.review.blockOf(request.params.txid);
      let bytes: Uint8Array;
      try {
        bytes = await o.readBlock(block);
      } catch (error) {
        throw reviewErrorOf(error);
      }
      return reply.type('application/octet-stream').send(Buffer.from(bytes));
    },
  );
  app.get<{ Params: Static<typeof ByHash> }>(
    '/api/v1/detector-blobs/:hash',
    { schema: { params: ByHash } },
    async (request, reply) => {
      await sessionOf(request);
      const bytes = await o.review.detectorBlob(request.params.hash);
      if (bytes === null) {
        throw new ReviewError('ERR_NOT_FOUND', 'No detector or table of this hash is known here.');
      }
      return reply
        .type('application/octet-stream')
        .header('cache-control', 'private, max-age=31536000, immutable')
        .send(Buffer.from(bytes));
    },
  );

  const signer = async (
    request: FastifyRequest,
  ): Promise<Session & { readonly identity: FabricIdentity }> => {
    const session = await writer(request);
    const { identity } = session;
    if (identity === null) {
      throw new ReviewError(
        'ERR_SESSION_LOCKED',
        'Your signing key is locked. Unlock it with its password to sign this step.',
      );
    }
    return { ...session, identity };
  };
  const step = async (
    request: FastifyRequest,
    reply: FastifyReply,
    command: StepCommand,
  ): Promise<unknown> => {
    const session = await signer(request);
    const { txid } = request.params as Static<typeof ByTxId>;
    const { identity, person } = session;
    const expectedVersion = expectedVersionOf(request);
    const answer = await idempotency.once(callOf(request, person.name, o.now()), async () => {
      const hold = await o.decisions.take({ txId: txid, expectedVersion, command, identity });
      const body = { ...(await detailView(hold, person)), stepTxId: hold.stepTxId };
      return { status: 201, etag: etagOf(hold), body };
    });
    if (answer.etag !== null) reply.header('etag', answer.etag);
    reply.code(answer.status);
    return answer.body;
  };
  const versioned = { schema: { params: ByTxId, body: Versioned } };
  for (const [noun, name] of [
    ['claims', 'claim'],
    ['unclaims', 'unclaim'],
  ] as const) {
    app.post(`/api/v1/holds/:txid/${noun}`, versioned, (request, reply) =>
      step(request, reply, { step: name }),
    );
  }
  for (const [noun, name] of [
    ['approvals', 'approve'],
    ['returns', 'return'],
    ['escalations', 'escalate'],
    ['appeals', 'appeal'],
    ['closings', 'close'],
  ] as const) {
    app.post<{ Body: Static<typeof Reasoned> }>(
      `/api/v1/holds/:txid/${noun}`,
      { schema: { params: ByTxId, body: Reasoned } },
      (request, reply) => step(request, reply, { step: name, reason: request.body.reason }),
    );
  }
  app.post<{ Body: Static<typeof Proposed> }>(
    '/api/v1/holds/:txid/proposals',
    { schema: { params: ByTxId, body: Proposed } },
    (request, reply) => {
      const { action, finding, reason } = request.body;
      return step(request, reply, { step: 'propose', action, finding, reason });
    },
  );

  app.post<{ Body: Static<typeof Bulk> }>(
    '/api/v1/bulk',
    { schema: { body: Bulk } },
    async (request) => {
      const session = await signer(request);
      const { items, count } = request.body;
      const command = commandOf(request.body);
      if (command.step === 'approve') requireFresh(session, o.now());
      const answer = await idempotency.once(
        callOf(request, session.person.name, o.now()),
        async () => ({
          status: 200,
          etag: null,
          body: await takeBulk(o.decisions, {
            items,
            count,
            command,
            identity: session.identity,
          }),
        }),
      );
      return answer.body;
    },
  );

  app.post('/api/v1/assignments', { schema: { body: Nothing } }, async (request, reply) => {
    const { identity, person } = await signer(request);
    const taken = await assignNext(o, { identity, person });
    if (taken === null) {
      throw new ReviewError('ERR_NOT_FOUND', 'Nothing waits that nobody works on.');
    }
    return reply
      .code(201)
      .header('etag', etagOf(taken))
      .send(await detailView(taken, person));
  });

  if (o.officer !== null) {
    const { hospital, mspId, review, readBlock, now } = o;
    const desk: Desk = { mspId, review, now, sessionOf: o.sessionOf, ...o.officer };
    registerDeskRoutes(app, desk);
    registerCaseRoutes(app, desk);
    registerSuppressionRoutes(app, desk);
    registerSupervisorRoutes(app, desk);
    if (o.secondLine !== null) registerDayRoutes(app, { ...desk, secondLine: o.secondLine });
    registerOfficerRoutes(app, {
      ...{ hospital, mspId, review, readBlock, now },
      ...o.officer,
      reader: sessionOf,
      writer,
      cursors,
      exported: Exported,
      byTxId: ByTxId,
    });
  }
  registerLiveEvents(app, {
    review: o.review,
    mspId: o.mspId,
    status: async () => ({ ...o.status(), review: await reviewFacts() }),
    daysVersion: () => o.secondLine?.version() ?? 0,
    requireSession: sessionOf,
    stillSignedIn: (request) => {
      const id = request.cookies[o.cookieName];
      return id === undefined ? Promise.resolve(false) : o.sessions.lives(id, o.now());
    },
  });
}

/** @throws {ReviewError} `ERR_REQUEST` if the key is no short text */
function callOf(request: FastifyRequest, person: string, nowMs: number): IdempotentCall {
  const key = request.headers['idempotency-key'] ?? null;
  if (key !== null && (typeof key !== 'string' || !/^[\w-]{8,80}$/.test(key))) {
    throw new ReviewError(
      'ERR_REQUEST',
      'Idempotency-Key: expected 8 to 80 of A–Z, a–z, 0–9, _, -',
    );
  }
  const text = `${request.method} ${request.url} ${request.headers['if-match'] ?? ''} ${JSON.stringify(request.body)}`;
  return { person, key, request: text, nowMs };
}

function commandOf(body: Static<typeof Bulk>): StepCommand {
  const { step, action, finding, reason } = body;
  if (step === 'claim' || step === 'unclaim') return { step };
  if (reason === undefined) throw reasonMissing();
  if (step !== 'propose') return { step, reason };
  if (action === undefined || finding === undefined) {
    throw new ReviewError('ERR_REQUEST', 'propose: expected action and finding');
  }
  return { step, action, finding, reason };
}

function expectedVersionOf(request: FastifyRequest): number {
  const body = request.body as { expectedVersion?: number };
  if (body.expectedVersion !== undefined) return body.expectedVersion;
  const match = /^"[0-9a-f]{64}\.(\d{1,9})"$/.exec(request.headers['if-match'] ?? '');
  if (match === null) {
    throw new ReviewError(
      'ERR_IF_MATCH',
      'Say which version you saw: expectedVersion in the body, or the ETag in If-Match.',
    );
  }
  return Number(match[1]);
}

function etagOf(hold: { readonly txId: string; readonly version: number }): string {
  return `"${hold.txId}.${hold.version}"`;
}

/**
 * What the dashboard reads, as JSON under `/api/v1`. Nothing of it needs a sign-in, and none of it is a hospital's.
 * @module
 */
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { OrchestratorError } from '../errors.js';
import { historyColumns, plottable, type ResolutionName } from '../metrics-history.js';
import { slotAt, slotStartMs } from '../round/calendar.js';
import { nodesIn } from '../round/round.js';
import { statusOf } from '../status.js';
import type { FederationStore, Review, StoredRound } from '../store/store.js';
import { quarantinedIn } from '../update-review.js';
import type { DashboardOptions } from './dashboard-options.js';
import { modelViews, rollbackView } from './lineage-view.js';
import { nodeViews, privacyView, requestViews } from './member-view.js';
import { planView } from './plan-view.js';
import { reviewView, roundPage, timelineRound } from './round-view.js';
import { waitsOf, type Wait } from './waits.js';

const TIMELINE_ROUNDS = 24;
const AUDIT_PAGE = 100;
const ROSTER_VOTES = 100;
const COUNT = Type.String({ pattern: '^\\d{1,15}$' });
const RoundParameters = Type.Object({ slot: COUNT, attempt: Type.String({ pattern: '^[12]$' }) });
const HistoryQuery = Type.Object(
  { resolution: Type.Union([Type.Literal('fine'), Type.Literal('coarse')]) },
  { additionalProperties: false },
);
const AuditQuery = Type.Object({ before: Type.Optional(COUNT) }, { additionalProperties: false });

export function registerDashboard(app: FastifyInstance, o: DashboardOptions): void {
  const { store, federation } = o;

  app.get('/api/v1/overview', async () => {
    const nowMs = o.nowMs();
    const { slotLengthMs } = federation.policy;
    return {
      ...(await statusOf({ federation, store, nowMs, waiting: o.channelError() })),
      nextSlotAtMs: slotStartMs(slotAt(nowMs, slotLengthMs) + 1, slotLengthMs),
      waits: await waits(o),
    };
  });

  app.get('/api/v1/timeline', async () => {
    const newest = await store.rounds.newest({ limit: TIMELINE_ROUNDS });
    return {
      nowMs: o.nowMs(),
      rounds: await Promise.all(
        newest.map(async ({ round }) => timelineRound(round, await store.rounds.events(round.id))),
      ),
    };
  });

  app.get<{ Params: Static<typeof RoundParameters> }>(
    '/api/v1/rounds/:slot/:attempt',
    { schema: { params: RoundParameters } },
    async ({ params }) => {
      const key = { slotIndex: Number(params.slot), attempt: Number(params.attempt) };
      const { federationId } = federation;
      const page = await roundPage({ store, federationId, trustedSigners: o.trustedSigners }, key);
      if (page !== null) return page;
      throw new OrchestratorError(
        'ERR_HTTP_NOT_FOUND',
        `round: expected one on record, got slot ${params.slot}, attempt ${params.attempt}`,
      );
    },
  );

  app.get('/api/v1/nodes', async () => ({
    nowMs: o.nowMs(),
    nodes: await nodeViews(o),
    votes: await store.votes.newest('nodes', ROSTER_VOTES),
  }));
  app.get('/api/v1/privacy', () => privacyView(store, federation.plan.privacy));
  app.get('/api/v1/models', () => modelViews(store, federation.policy.slotLengthMs));
  app.get('/api/v1/rollback', () => rollbackView(o));
  app.get('/api/v1/enrolments', () => requestViews(store, o.nowMs()));
  app.get('/api/v1/updates', () => updates(store));

  app.get<{ Querystring: Static<typeof AuditQuery> }>(
    '/api/v1/audit',
    { schema: { querystring: AuditQuery } },
    ({ query }) =>
      store.audit.newest({
        before: query.before === undefined ? Number.MAX_SAFE_INTEGER : Number(query.before),
        limit: AUDIT_PAGE,
      }),
  );

  app.get('/api/v1/plan', () => planView(o));

  app.get('/api/v1/metrics', async () => {
    await o.refresh();
    const metrics = await plottable(o.registry);
    return { nowMs: o.nowMs(), metrics };
  });

  app.get<{ Querystring: { resolution: ResolutionName } }>(
    '/api/v1/metrics/history',
    { schema: { querystring: HistoryQuery } },
    ({ query }) => historyColumns(store, query.resolution, o.nowMs()),
  );
}

async function waits(o: DashboardOptions): Promise<readonly Wait[]> {
  const { store, federation, attestations, attestMaxMs } = o;
  const open = await store.rounds.findOpen();
  return waitsOf({
    nowMs: o.nowMs(),
    policy: federation.policy,
    paused: (await store.fact('paused')) === 'true',
    open:
      open === null
        ? null
        : { round: open.round, events: await store.rounds.events(open.round.id) },
    reviews: open === null ? new Map() : await reviewsOf(store, open),
    publications: await store.publications.list({ states: ['queued', 'built', 'proposed'] }),
    channelError: o.channelError(),
    attestations,
    attestMaxMs,
    nodes: await store.roster.list(),
    requests: await store.enrolment.requests(),
  });
}

async function reviewsOf(
  store: FederationStore,
  { round }: StoredRound,
): Promise<ReadonlyMap<string, readonly Review[]>> {
  const reviews = new Map<string, readonly Review[]>();
  for (const nodeId of nodesIn(round, 'quarantined')) {
    reviews.set(nodeId, await store.reviews.list(round.id, nodeId));
  }
  return reviews;
}

/** Updates that wait for people, and those of the last rounds that were set aside. */
async function updates(store: FederationStore): Promise<object> {
  const open = await store.rounds.findOpen();
  const recent = await store.rounds.newest({ limit: 100 });
  const reviews =
    open === null ? new Map<string, readonly Review[]>() : await reviewsOf(store, open);
  return {
    waiting:
      open?.round.phase !== 'collecting'
        ? []
        : quarantinedIn(open.round).map((each) => ({
            ...each,
            slotIndex: open.round.id.slotIndex,
            attempt: open.round.id.attempt,
            deadlineMs: open.round.timers.grace ?? open.round.timers.deadline ?? null,
            reviews: (reviews.get(each.nodeId) ?? []).map(reviewView),
          })),
    setAside: recent
      .filter(({ round }) => round.phase !== 'collecting')
      .flatMap(({ round }) =>
        Object.entries(round.members)
          .filter(([, { state }]) => state === 'quarantined' || state === 'rejected')
          .map(([nodeId, { state, reason, update }]) => ({
            nodeId,
            state,
            reason,
            update,
            slotIndex: round.id.slotIndex,
            attempt: round.id.attempt,
          })),
      ),
  };
}

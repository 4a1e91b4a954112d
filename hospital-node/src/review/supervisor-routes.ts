/**
 * The supervisor's routes: how the review does, and what another alert budget would have meant. A proposal is a sheet of
 * paper with figures: θ and α stay what they are until the federation calibrates and votes on the ledger.
 * @module
 */
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { addBudgetProposal, alertBudget, budgetProposals } from './alert-budget.js';
import type { AlertBudget, BudgetProposal, ReviewHealth } from '../http/answers.js';
import { closed, iso, Reason, type Desk } from './desk.js';
import { ReviewError } from './errors.js';
import { reviewHealth } from './supervisor.js';

const RE_IDENTIFICATIONS_SHOWN = 50;

/** As officer-routes.ts writes it into the audit log. */
type ReIdentified = Pick<ReviewHealth['reIdentifications'][number], 'hold' | 'actor' | 'reason'>;

const Asked = Type.Object(
  { alphaPpm: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,5}$' })) },
  closed,
);
const Proposed = Type.Object(
  { alphaPpm: Type.Integer({ minimum: 100, maximum: 500_000 }), reason: Reason },
  closed,
);

export function registerSupervisorRoutes(app: FastifyInstance, desk: Desk): void {
  const { database } = desk.review;
  const budgetAt = (alphaPpm: number | null): Promise<AlertBudget> =>
    alertBudget(database, {
      ...{ mspId: desk.mspId, theta: desk.theta, alphaPpm },
      nowMs: desk.now(),
    });

  app.get('/api/v1/supervisor', async (): Promise<ReviewHealth> => ({
    ...(await reviewHealth(database, { mspId: desk.mspId, nowMs: desk.now() })),
    reIdentifications: desk.audit
      .newest('re-identified', RE_IDENTIFICATIONS_SHOWN)
      .map(({ at, by, body }) => ({
        ...{ at, by },
        ...(body as unknown as ReIdentified),
      })),
  }));

  app.get<{ Querystring: Static<typeof Asked> }>(
    '/api/v1/alert-budget',
    { schema: { querystring: Asked } },
    async (request): Promise<AlertBudget> => {
      const asked = request.query.alphaPpm === undefined ? null : Number(request.query.alphaPpm);
      if (asked !== null && (asked < 100 || asked > 500_000)) {
        throw new ReviewError('ERR_REQUEST', `alphaPpm: expected 100 … 500000, got ${asked}`);
      }
      return budgetAt(asked);
    },
  );

  app.get(
    '/api/v1/alert-budget/proposals',
    async (): Promise<{ items: readonly BudgetProposal[] }> => ({
      items: await budgetProposals(database),
    }),
  );

  app.post<{ Body: Static<typeof Proposed> }>(
    '/api/v1/alert-budget/proposals',
    { schema: { body: Proposed } },
    async (request, reply) => {
      const { person } = desk.sessionOf(request);
      const { alphaPpm, reason } = request.body;
      const { options } = await budgetAt(alphaPpm);
      const option = options.find((each) => each.alphaPpm === alphaPpm)!;
      const { holdsPerDay, missedCount, found } = option;
      desk.audit.append({
        kind: 'alert-budget-proposed',
        by: person.name,
        body: { alphaPpm, reason, holdsPerDay: Math.round(holdsPerDay), missed: missedCount },
      });
      const proposal = {
        ...{ alphaPpm, reason, owner: person.name, atMs: desk.now() },
        figures: { holdsPerDay, missedCount, found },
      };
      const id = await addBudgetProposal(database, proposal);
      const { atMs, ...rest } = proposal;
      return reply.code(201).send({ id, ...rest, at: iso(atMs) });
    },
  );
}

/**
 * What an operator who has signed in may do, each by the same code as the verb of the command line. Who may, and that a
 * request comes from our own page, the door has looked at.
 * @module
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import { EnrolmentDesk } from '../enrolment/desk.js';
import { setPaused } from '../pause.js';
import type { OperatorSession } from '../store/store.js';
import { registerSignedWords } from './signed-words.js';
import type { DashboardOptions } from './dashboard-options.js';

const closed = { additionalProperties: false };
const text = (maxLength: number): ReturnType<typeof Type.String> =>
  Type.String({ minLength: 1, maxLength });
const Request = Type.Object({ requestId: text(64) });
const Approval = Type.Object({ fingerprint: text(64) }, closed);
const Refusal = Type.Object({ reason: text(1_000) }, closed);
const Pause = Type.Object({ paused: Type.Boolean() }, closed);

export function registerActions(
  app: FastifyInstance,
  o: DashboardOptions,
  sessionOf: (request: FastifyRequest) => OperatorSession,
): void {
  const { store, nowMs } = o;
  const desk = new EnrolmentDesk({ ...o, federationId: o.federation.federationId });

  registerSignedWords(app, o);

  app.post<{ Params: Static<typeof Request>; Body: Static<typeof Approval> }>(
    '/api/v1/enrolments/:requestId/approvals',
    { schema: { params: Request, body: Approval } },
    async (request) => {
      const { name } = sessionOf(request);
      const { requestId } = request.params;
      const { fingerprint } = request.body;
      const { nodeId } = await desk.approve({ requestId, fingerprint, by: name });
      return { nodeId, state: 'approved' };
    },
  );

  app.post<{ Params: Static<typeof Request>; Body: Static<typeof Refusal> }>(
    '/api/v1/enrolments/:requestId/refusals',
    { schema: { params: Request, body: Refusal } },
    async (request) => {
      const { name } = sessionOf(request);
      const { requestId } = request.params;
      await desk.refuse({ requestId, reason: request.body.reason, by: name });
      return { state: 'refused' };
    },
  );

  app.post<{ Body: Static<typeof Pause> }>(
    '/api/v1/pause',
    { schema: { body: Pause } },
    async (request) => {
      const { name } = sessionOf(request);
      const { paused } = request.body;
      await setPaused(store, { paused, by: name, nowMs: nowMs() });
      return { paused };
    },
  );
}

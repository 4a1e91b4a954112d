/**
 * The listed days over HTTP. Ranking proposes; what becomes of a day a person decides, with a reason: nothing, or a review of
 * a committed call, which two people then decide like any hold.
 * @module
 */
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { codeOf } from '../errors.js';
import type { ListedDayAnswer, ListedDayDetailAnswer, ListedDaysAnswer } from '../http/answers.js';
import { ById, closed, iso, Reason, TxId, type Desk } from '../review/desk.js';
import { ReviewError } from '../review/errors.js';
import { reviewErrorOf } from '../review/problem.js';
import { pseudonymOf } from '../review/review-store.js';
import { sentenceOf } from './day-finding.js';
import {
  addDisposition,
  callOfDay,
  callsOfDay,
  dateOf,
  dayById,
  listDays,
  reportOfCall,
  secondLineFacts,
  type ListedDay,
} from './day-list.js';
import { DAY_MS } from './day-log.js';
import { reportCall } from './report.js';
import type { SecondLine } from './second-line.js';

const Asked = Type.Object(
  {
    show: Type.Optional(Type.Union([Type.Literal('waiting'), Type.Literal('looked-at')])),
    after: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,8}$' })),
  },
  closed,
);
const Disposed = Type.Object(
  {
    kind: Type.Union([Type.Literal('nothing'), Type.Literal('review')]),
    reason: Reason,
    /** Of `review`: the call that is to be reviewed. */
    txId: Type.Optional(TxId),
  },
  closed,
);
const PAGE = 50;

export function registerDayRoutes(
  app: FastifyInstance,
  desk: Desk & { readonly secondLine: SecondLine },
): void {
  const { secondLine } = desk;
  const { database } = secondLine;

  app.get<{ Querystring: Static<typeof Asked> }>(
    '/api/v1/days',
    { schema: { querystring: Asked } },
    async ({ query }): Promise<ListedDaysAnswer> => {
      const before = query.after === undefined ? null : await found(Number(query.after));
      const rows = await listDays(database, {
        waiting: query.show !== 'looked-at',
        after: before,
        limit: PAGE + 1,
      });
      const { newest, waiting } = await secondLineFacts(database);
      const page = rows.slice(0, PAGE);
      return {
        items: page.map(viewOf),
        next: rows.length > PAGE ? String(page.at(-1)!.id) : null,
        waiting,
        daysPerDay: secondLine.daysPerDay,
        newest:
          newest === null
            ? null
            : {
                ...{ date: dateOf(newest.day), throughAt: iso(newest.throughMs) },
                ...{ accounts: newest.cases, listed: newest.kept, alphaPpm: newest.alphaPpm },
                ...{ calibrationDays: newest.calibrationDays, missing: newest.missing },
              },
      };
    },
  );

  app.get<{ Params: Static<typeof ById> }>(
    '/api/v1/days/:id',
    { schema: { params: ById } },
    async ({ params }) => detailOf(await found(Number(params.id))),
  );

  app.post<{ Params: Static<typeof ById>; Body: Static<typeof Disposed> }>(
    '/api/v1/days/:id/dispositions',
    { schema: { params: ById, body: Disposed } },
    async (request, reply) => {
      const { person } = desk.sessionOf(request);
      const listed = await found(Number(request.params.id));
      const { kind, reason, txId } = request.body;
      if ((kind === 'review') !== (txId !== undefined)) {
        throw new ReviewError('ERR_REQUEST', 'txId: expected for a review, and only there');
      }
      const asked = txId === undefined ? null : await review(listed, txId, reason);
      desk.audit.append({
        kind: asked?.isNew === true ? 'call-reported' : 'day-looked-at',
        by: person.name,
        body: { rankedDay: listed.id, ...(txId === undefined ? {} : { txId }) },
      });
      await addDisposition(database, {
        ...{ ranked_day: listed.id, kind, reason, by_name: person.name, at_ms: desk.now() },
        ...{ tx_id: txId ?? null, report_tx_id: asked?.reportTxId ?? null },
      });
      await secondLine.changed();
      return reply.code(201).send(await detailOf(await found(listed.id)));
    },
  );

  /**
   * Only calls of this very day can be reported from here. One that is in review already is referred to and not reported
   * again: the report may be this very one, when the node ended between the ledger's answer and its own store.
   */
  async function review(
    listed: ListedDay,
    txId: string,
    reason: string,
  ): Promise<{ readonly reportTxId: string | null; readonly isNew: boolean }> {
    const ledgerActor = secondLine.ledgerActorOf(listed.actor);
    const call =
      ledgerActor === null
        ? null
        : await callOfDay(database, { ledgerActor, day: listed.day, txId });
    if (call === null) {
      throw new ReviewError('ERR_REQUEST', 'txId: expected a call of this account on this day');
    }
    if (call.held) {
      throw new ReviewError(
        'ERR_REQUEST',
        `txId: expected a call that ran; this one is held${call.hold === null ? '' : ` as ${call.hold}`}`,
      );
    }
    if (listed.dispositions.some((each) => each.tx_id === txId)) {
      throw new ReviewError('ERR_REQUEST', 'txId: expected a call that this day does not name yet');
    }
    if (call.hold !== null) return { reportTxId: await reportOfCall(database, txId), isNew: false };
    try {
      const { reportTxId } = await reportCall(txId, {
        fabric: secondLine.fabric,
        mspId: desk.mspId,
        reason,
        keepReason: (text) => desk.review.keepReason(text),
      });
      return { reportTxId, isNew: true };
    } catch (error) {
      if (codeOf(error) === 'ERR_REPORT') {
        throw new ReviewError('ERR_REQUEST', (error as Error).message, {}, error);
      }
      throw reviewErrorOf(error);
    }
  }

  async function found(id: number): Promise<ListedDay> {
    const listed = await dayById(database, id);
    if (listed === null) throw new ReviewError('ERR_NOT_FOUND', 'No listed day has this number.');
    return listed;
  }

  function viewOf(listed: ListedDay): ListedDayAnswer {
    const ledgerActor = secondLine.ledgerActorOf(listed.actor);
    const { id, role, place, cases, evidence, calibrationCases, calibrationDays } = listed;
    return {
      ...{ id, role, place, accounts: cases, evidence, calibrationCases, calibrationDays },
      date: dateOf(listed.day),
      actor: ledgerActor === null ? `L-${listed.actor.slice(0, 6)}` : pseudonymOf(ledgerActor),
      isOnLedger: ledgerActor !== null,
      asStrange: listed.asStrange,
      isOver: listed.isOver,
      isKept: listed.isKept,
      reasons: listed.findings.map(sentenceOf),
      dispositions: listed.dispositions.map((each) => ({
        ...{ kind: each.kind, reason: each.reason, by: each.by_name, at: iso(each.at_ms) },
        ...{ txId: each.tx_id, reportTxId: each.report_tx_id },
      })),
    };
  }

  async function detailOf(listed: ListedDay): Promise<ListedDayDetailAnswer> {
    const ledgerActor = secondLine.ledgerActorOf(listed.actor);
    const { calls, inAll } =
      ledgerActor === null
        ? { calls: [], inAll: 0 }
        : await callsOfDay(database, { ledgerActor, day: listed.day });
    return {
      ...viewOf(listed),
      findings: listed.findings,
      fromAt: iso(listed.day * DAY_MS),
      toAt: iso((listed.day + 1) * DAY_MS),
      calls: calls.map(({ atMs, ...call }) => ({ ...call, at: iso(atMs) })),
      callsInAll: inAll,
    };
  }
}

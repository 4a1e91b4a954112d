/**
 * What goes beyond deciding: exports, evidence files, the name behind a pseudonym. Each is written into the node's audit
 * log before it is answered; evidence and names are the privacy officer's.
 * @module
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import type { AuditLog } from '../audit/audit-log.js';
import type { FabricIdentity } from '../fabric/identity.js';
import type { Cursors } from './cursor.js';
import { closed, Reason } from './desk.js';
import { ReviewError } from './errors.js';
import { bundlePage, makeBundle } from './evidence-bundle.js';
import { EXPORT_FORMATS, EXPORTERS, type ExportFormat } from './exports.js';
import { EXPORT_MAX, exportPart } from './hold-export.js';
import { filterOf, type HoldQueryText } from './hold-query.js';
import { reviewErrorOf } from './problem.js';
import type { Directory } from './re-identification.js';
import type { ReviewStore } from './review-store.js';
import type { Session } from './sessions.js';

export interface OfficerRouteOptions {
  readonly hospital: string;
  readonly mspId: string;
  readonly theta: number;
  readonly review: ReviewStore;
  readonly readBlock: (blockNumber: string) => Promise<Uint8Array>;
  readonly identity: FabricIdentity;
  readonly directory: Directory;
  readonly audit: Pick<AuditLog, 'append' | 'newest'>;
  readonly now: () => number;
  readonly reader: (request: FastifyRequest) => Promise<Session>;
  readonly writer: (request: FastifyRequest) => Promise<Session>;
  readonly cursors: Cursors;
  /** Of an export: the filters of the queue, and which part of it. */
  readonly exported: object;
  readonly byTxId: object;
}

const Reasoned = Type.Object({ reason: Reason }, closed);

interface ExportQuery extends HoldQueryText {
  readonly after?: string;
  readonly limit?: string;
}
type ById = FastifyRequest<{ Params: { txid: string } }>;

export function registerOfficerRoutes(app: FastifyInstance, o: OfficerRouteOptions): void {
  const officer = async (
    request: FastifyRequest,
    door: OfficerRouteOptions['reader'],
  ): Promise<Session> => {
    const session = await door(request);
    if (session.person.role !== 'privacy-officer') {
      throw new ReviewError('ERR_FORBIDDEN', 'This is for the role privacy-officer.');
    }
    return session;
  };

  app.get<{ Params: { format: string }; Querystring: ExportQuery }>(
    '/api/v1/exports/:format',
    { schema: { querystring: o.exported } },
    async (request, reply) => {
      const { person } = await o.reader(request);
      const { format } = request.params;
      if (!isFormat(format)) {
        throw new ReviewError(
          'ERR_REQUEST',
          `format: expected ${EXPORT_FORMATS.join(', ')}, got ${format}`,
        );
      }
      const { after, limit, ...query } = request.query;
      const asked = JSON.stringify({ format, ...query });
      const { lines, next } = await exportPart(o.review, {
        format,
        filter: { mspId: o.mspId, ...filterOf(query, { actor: person.actor, nowMs: o.now() }) },
        context: { hospital: o.hospital, theta: o.theta },
        limit: Math.min(EXPORT_MAX, Number(limit ?? EXPORT_MAX)),
        after: after === undefined ? null : o.cursors.decode(after, asked),
      });
      o.audit.append({
        kind: 'exported',
        by: person.name,
        body: {
          ...{ format, holds: lines.length, complete: next === null },
          query: JSON.stringify(request.query),
        },
      });
      const { mediaType, head, suffix } = EXPORTERS[format];
      if (next !== null) {
        const rest = new URLSearchParams({
          ...request.query,
          after: o.cursors.encode(next, asked),
        });
        reply.header('link', `</api/v1/exports/${format}?${rest.toString()}>; rel="next"`);
      }
      // Whoever saved it by hand sees no header; the name says that there is more.
      const name = next === null ? 'holds' : 'holds-incomplete';
      return reply
        .type(mediaType)
        .header('content-disposition', `attachment; filename="${name}.${suffix}"`)
        .header('cache-control', 'no-store')
        .send(head + lines.join(''));
    },
  );

  for (const kind of ['json', 'html'] as const) {
    app.get(
      `/api/v1/holds/:txid/evidence.${kind}`,
      { schema: { params: o.byTxId } },
      async (request: ById, reply) => {
        const { person } = await officer(request, o.reader);
        const { txid } = request.params;
        const { review, readBlock, identity } = o;
        const bundle = await makeBundle({
          ...{ review, readBlock, identity, txId: txid },
          by: person.name,
          nowMs: o.now(),
        }).catch((error: unknown) => {
          throw reviewErrorOf(error);
        });
        const { claim } = bundle.content;
        o.audit.append({
          kind: 'exported',
          by: person.name,
          body: { format: `evidence-${kind}`, hold: claim.id, sha256: bundle.contentSha256 },
        });
        return reply
          .type(kind === 'json' ? 'application/json' : 'text/html; charset=utf-8')
          .header('content-disposition', `attachment; filename="${claim.id}.evidence.${kind}"`)
          .header('cache-control', 'no-store')
          .send(
            kind === 'json'
              ? JSON.stringify(bundle)
              : bundlePage(bundle, await review.detail(txid)),
          );
      },
    );
  }

  app.post<{ Params: { txid: string }; Body: Static<typeof Reasoned> }>(
    '/api/v1/holds/:txid/re-identifications',
    { schema: { params: o.byTxId, body: Reasoned } },
    async (request, reply) => {
      const { person } = await officer(request, o.writer);
      const hold = await o.review.detail(request.params.txid);
      const name = await o.directory.nameOf(hold.actorId);
      if (name === null) {
        throw new ReviewError(
          'ERR_NOT_FOUND',
          `${hold.actor} is not in the directory of this hospital.`,
        );
      }
      // Written down first: a name that was shown without a record is the one thing that must not happen.
      o.audit.append({
        kind: 're-identified',
        by: person.name,
        body: { hold: hold.id, actor: hold.actor, reason: request.body.reason },
      });
      return reply.code(201).header('cache-control', 'no-store').send({ actor: hold.actor, name });
    },
  );
}

function isFormat(format: string): format is ExportFormat {
  return (EXPORT_FORMATS as readonly string[]).includes(format);
}

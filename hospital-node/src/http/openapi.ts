/**
 * The API described by itself: OpenAPI 3.1 at `/api/v1/openapi.json`, made from the schemas that check the requests. A
 * route without a sentence here does not start, so the description cannot fall behind.
 * @module
 */
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';

const SENTENCES: Readonly<Record<string, string>> = {
  'GET /api/v1/about': 'Which hospital this is, and whether somebody is signed in',
  'POST /api/v1/session': 'Sign in with a local account',
  'GET /api/v1/session': 'Who is signed in, and the token that every change needs',
  'DELETE /api/v1/session': 'Sign out',
  'GET /api/v1/status': 'Facts of node, ledger and review',
  'GET /api/v1/events': 'What changed, as server-sent events; Last-Event-ID resumes',
  'GET /api/v1/holds': 'A page of the queue, due first, by keyset',
  'GET /api/v1/holds/:txid': 'One hold with explanation, history and precedents; ETag',
  'GET /api/v1/holds/:txid/block': 'The bytes of its block, read from the ledger now',
  'GET /api/v1/detector-blobs/:hash': 'A detector or a calibration table by the hash of its bytes',
  'POST /api/v1/holds/:txid/claims': 'Take it into work',
  'POST /api/v1/holds/:txid/unclaims': 'Give it back',
  'POST /api/v1/holds/:txid/proposals': 'Propose release or rejection, with finding and reason',
  'POST /api/v1/holds/:txid/approvals': 'Approve what somebody else proposed',
  'POST /api/v1/holds/:txid/returns': 'Send a proposal back, with a reason',
  'POST /api/v1/holds/:txid/escalations': 'Escalate what is overdue',
  'POST /api/v1/bulk': 'One step for exactly the named holds, one transaction each',
  'GET /api/v1/exports/:format': 'Holds as csv, ocsf or cef; recorded',
  'GET /api/v1/holds/:txid/evidence.json': 'Signed evidence file, for `bhs-node evidence verify`',
  'GET /api/v1/holds/:txid/evidence.html': 'The same to read',
  'POST /api/v1/holds/:txid/re-identifications': 'The name behind a pseudonym; recorded first',
};

const PROBLEM = {
  description: 'A refusal (RFC 9457); `code` is stable',
  content: {
    'application/problem+json': {
      schema: {
        type: 'object',
        required: ['type', 'title', 'status', 'detail', 'code'],
        properties: {
          type: { type: 'string' },
          title: { type: 'string' },
          status: { type: 'integer' },
          detail: { type: 'string' },
          code: { type: 'string' },
        },
      },
    },
  },
} as const;

/** To be registered before the routes. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Hospital node',
        version: '1',
        description:
          'The review of held transactions in one hospital. Session by cookie; every change needs the header `x-csrf-token` and the version that was seen (`If-Match` or `expectedVersion`); `Idempotency-Key` makes a repeated change one change.',
      },
    },
    exposeHeadRoutes: false,
    transform: ({ schema, url, route }) => {
      const of = schema as Record<string, unknown> | undefined;
      if (!url.startsWith('/api/v1/') || of?.['hide'] === true)
        return { schema: { ...of, hide: true }, url };
      const sentence = SENTENCES[`${String(route.method)} ${url}`];
      if (sentence === undefined) {
        throw new TypeError(`${String(route.method)} ${url}: expected a sentence in openapi.ts`);
      }
      return {
        url,
        schema: {
          ...of,
          summary: sentence,
          response: { '2xx': { description: 'Done', type: 'object' }, default: PROBLEM },
        },
      };
    },
  });
  app.get('/api/v1/openapi.json', { schema: { hide: true } }, () => app.swagger());
}

/**
 * The API described by itself: OpenAPI 3.1 at `/api/v1/openapi.json`, made from the schemas that check the requests. A
 * route without a sentence here does not start, so the description cannot fall behind.
 * @module
 */
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { RIGHTS } from './rights.js';

const SENTENCES: Readonly<Record<string, string>> = {
  'GET /api/v1/about': 'Which hospital this is, and whether somebody is signed in',
  'POST /api/v1/session': 'Sign in with a local account',
  'GET /api/v1/session': 'Who is signed in, and the token that every change needs',
  'POST /api/v1/session/key': 'Unlock the own signing key with its password',
  'DELETE /api/v1/session': 'Sign out; `continueAt` ends the session at the identity provider too',
  'GET /api/v1/sessions': 'Your open sessions; for the role admin, everybody’s',
  'DELETE /api/v1/sessions': 'End all of them but this one',
  'DELETE /api/v1/sessions/:id': 'End one of them',
  'GET /api/v1/sign-in/oidc': 'To the identity provider of the hospital (redirect)',
  'GET /api/v1/sign-in/oidc/callback': 'Back from it (redirect to the page)',
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
  'POST /api/v1/holds/:txid/appeals':
    'Ask for a second look at a decision, by the actor herself, once',
  'POST /api/v1/holds/:txid/closings': 'Close a decided hold, thirty days after the decision',
  'GET /api/v1/holds/:txid/timeline': 'What its actor did in the day or week before',
  'GET /api/v1/holds/:txid/peers': 'The call beside calls of people with the same work',
  'POST /api/v1/assignments': 'Claim the most urgent hold that nobody works on',
  'GET /api/v1/people': 'Who reviews here',
  'GET /api/v1/views': 'Saved views of the team',
  'POST /api/v1/views': 'Save a view under a name',
  'DELETE /api/v1/views/:id': 'Delete a view of your own',
  'GET /api/v1/cases': 'Cases, due first, and people with several open holds',
  'GET /api/v1/cases/:id': 'One case with its holds and its history',
  'POST /api/v1/cases': 'Open a case from a hold: same person, record, or person and day',
  'POST /api/v1/cases/:id/assignments': 'Give a case to somebody',
  'POST /api/v1/cases/:id/statuses': 'Move a case on, with a reason',
  'POST /api/v1/cases/:id/notes': 'Add a note',
  'POST /api/v1/cases/:id/holds': 'Add holds',
  'GET /api/v1/days': 'Listed days of accounts: newest day first, the strangest of it first',
  'GET /api/v1/days/:id': 'One of them, with its reasons in figures and its calls on the ledger',
  'POST /api/v1/days/:id/dispositions':
    'What became of it: nothing, or a review of a committed call',
  'GET /api/v1/suppressions': 'Suppressions: proposed, active, past',
  'GET /api/v1/suppressions/preview': 'What a rule would have moved back in thirty days',
  'POST /api/v1/suppressions': 'Propose a suppression; a second person approves it',
  'POST /api/v1/suppressions/:id/approvals': 'Approve what somebody else proposed',
  'POST /api/v1/suppressions/:id/endings': 'End it before its time, with a reason',
  'GET /api/v1/supervisor': 'Load, ages, deadlines and decisions of the review',
  'GET /api/v1/alert-budget': 'What other alert budgets would have meant, from stored scores',
  'GET /api/v1/alert-budget/proposals': 'Proposals for another alert budget',
  'POST /api/v1/alert-budget/proposals': 'Propose another alert budget; changes nothing by itself',
  'POST /api/v1/bulk': 'One step for exactly the named holds, one transaction each',
  'GET /api/v1/exports/:format':
    'Holds as csv, ocsf, cef or syslog, 100,000 at most; Link names the next part; recorded',
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
          // Null: nobody needs to be signed in.
          'x-roles': RIGHTS[`${String(route.method)} ${url}`] ?? null,
          response: { '2xx': { description: 'Done', type: 'object' }, default: PROBLEM },
        },
      };
    },
  });
  app.get('/api/v1/openapi.json', { schema: { hide: true } }, () => app.swagger());
}

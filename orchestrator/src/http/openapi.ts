/**
 * The API described by itself: OpenAPI 3.1 at `/api/v1/openapi.json`, made from the schemas that check the requests. A
 * route without a sentence here does not start, so the description cannot fall behind.
 * @module
 */
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';

const SENTENCES: Readonly<Record<string, string>> = {
  'GET /api/v1/status': 'What the federation is doing: round, model, members',
  'GET /api/v1/rounds': 'The newest 100 rounds',
  'GET /api/v1/overview': 'The status, the next slot, and every wait with its reason',
  'GET /api/v1/timeline': 'The newest 24 rounds with their events',
  'GET /api/v1/rounds/:slot/:attempt': 'One round: policy, events, receipts, manifest',
  'GET /api/v1/nodes': 'Members, their certificates and when they called last',
  'GET /api/v1/privacy': 'What the plan and the sealed manifests say about privacy',
  'GET /api/v1/models': 'The lineage of models, with what became of each on the channel',
  'GET /api/v1/enrolments': 'Requests for certificates',
  'GET /api/v1/updates': 'Updates in quarantine, and how each was judged',
  'GET /api/v1/audit': 'A page of the audit log, newest first',
  'GET /api/v1/metrics': 'The metrics of the federation as JSON',
  'GET /api/v1/metrics/history':
    'Gauges and counters as they were, fine for two hours or coarse for thirty days',
  'GET /api/v1/plan':
    'The privacy plan in words, and which hospitals have approved it on the channel',
  'GET /api/v1/session': 'Who is signed in, how one can, and the token that every change needs',
  'POST /api/v1/session': 'Sign in with a local account',
  'POST /api/v1/session/freshness': 'Prove again who one is; for what weighs more',
  'GET /api/v1/sessions': 'One’s own sessions',
  'DELETE /api/v1/sessions/:key': 'End one of one’s own sessions',
  'GET /api/v1/sign-in/oidc': 'To the identity provider; `again=1` has it ask anew',
  'GET /api/v1/sign-in/oidc/callback': 'Back from the identity provider',
  'POST /api/v1/votes':
    'Makes a transaction for a hospital’s vote: roll a detector back, withdraw it, approve the plan',
  'POST /api/v1/votes/:voteId/signatures':
    'One step on with the person’s signature: endorse, submit, learn how it ended',
  'DELETE /api/v1/session': 'Sign out',
  'POST /api/v1/enrolments/:requestId/approvals':
    'Certify a request whose digits were compared by telephone',
  'POST /api/v1/enrolments/:requestId/refusals': 'Turn a request down, with a reason',
  'POST /api/v1/updates/:slot/:attempt/:nodeId/reviews':
    'One signed word on a quarantined update; with that of a second organisation it is decided',
  'POST /api/v1/rounds/:slot/:attempt/aborts':
    'One signed word against the open round; with that of a second organisation it is aborted',
  'GET /api/v1/rollback': 'Which detectors can be gone back to, and whose votes that takes',
  'POST /api/v1/pause': 'Skip slots from now on, or run them again',
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
        title: 'Orchestrator',
        version: '1',
        description:
          'What the federation dashboard reads, and what a signed-in operator may do. Reading needs no sign-in: nothing of it is a hospital’s. Session by cookie; every change needs the header `x-csrf-token`.',
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
          response: { '2xx': { description: 'Done' }, default: PROBLEM },
        },
      };
    },
  });
  app.get('/api/v1/openapi.json', { schema: { hide: true } }, () => app.swagger());
}

/**
 * Votes on the channel over HTTP: the browser asks for a transaction, signs its bytes three times, and sends signatures
 * alone.
 * @module
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import type { OperatorSession } from '../store/store.js';
import { VOTE_KINDS, type VoteDesk } from '../vote-desk.js';

const closed = { additionalProperties: false };
const Vote = Type.Object(
  {
    kind: Type.Union(VOTE_KINDS.map((kind) => Type.Literal(kind))),
    /** A detector's version or a plan's hash. */
    about: Type.String({ pattern: '^(\\d{1,9}|[0-9a-f]{64})$' }),
    reason: Type.String({ minLength: 1, maxLength: 1_000 }),
    /** PEM of the person's certificate. */
    certificate: Type.String({ minLength: 1, maxLength: 16_384 }),
  },
  closed,
);
const OfVote = Type.Object({ voteId: Type.String({ pattern: '^[0-9a-f]{32}$' }) });
/** Base64 of ECDSA P-256 in DER over the message of the step before. */
const Signature = Type.Object(
  { signature: Type.String({ pattern: '^[A-Za-z0-9+/]{80,120}={0,2}$' }) },
  closed,
);

export function registerVotes(
  app: FastifyInstance,
  desk: VoteDesk,
  sessionOf: (request: FastifyRequest) => OperatorSession,
): void {
  app.post<{ Body: Static<typeof Vote> }>(
    '/api/v1/votes',
    { schema: { body: Vote } },
    async (request, reply) =>
      reply.code(201).send(await desk.begin(sessionOf(request).idHash, request.body)),
  );

  app.post<{ Params: Static<typeof OfVote>; Body: Static<typeof Signature> }>(
    '/api/v1/votes/:voteId/signatures',
    { schema: { params: OfVote, body: Signature }, config: { rateLimit: { max: 120 } } },
    (request) =>
      desk.sign(
        sessionOf(request).idHash,
        request.params.voteId,
        Buffer.from(request.body.signature, 'base64'),
      ),
  );
}

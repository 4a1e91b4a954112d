/**
 * What two people of two organisations decide, over HTTP: each signs in the browser with the key of the own hospital, which
 * never comes here; what comes is the signature, and it is checked like one of the command line.
 * @module
 */
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { mspRoots } from '../enrolment/roster.js';
import { OrchestratorError } from '../errors.js';
import { isIssuedBy } from '../protocol/signing.js';
import { abortRound } from '../round-abort.js';
import type { Speaker } from '../signed-word.js';
import { reviewUpdate } from '../update-review.js';
import type { DashboardOptions } from './dashboard-options.js';

const closed = { additionalProperties: false };
const COUNT = Type.String({ pattern: '^\\d{1,15}$' });
const word = {
  reason: Type.String({ minLength: 1, maxLength: 1_000 }),
  /** PEM of the person's certificate. */
  certificate: Type.String({ minLength: 1, maxLength: 16_384 }),
  /** Base64 of ECDSA P-256 in DER, in the domain `bhs-review-v1`. */
  signature: Type.String({ pattern: '^[A-Za-z0-9+/]{80,120}={0,2}$' }),
};
const Word = Type.Object(word, closed);
const Review = Type.Object(
  {
    ...word,
    disposition: Type.Union([Type.Literal('release'), Type.Literal('discard')]),
  },
  closed,
);
const ofRound = { slot: COUNT, attempt: Type.String({ pattern: '^[12]$' }) };
const OfRound = Type.Object(ofRound);
const OfUpdate = Type.Object({
  ...ofRound,
  nodeId: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$' }),
});

export function registerSignedWords(app: FastifyInstance, o: DashboardOptions): void {
  const { store } = o;
  const { federationId } = o.federation;

  app.post<{ Params: Static<typeof OfUpdate>; Body: Static<typeof Review> }>(
    '/api/v1/updates/:slot/:attempt/:nodeId/reviews',
    { schema: { params: OfUpdate, body: Review } },
    async (request) => {
      const { params, body } = request;
      const roots = await mspRoots(store);
      const outcome = await reviewUpdate({
        ...{ store, federationId, mspRoots: roots, nowMs: o.nowMs() },
        key: { slotIndex: Number(params.slot), attempt: Number(params.attempt) },
        nodeId: params.nodeId,
        disposition: body.disposition,
        reason: body.reason,
        speaker: speakerOf(body, roots),
      });
      return { outcome };
    },
  );

  app.post<{ Params: Static<typeof OfRound>; Body: Static<typeof Word> }>(
    '/api/v1/rounds/:slot/:attempt/aborts',
    { schema: { params: OfRound, body: Word } },
    async (request) => {
      const { params, body } = request;
      const roots = await mspRoots(store);
      const open = await store.rounds.findOpen();
      if (open?.round.id.attempt !== Number(params.attempt)) {
        throw new OrchestratorError('ERR_REVIEW', 'review: no such round is open');
      }
      const outcome = await abortRound({
        ...{ store, federationId, mspRoots: roots, nowMs: o.nowMs() },
        slotIndex: Number(params.slot),
        reason: body.reason,
        speaker: speakerOf(body, roots),
      });
      return { outcome };
    },
  );
}

/** The organisation is whichever issued the certificate; that the signature is the key's is for `fileWord` to see. */
function speakerOf(
  { certificate, signature }: Static<typeof Word>,
  roots: ReadonlyMap<string, string>,
): Speaker {
  const issuer = [...roots].find(([, root]) => isIssuedBy(certificate, [root]));
  return {
    mspId: issuer?.[0] ?? 'any hospital of this federation',
    certificate,
    sign: () => Buffer.from(signature, 'base64'),
  };
}

/**
 * Every refusal of the API as `application/problem+json` (RFC 9457), made in one place.
 * @module
 */
import type { FastifyError, FastifyReply } from 'fastify';
import {
  ChaincodeError,
  FabricError,
  GatewayUnavailableError,
  TransactionInvalidError,
  UnknownOutcomeError,
} from '../fabric/errors.js';
import { MalformedRequestError, ReviewError, type ReviewErrorCode } from './errors.js';

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** A sentence for the person at the screen. */
  readonly detail: string;
  readonly code: string;
  readonly [member: string]: unknown;
}

const CATALOGUE: Readonly<Record<ReviewErrorCode, readonly [status: number, title: string]>> = {
  ERR_HOLD_UNKNOWN: [404, 'No such hold'],
  ERR_HOLD_FOREIGN: [403, 'Another hospital decides this'],
  ERR_HOLD_STALE: [412, 'Somebody was faster'],
  ERR_HOLD_SECOND_PERSON: [403, 'A second person is needed'],
  ERR_HOLD_REFUSED: [409, 'The ledger refused the step'],
  ERR_HOLD_EVIDENCE: [404, 'No explanation'],
  ERR_LEDGER_AWAY: [503, 'The ledger does not answer'],
  ERR_LEDGER_UNKNOWN: [504, 'The outcome is not known yet'],
  ERR_STORE_UNAVAILABLE: [503, 'The database does not answer'],
  ERR_PERSON: [400, 'Person not accepted'],
  ERR_SIGN_IN: [401, 'Sign-in failed'],
  ERR_SIGN_IN_DELAYED: [429, 'Wait before the next try'],
  ERR_SIGN_IN_METHOD: [403, 'Not a way to sign in here'],
  ERR_OIDC_UNREACHABLE: [503, 'The sign-in service does not answer'],
  ERR_OIDC_TICKET: [400, 'Sign-in took too long or began elsewhere'],
  ERR_OIDC_DENIED: [403, 'The sign-in service did not let you in'],
  ERR_OIDC_TOKEN: [502, 'The answer of the sign-in service cannot be trusted'],
  ERR_OIDC_CLOCK: [502, 'Clocks differ'],
  ERR_OIDC_CLAIMS: [502, 'The sign-in service did not say who this is'],
  ERR_OIDC_ROLE: [403, 'No role in this review'],
  ERR_NO_KEY: [409, 'No signing key'],
  ERR_SESSION: [401, 'Not signed in'],
  ERR_SESSION_LOCKED: [401, 'Signing key locked'],
  ERR_SIGN_IN_AGAIN: [401, 'A fresh sign-in is needed'],
  ERR_FORBIDDEN: [403, 'Not allowed'],
  ERR_CSRF: [403, 'Request not from this page'],
  ERR_REQUEST: [400, 'Malformed request'],
  ERR_REASON: [400, 'A reason is needed'],
  ERR_CURSOR: [400, 'Cursor not ours'],
  ERR_NOT_FOUND: [404, 'Nothing here'],
  ERR_RATE_LIMIT: [429, 'Too many requests'],
  ERR_IF_MATCH: [428, 'Version missing'],
  ERR_IDEMPOTENCY_KEY: [422, 'Key used for another request'],
  ERR_SUPPRESSION_STATE: [409, 'The suppression is not in that state'],
  ERR_CASE_STALE: [412, 'Somebody was faster'],
  ERR_CASE_STATE: [409, 'The case does not allow it'],
  ERR_SAVED_VIEW: [409, 'View not saved'],
  ERR_BULK_COUNT: [422, 'The number does not fit'],
};

/** The page behind a problem's `type`: its code, status and title; null for a code that is not ours. */
export function problemPage(code: string): string | null {
  if (!Object.hasOwn(CATALOGUE, code)) return null;
  const [status, title] = CATALOGUE[code as ReviewErrorCode];
  return `${code}\nHTTP ${status} – ${title}\n\nThe answer's \`detail\` says what happened and what to do.\n`;
}

export function problemOf(code: ReviewErrorCode, detail: string, more: object = {}): Problem {
  const [status, title] = CATALOGUE[code];
  return { type: `/problems/${code}`, title, status, detail, code, ...more };
}

const REASON = '/reason';

/** A step that wants a reason and has none, or one that is too short to be one. */
export function reasonMissing(): MalformedRequestError {
  const expected = 'why, in 10 to 2,000 characters';
  return new MalformedRequestError(
    'ERR_REASON',
    `reason: expected ${expected}. Nothing was done.`,
    {
      errors: [{ pointer: REASON, expected }],
    },
  );
}

/** What the schemas found, each at its place. */
export function malformed(faults: NonNullable<FastifyError['validation']>): MalformedRequestError {
  const errors = faults.map(({ instancePath, params, message, keyword }) => ({
    pointer: [
      instancePath,
      ...(keyword === 'required' ? [String(params['missingProperty'])] : []),
    ].join('/'),
    expected: message ?? keyword,
  }));
  if (errors.some(({ pointer }) => pointer === REASON)) return reasonMissing();
  return new MalformedRequestError('ERR_REQUEST', 'The request is not well formed.', { errors });
}

/** How refusals of the review contract reach a person: their meaning as a code of ours, their sentence as it is. */
const FROM_CHAINCODE: Readonly<Record<string, ReviewErrorCode>> = {
  ERR_REVIEW_VERSION: 'ERR_HOLD_STALE',
  ERR_FOUR_EYES: 'ERR_HOLD_SECOND_PERSON',
  ERR_NOT_FOUND: 'ERR_HOLD_UNKNOWN',
  ERR_MSP_NOT_ALLOWED: 'ERR_HOLD_FOREIGN',
  ERR_ROLE_NOT_ALLOWED: 'ERR_FORBIDDEN',
};

/** What the ledger's edge threw, as a refusal of the review. Anything else passes unchanged. */
export function reviewErrorOf(error: unknown): unknown {
  if (error instanceof ChaincodeError) {
    return new ReviewError(
      FROM_CHAINCODE[error.chaincodeCode ?? ''] ?? 'ERR_HOLD_REFUSED',
      `The ledger refused: ${error.sentence || 'no reason was given'}.`,
      { ledgerCode: error.chaincodeCode },
      error,
    );
  }
  if (error instanceof UnknownOutcomeError) {
    return new ReviewError(
      'ERR_LEDGER_UNKNOWN',
      'The step was sent and not yet confirmed. It may still take effect; look at the history before you repeat it.',
      { txId: error.transactionId },
      error,
    );
  }
  if (error instanceof TransactionInvalidError) {
    const conflict = error.code === 'ERR_FABRIC_CONFLICT';
    return new ReviewError(
      conflict ? 'ERR_HOLD_STALE' : 'ERR_HOLD_REFUSED',
      conflict
        ? 'Somebody else changed this hold at the same moment.'
        : `The ledger found the transaction invalid (code ${error.validationCode}).`,
      { txId: error.transactionId },
      error,
    );
  }
  if (error instanceof GatewayUnavailableError) {
    return new ReviewError(
      'ERR_LEDGER_AWAY',
      'The ledger does not answer, so nothing can be decided now. The queue stays readable.',
      {},
      error,
    );
  }
  if (error instanceof FabricError) {
    return new ReviewError(
      'ERR_HOLD_REFUSED',
      `The ledger's gateway refused: ${error.message}.`,
      {},
      error,
    );
  }
  return error;
}

export async function sendProblem(reply: FastifyReply, problem: Problem): Promise<void> {
  await reply
    .code(problem.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .header('cache-control', 'no-store')
    .send(JSON.stringify(problem));
}

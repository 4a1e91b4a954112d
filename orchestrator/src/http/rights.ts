/**
 * Who may ask for what: every route of the API by method and address. A route without a line here does not start, and
 * nobody but the roles in its line gets past the door.
 * @module
 */
import { OPERATOR_ROLES, type OperatorRole } from '../sign-in/roles.js';

export interface Right {
  /** Null: nobody needs to be signed in. */
  readonly roles: readonly OperatorRole[] | null;
  /** The person must have proven within five minutes who she is. */
  readonly fresh: boolean;
}

const ANYBODY: Right = { roles: null, fresh: false };
const SIGNED_IN: Right = { roles: OPERATOR_ROLES, fresh: false };
const OPERATOR: Right = { roles: ['operator'], fresh: false };
const fresh = (right: Right): Right => ({ ...right, fresh: true });

export const RIGHTS: Readonly<Record<string, Right>> = {
  'GET /api/v1/openapi.json': ANYBODY,
  'GET /api/v1/status': ANYBODY,
  'GET /api/v1/rounds': ANYBODY,
  'GET /api/v1/overview': ANYBODY,
  'GET /api/v1/timeline': ANYBODY,
  'GET /api/v1/rounds/:slot/:attempt': ANYBODY,
  'GET /api/v1/nodes': ANYBODY,
  'GET /api/v1/privacy': ANYBODY,
  'GET /api/v1/plan': ANYBODY,
  'GET /api/v1/models': ANYBODY,
  'GET /api/v1/rollback': ANYBODY,
  'GET /api/v1/enrolments': ANYBODY,
  'GET /api/v1/updates': ANYBODY,
  'GET /api/v1/audit': ANYBODY,
  'GET /api/v1/metrics': ANYBODY,
  'GET /api/v1/metrics/history': ANYBODY,

  'GET /api/v1/session': ANYBODY,
  'POST /api/v1/session': ANYBODY,
  'POST /api/v1/session/freshness': SIGNED_IN,
  'DELETE /api/v1/session': SIGNED_IN,
  'GET /api/v1/sessions': SIGNED_IN,
  'DELETE /api/v1/sessions/:key': SIGNED_IN,
  'GET /api/v1/sign-in/oidc': ANYBODY,
  'GET /api/v1/sign-in/oidc/callback': ANYBODY,

  'POST /api/v1/enrolments/:requestId/approvals': fresh(OPERATOR),
  'POST /api/v1/enrolments/:requestId/refusals': OPERATOR,
  'POST /api/v1/pause': OPERATOR,
  'POST /api/v1/updates/:slot/:attempt/:nodeId/reviews': fresh(SIGNED_IN),
  'POST /api/v1/rounds/:slot/:attempt/aborts': fresh(SIGNED_IN),
  'POST /api/v1/votes': fresh(SIGNED_IN),
  'POST /api/v1/votes/:voteId/signatures': SIGNED_IN,
};

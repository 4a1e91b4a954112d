/**
 * Who may ask for what: every route of the API by method and address. A route without a line here does not start, and
 * nobody but the roles in its line gets past the door; whose hold it is, and that two people decide, is the ledger's to
 * say.
 *
 * | role            | is                                                                              |
 * |-----------------|---------------------------------------------------------------------------------|
 * | analyst         | reviews: claims, proposes, approves what others proposed                          |
 * | supervisor      | the same, and looks after the review as a whole                                   |
 * | privacy-officer | the same, and evidence files and the names behind pseudonyms                      |
 * | auditor         | reads everything, changes nothing                                                 |
 * | admin           | looks after the node; sees no hold                                                |
 *
 * @module
 */
import { PERSON_ROLES, type PersonRole } from '../review/people.js';

/** Null: nobody needs to be signed in. */
type Right = readonly PersonRole[] | null;

const EVERYBODY = PERSON_ROLES;
const READERS = ['analyst', 'supervisor', 'privacy-officer', 'auditor'] as const;
/** Who takes steps on holds. */
export const REVIEWERS: readonly PersonRole[] = ['analyst', 'supervisor', 'privacy-officer'];
const LEADS = ['supervisor', 'privacy-officer'] as const;
const OFFICER = ['privacy-officer'] as const;

export const RIGHTS: Readonly<Record<string, Right>> = {
  'GET /api/v1/openapi.json': null,
  'GET /api/v1/about': null,
  'POST /api/v1/session': null,
  'GET /api/v1/sign-in/oidc': null,
  'GET /api/v1/sign-in/oidc/callback': null,
  'GET /api/v1/session': EVERYBODY,
  'POST /api/v1/session/key': REVIEWERS,
  'DELETE /api/v1/session': EVERYBODY,
  'GET /api/v1/sessions': EVERYBODY,
  'DELETE /api/v1/sessions': EVERYBODY,
  'DELETE /api/v1/sessions/:id': EVERYBODY,
  'GET /api/v1/status': EVERYBODY,
  'GET /api/v1/events': READERS,
  'GET /api/v1/holds': READERS,
  'GET /api/v1/holds/:txid': READERS,
  'GET /api/v1/holds/:txid/block': READERS,
  'GET /api/v1/detector-blobs/:hash': READERS,
  'POST /api/v1/holds/:txid/claims': REVIEWERS,
  'POST /api/v1/holds/:txid/unclaims': REVIEWERS,
  'POST /api/v1/holds/:txid/proposals': REVIEWERS,
  'POST /api/v1/holds/:txid/approvals': REVIEWERS,
  'POST /api/v1/holds/:txid/returns': REVIEWERS,
  'POST /api/v1/holds/:txid/escalations': REVIEWERS,
  'POST /api/v1/holds/:txid/appeals': REVIEWERS,
  'POST /api/v1/holds/:txid/closings': REVIEWERS,
  'GET /api/v1/holds/:txid/timeline': READERS,
  'GET /api/v1/holds/:txid/peers': READERS,
  'POST /api/v1/bulk': REVIEWERS,
  'POST /api/v1/assignments': REVIEWERS,
  'GET /api/v1/people': READERS,
  'GET /api/v1/views': READERS,
  'POST /api/v1/views': REVIEWERS,
  'DELETE /api/v1/views/:id': REVIEWERS,
  'GET /api/v1/cases': READERS,
  'GET /api/v1/cases/:id': READERS,
  'POST /api/v1/cases': REVIEWERS,
  'POST /api/v1/cases/:id/assignments': REVIEWERS,
  'POST /api/v1/cases/:id/statuses': REVIEWERS,
  'POST /api/v1/cases/:id/notes': REVIEWERS,
  'POST /api/v1/cases/:id/holds': REVIEWERS,
  'GET /api/v1/days': READERS,
  'GET /api/v1/days/:id': READERS,
  'POST /api/v1/days/:id/dispositions': REVIEWERS,
  'GET /api/v1/suppressions': READERS,
  'GET /api/v1/suppressions/preview': LEADS,
  'POST /api/v1/suppressions': LEADS,
  'POST /api/v1/suppressions/:id/approvals': LEADS,
  'POST /api/v1/suppressions/:id/endings': LEADS,
  'GET /api/v1/supervisor': [...LEADS, 'auditor'],
  'GET /api/v1/alert-budget': [...LEADS, 'auditor'],
  'GET /api/v1/alert-budget/proposals': [...LEADS, 'auditor'],
  'POST /api/v1/alert-budget/proposals': LEADS,
  'GET /api/v1/exports/:format': READERS,
  'GET /api/v1/holds/:txid/evidence.json': OFFICER,
  'GET /api/v1/holds/:txid/evidence.html': OFFICER,
  'POST /api/v1/holds/:txid/re-identifications': OFFICER,
};

/** What cannot be taken back by oneself: who does it has proven within `FRESH_MS` that it is still her at the keyboard. */
export const NEEDS_FRESH_SIGN_IN: ReadonlySet<string> = new Set([
  'POST /api/v1/holds/:txid/approvals',
  'POST /api/v1/holds/:txid/re-identifications',
  'POST /api/v1/suppressions',
  'POST /api/v1/suppressions/:id/approvals',
  'POST /api/v1/alert-budget/proposals',
]);
export const FRESH_MS: number = 5 * 60_000;

/**
 * Errors of the chaincode, of its server and of the published decoders.
 *
 * A contract that throws leaves nothing on the ledger, and Fabric hands the caller one string. So the message begins
 * with the code: `ERR_FOUR_EYES: …`.
 * @module
 */

/** What the ledger side refuses; the README has the table. */
export type ChaincodeErrorCode =
  | 'ERR_ACTOR_SUSPENDED'
  | 'ERR_ARGUMENT'
  | 'ERR_ARITY'
  | 'ERR_CERTIFICATE'
  | 'ERR_CONFIGURED_DIFFERENTLY'
  | 'ERR_DETECTOR_ATTESTATIONS'
  | 'ERR_DETECTOR_DIGEST'
  | 'ERR_DETECTOR_INVALID'
  | 'ERR_DETECTOR_STATE'
  | 'ERR_DETECTOR_VERSION'
  | 'ERR_EVENT_MALFORMED'
  | 'ERR_BLOCK_MALFORMED'
  | 'ERR_FEDERATION_NOT_CONFIGURED'
  | 'ERR_FOUR_EYES'
  | 'ERR_LEDGER_VALUE'
  | 'ERR_MSP_NOT_ALLOWED'
  | 'ERR_NODE_STATE'
  | 'ERR_NOT_FOUND'
  | 'ERR_NOT_HOLDER'
  | 'ERR_REPLAY_REFUSED'
  | 'ERR_REVIEW_STATE'
  | 'ERR_REVIEW_VERSION'
  | 'ERR_ROLE_NOT_ALLOWED'
  | 'ERR_SERVER_CONFIG'
  | 'ERR_SERVER_LISTEN'
  | 'ERR_TOO_EARLY';

/** Facts are scalars, so that they can be logged; never a person, a record or a score. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean | null>>;

export class ChaincodeError extends Error {
  override readonly name = 'ChaincodeError';
  readonly code: ChaincodeErrorCode;
  readonly facts: ErrorFacts;

  constructor(
    code: ChaincodeErrorCode,
    sentence: string,
    facts: ErrorFacts = {},
    options?: ErrorOptions,
  ) {
    super(`${code}: ${sentence}`, options);
    this.code = code;
    this.facts = facts;
  }
}

/**
 * What a failed gateway call means: the decision table of the retry rules, without any retrying.
 *
 * | gRPC status, details                      | kind          | then                                   |
 * |-------------------------------------------|---------------|----------------------------------------|
 * | 10, others do not endorse as its own peer | mismatch      | new proposal, jitter                   |
 * | any, a detail "chaincode response 500, …" | chaincode     | typed error, no retry                  |
 * | 10, payloads differ                       | mismatch      | new proposal, jitter                   |
 * | 10, "could not launch chaincode"          | unreachable   | next gateway                           |
 * | 14, 4, 1                                  | unreachable   | next gateway                           |
 * | 9, "no combination of peers"              | starting      | wait, same proposal rules              |
 * | 8 (concurrency limit)                     | unreachable   | next gateway, with back-off            |
 * | else                                      | refused       | typed error, no retry                  |
 *
 * @module
 */
import { GatewayError } from '@hyperledger/fabric-gateway';
import { ChaincodeError, FabricError, GatewayRefusedError } from './errors.js';

export type FailureKind = 'chaincode' | 'mismatch' | 'unreachable' | 'starting' | 'refused';

export interface Failure {
  readonly kind: FailureKind;
  readonly grpcStatus: number;
  readonly detail: string;
}

const UNREACHABLE_STATUS: ReadonlySet<number> = new Set([1, 4, 8, 14]);

export function failureOf(error: unknown): Failure {
  if (!(error instanceof GatewayError)) throw error;
  const details = error.details.map((detail) => `${detail.mspId}: ${detail.message}`);
  const detail = details.length > 0 ? details.join('; ') : error.message;
  const failure = (kind: FailureKind): Failure => ({ kind, grpcStatus: error.code, detail });
  // Some endorsers may be down while another one's contract has spoken: its word counts. Unless the gateway's own peer
  // endorsed: then who refuses is a block behind it or ahead of it, and says so in the contract's words.
  if (/chaincode response [45]\d\d/.test(detail) || CODED.test(detail)) {
    const alone = error.code === 10 && error.message.includes(OTHERS_DISAGREE);
    return failure(alone ? 'mismatch' : 'chaincode');
  }
  if (
    /could not launch chaincode|failed to connect to chaincode|chaincode .* not connected/i.test(
      detail,
    )
  ) {
    return failure('unreachable');
  }
  if (/do(?:es)? not match|mismatch|differ/i.test(detail) && error.code === 10) {
    return failure('mismatch');
  }
  if (error.code === 9 && /no combination of peers/i.test(detail)) return failure('starting');
  return failure(UNREACHABLE_STATUS.has(error.code) ? 'unreachable' : 'refused');
}

/** What the gateway says when its own peer endorsed and too few others gave the same (Fabric's `gateway/endorse.go`). */
const OTHERS_DISAGREE = 'failed to collect enough transaction endorsements';

const CODED = /\b(ERR_[A-Z][A-Z0-9_]*)\b:?\s*([^;\n]*)/;

/** The contract's own code and sentence out of whatever the peer wrapped around them. */
export function chaincodeErrorOf(failure: Failure, cause: unknown): ChaincodeError {
  const coded = CODED.exec(failure.detail);
  return new ChaincodeError({
    chaincodeCode: coded?.[1] ?? null,
    sentence: (coded?.[2] ?? failure.detail).trim(),
    cause,
  });
}

/** The typed error of a failure that is not retried, or no more: what others keep refusing, the contract refuses. */
export function errorOf(failure: Failure, cause: unknown): FabricError {
  if (failure.kind === 'chaincode' || CODED.test(failure.detail))
    return chaincodeErrorOf(failure, cause);
  if (failure.kind === 'mismatch') {
    return new FabricError(
      'ERR_FABRIC_MISMATCH',
      `the endorsers did not agree: ${failure.detail}`,
      cause,
    );
  }
  return new GatewayRefusedError({
    grpcStatus: failure.grpcStatus,
    detail: failure.detail,
    cause,
  });
}

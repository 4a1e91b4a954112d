/**
 * Generated message types and domain types, one way and the other.
 * @module
 */
import { FederationError } from '../errors.js';
import type { RoundId as WireRoundId } from './generated/federation.js';
import type { RoundId } from './identifiers.js';

export function roundIdToWire(id: RoundId): WireRoundId {
  return { federationId: id.federationId, slotIndex: BigInt(id.slotIndex), attempt: id.attempt };
}

/** @throws {FederationError} `ERR_REQUEST` if the message has no round id */
export function roundIdFromWire(id: WireRoundId | undefined): RoundId {
  if (id === undefined)
    throw new FederationError('ERR_REQUEST', 'round_id: expected one, got none');
  return {
    federationId: id.federationId,
    slotIndex: Number(id.slotIndex),
    attempt: id.attempt,
  };
}

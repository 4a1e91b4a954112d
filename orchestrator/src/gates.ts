/**
 * What must hold before a request may touch a round.
 * @module
 */
import { FederationError } from './errors.js';
import type { LedgerHead } from './protocol/client.js';
import type { UpdateEnvelope } from './protocol/envelope.js';
import type { RoundId } from './protocol/identifiers.js';
import type { Round } from './round/round.js';

/** A node whose certificate has been checked. */
export interface Caller {
  readonly nodeId: string;
  /** DER */
  readonly certificate: Uint8Array;
  /** Serial number of the certificate, hexadecimal. */
  readonly serial: string;
  readonly expiresAtMs: number;
  /** The certificate has passed two thirds of its life. */
  readonly isDueForRenewal: boolean;
}

/** @throws {FederationError} `ERR_NODE_MISMATCH` */
export function assertSelf(caller: Caller, nodeId: string): void {
  if (nodeId === caller.nodeId) return;
  throw new FederationError(
    'ERR_NODE_MISMATCH',
    `the certificate names ${caller.nodeId}, the message another node`,
  );
}

/** @throws {FederationError} `ERR_FEDERATION_MISMATCH` */
export function assertFederation(federationId: string, asked: string): void {
  if (asked === federationId) return;
  throw new FederationError(
    'ERR_FEDERATION_MISMATCH',
    `this is federation ${federationId}, not ${asked.slice(0, 64)}`,
  );
}

/** When a collecting round stops taking updates: the grace window if it runs, else the deadline. */
export function closesAtMs(round: Round): number {
  return round.timers.grace ?? round.timers.deadline ?? 0;
}

/** Training time depends on private counts, so no update is taken before this public moment. */
export function opensForUpdatesAtMs(round: Round): number {
  return (round.collectingAtMs ?? 0) + round.policy.submitNotBeforeMs;
}

/** @throws {FederationError} `ERR_NOT_IN_COHORT`, `ERR_ROUND_CLOSED`, `ERR_TOO_EARLY` */
export function assertOpenFor(round: Round, nodeId: string, atMs: number): void {
  if (!Object.hasOwn(round.members, nodeId)) {
    throw new FederationError(
      'ERR_NOT_IN_COHORT',
      `${nodeId} is not in the cohort of slot ${round.id.slotIndex}`,
    );
  }
  if (round.phase !== 'collecting' || closesAtMs(round) <= atMs) throw closed(round);
  const waitMs = opensForUpdatesAtMs(round) - atMs;
  if (waitMs > 0) {
    throw new FederationError('ERR_TOO_EARLY', `updates are taken in ${waitMs} ms`, {
      retryAfterMs: waitMs,
    });
  }
}

/** @throws {FederationError} `ERR_PLAN_MISMATCH`, `ERR_LAYOUT_MISMATCH`, `ERR_BASE_MODEL_MISMATCH` */
export function assertSameTask(round: Round, envelope: UpdateEnvelope): void {
  if (envelope.planHash !== round.planHash) {
    throw new FederationError('ERR_PLAN_MISMATCH', 'envelope: another plan than the round’s');
  }
  if (envelope.layoutHash !== round.layoutHash) {
    throw new FederationError('ERR_LAYOUT_MISMATCH', 'envelope: another layout than the round’s');
  }
  if (envelope.baseModel !== round.baseModel) {
    throw new FederationError(
      'ERR_BASE_MODEL_MISMATCH',
      'envelope: another base model than the round’s',
    );
  }
}

/** @throws {FederationError} `ERR_LEDGER_ROLLED_BACK` if the ledger shown is older than a known one, or a fork of it */
export function assertLedgerNotRolledBack(
  nodeId: string,
  known: LedgerHead | null,
  shown: LedgerHead | null,
): void {
  if (known === null) return;
  const behind = shown === null || shown.seq < known.seq;
  const forked = shown !== null && shown.seq === known.seq && shown.hash !== known.hash;
  if (!behind && !forked) return;
  throw new FederationError(
    'ERR_LEDGER_ROLLED_BACK',
    `the privacy ledger of ${nodeId} once stood at ${known.seq}; the one shown is older or another`,
    { facts: { known: known.seq, shown: shown?.seq ?? -1 } },
  );
}

export function unknownRound(roundId: RoundId): FederationError {
  return new FederationError('ERR_ROUND_UNKNOWN', `slot ${roundId.slotIndex}: not on record`);
}

export function closed(round: Round): FederationError {
  return new FederationError(
    'ERR_ROUND_CLOSED',
    `slot ${round.id.slotIndex} takes no updates: it is ${round.phase}`,
    { facts: { phase: round.phase } },
  );
}

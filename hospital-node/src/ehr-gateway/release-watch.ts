/**
 * Releases, as the channel announces them: which quarantine was released, with a grant for its actor.
 * @module
 */
import {
  decodeBlock,
  decodeGuardEvent,
  GUARD_EVENT_NAME,
  type DecodedTransaction,
} from '@bhschain/chaincode-hooks/events';
import type { common } from '@hyperledger/fabric-protos';

export interface Release {
  readonly quarantineId: string;
  readonly expiresMs: number;
}

export function releasesIn(block: common.Block): readonly Release[] {
  return decodeBlock(block).transactions.flatMap((transaction) => {
    const release = releaseOf(transaction);
    return release === null ? [] : [release];
  });
}

function releaseOf({ code, event }: DecodedTransaction): Release | null {
  if (code !== 0 || event?.name !== GUARD_EVENT_NAME) return null;
  const decoded = decodeGuardEvent(event.payload);
  if (decoded.kind !== 'review' || decoded.review?.grant === undefined) return null;
  return { quarantineId: decoded.review.quarantine, expiresMs: decoded.review.grant.expires };
}

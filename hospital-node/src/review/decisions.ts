/**
 * The steps of a review as transactions: each signed by the person who takes it, each carrying the version she saw. The
 * rules (four eyes, holder, states) are the ledger's; what is refused here is only what would be refused there anyway.
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Finding } from '@bhschain/chaincode-hooks/events';
import type { FabricConnection } from '../fabric/connection.js';
import type { FabricIdentity } from '../fabric/identity.js';
import { ReviewError } from './errors.js';
import { reviewErrorOf } from './problem.js';
import type { HoldDetail, ReviewStore } from './review-store.js';

export type StepCommand =
  | { readonly step: 'claim' | 'unclaim' }
  | {
      readonly step: 'approve' | 'return' | 'escalate' | 'appeal' | 'close';
      readonly reason: string;
    }
  | {
      readonly step: 'propose';
      readonly action: 'release' | 'reject';
      readonly finding: Finding;
      readonly reason: string;
    };

export interface Decisions {
  /** Submits one step, waits until this node has read its block, and gives the hold as it then is. */
  take(o: {
    readonly txId: string;
    readonly expectedVersion: number;
    readonly command: StepCommand;
    readonly identity: FabricIdentity;
  }): Promise<HoldDetail & { readonly stepTxId: string }>;
}

export interface DecisionOptions {
  readonly review: ReviewStore;
  readonly fabric: Pick<FabricConnection, 'submit'>;
  readonly mspId: string;
  /** Longest wait for the block to arrive here; the answer is then still true, only the read may lag. */
  readonly readBackMs?: number;
}

const READ_BACK_TURN_MS = 20;

export function createDecisions(options: DecisionOptions): Decisions {
  const { review, fabric, mspId } = options;
  return {
    async take({ txId, expectedVersion, command, identity }) {
      const before = await review.summary(txId);
      const second = command.step === 'approve' || command.step === 'return';
      // The ledger may ask for a second person of another hospital, so that part is left to it.
      if (before.mspId !== mspId && !second) {
        throw new ReviewError(
          'ERR_HOLD_FOREIGN',
          `This access belongs to ${before.mspId}; only its own people decide it.`,
          { txId, mspId: before.mspId },
        );
      }
      if (before.version !== expectedVersion) throw stale(txId, expectedVersion, before.version);
      let stepTxId: string;
      try {
        const args = [txId, String(expectedVersion), ...(await extraArguments(command, review))];
        const said = wordsOf(command);
        ({ txId: stepTxId } = await fabric.submit(`QuarantineContract:${command.step}`, args, {
          identity,
          ...(said === null ? {} : { beforeSend: (id) => review.keepStepReason(id, said) }),
        }));
      } catch (error) {
        throw reviewErrorOf(error);
      }
      const turns = Math.ceil((options.readBackMs ?? 5_000) / READ_BACK_TURN_MS);
      for (let turn = 0; turn < turns; turn++) {
        if ((await review.summary(txId)).version > expectedVersion) break;
        await delay(READ_BACK_TURN_MS);
      }
      return { ...(await review.detail(txId)), stepTxId };
    },
  };
}

/** The ledger has no place for these reasons, so the hospital keeps them under the id of the step's transaction. */
function wordsOf(command: StepCommand): string | null {
  const onLedger = command.step === 'propose' || command.step === 'return';
  return onLedger || !('reason' in command) ? null : command.reason;
}

async function extraArguments(command: StepCommand, review: ReviewStore): Promise<string[]> {
  if (command.step === 'propose') {
    return [command.action, command.finding, await review.keepReason(command.reason)];
  }
  if (command.step === 'return') {
    return [await review.keepReason(command.reason)];
  }
  return [];
}

function stale(txId: string, expected: number, current: number): ReviewError {
  return new ReviewError(
    'ERR_HOLD_STALE',
    `You saw version ${expected} of this hold, it is now at ${current}. Look at what changed, then decide again.`,
    { txId, expected, current },
  );
}

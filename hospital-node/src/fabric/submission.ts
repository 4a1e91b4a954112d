/**
 * One submission to its end, whatever the network does: the rules of retrying, over a port of five small actions.
 *
 * A failed *endorsement* has left no trace, so a new proposal is always safe. A failed *send* means unknown: the
 * envelope may be in an orderer's pool. Then the id is looked up, and only the very same envelope is sent again (a
 * second copy of it can never take effect twice: the transaction id is its hash).
 * @module
 */
import { fullJitterMs, sleep, type RandomUnit } from './backoff.js';
import { GatewayUnavailableError, TransactionInvalidError, UnknownOutcomeError } from './errors.js';
import { errorOf, failureOf } from './failure.js';

export interface SubmissionPort {
  readonly endpoints: readonly string[];
  /** The gateway that is tried first; `prefer` moves it for everybody. */
  readonly current: number;
  prefer(endpoint: number): void;
  /** A new proposal, hence a new transaction id. */
  propose(endpoint: number): Attempt;
  /** Waits for the commit of an id, at most `deadlineMs`. Throws a GatewayError. */
  status(endpoint: number, transactionId: string, deadlineMs: number): Promise<CommitFact>;
  /** Looks an id up in the ledger; null: this peer does not have it (yet). Throws a GatewayError. */
  lookup(endpoint: number, transactionId: string): Promise<CommitFact | null>;
}

export interface Attempt {
  readonly transactionId: string;
  endorse(): Promise<EndorsedAttempt>;
}

export interface EndorsedAttempt {
  readonly result: Uint8Array;
  send(endpoint: number): Promise<void>;
}

export interface CommitFact {
  readonly validationCode: number;
  /** null when it was found by look-up, which does not say. */
  readonly blockNumber: bigint | null;
}

export interface SubmitOutcome {
  readonly txId: string;
  /** Fabric's validation code; always 0 here, others throw. */
  readonly code: 0;
  readonly blockNumber: bigint | null;
  readonly result: Uint8Array;
  readonly attempts: number;
}

/** Why something was tried again; for metrics and for the log. */
export type RetryCause = 'mismatch' | 'unreachable' | 'starting' | 'conflict' | 'unknown';

export interface SubmissionOptions {
  readonly now: () => number;
  readonly random: RandomUnit;
  readonly retriesMax: number;
  readonly startingPatienceMs: number;
  readonly statusDeadlineMs: number;
  /** How long an envelope without an answer may still commit: the orderers' auto-remove timeout + 30 s. */
  readonly unknownPatienceMs: number;
  readonly onRetry: (cause: RetryCause) => void;
  /** Awaited before the envelope is sent: the place to write the id down durably. */
  readonly beforeSend?: ((transactionId: string) => void | Promise<void>) | undefined;
}

export async function runSubmission(
  port: SubmissionPort,
  o: SubmissionOptions,
): Promise<SubmitOutcome> {
  const used: Record<RetryCause, number> = {
    mismatch: 0,
    unreachable: 0,
    starting: 0,
    conflict: 0,
    unknown: 0,
  };
  const startedMs = o.now();
  const again = async (cause: RetryCause, waitMs: number): Promise<void> => {
    used[cause] += 1;
    o.onRetry(cause);
    await sleep(waitMs);
  };
  for (let attempts = 1; ; attempts += 1) {
    const endpoint = port.current;
    const attempt = port.propose(endpoint);
    let endorsed: EndorsedAttempt;
    try {
      endorsed = await attempt.endorse();
    } catch (error) {
      const failure = failureOf(error);
      if (failure.kind === 'mismatch' && used.mismatch < o.retriesMax) {
        // A block that one peer has and another has not takes a slow disk a second.
        await again(
          'mismatch',
          50 + fullJitterMs(used.mismatch, { baseMs: 400, capMs: 2_000, random: o.random }),
        );
      } else if (failure.kind === 'unreachable') {
        if (used.unreachable >= o.retriesMax + port.endpoints.length - 1) {
          throw new GatewayUnavailableError({
            endpoints: port.endpoints,
            detail: failure.detail,
            cause: error,
          });
        }
        port.prefer((endpoint + 1) % port.endpoints.length);
        await again(
          'unreachable',
          fullJitterMs(used.unreachable, { baseMs: 200, capMs: 5_000, random: o.random }),
        );
      } else if (failure.kind === 'starting' && o.now() - startedMs < o.startingPatienceMs) {
        await again('starting', 500);
      } else {
        throw errorOf(failure, error);
      }
      continue;
    }
    await o.beforeSend?.(attempt.transactionId);
    const fact = await sendAndSettle(port, { ...attempt, ...endorsed, endpoint }, o);
    if (fact.validationCode === 0) {
      return {
        txId: attempt.transactionId,
        code: 0,
        blockNumber: fact.blockNumber,
        result: endorsed.result,
        attempts,
      };
    }
    const conflict = fact.validationCode === 11 || fact.validationCode === 12;
    if (!conflict || used.conflict >= o.retriesMax) {
      throw new TransactionInvalidError({
        transactionId: attempt.transactionId,
        validationCode: fact.validationCode,
        attempts,
      });
    }
    await again(
      'conflict',
      fullJitterMs(used.conflict, { baseMs: 100, capMs: 1_000, random: o.random }),
    );
  }
}

interface Sending {
  readonly transactionId: string;
  readonly endpoint: number;
  send(endpoint: number): Promise<void>;
}

async function sendAndSettle(
  port: SubmissionPort,
  sending: Sending,
  o: SubmissionOptions,
): Promise<CommitFact> {
  let sent = true;
  try {
    await sending.send(sending.endpoint);
  } catch (error) {
    failureOf(error); // what is not a gateway's error is ours, and passes
    sent = false;
  }
  return settle(port, sending, sent, o);
}

/** Asks one gateway after the other until the id has a code or the time is up. */
async function settle(
  port: SubmissionPort,
  sending: Sending,
  sentAtFirst: boolean,
  o: SubmissionOptions,
): Promise<CommitFact> {
  const startedMs = o.now();
  let sent = sentAtFirst;
  for (let turn = 0; ; turn += 1) {
    const endpoint = (sending.endpoint + turn) % port.endpoints.length;
    const deadlineMs = sent ? o.statusDeadlineMs : Math.min(3_000, o.statusDeadlineMs);
    try {
      return await port.status(endpoint, sending.transactionId, deadlineMs);
    } catch (error) {
      failureOf(error);
      o.onRetry('unknown');
      const found = await port.lookup(endpoint, sending.transactionId).catch(() => null);
      if (found !== null) return found;
      const waitedMs = o.now() - startedMs;
      if (waitedMs >= o.unknownPatienceMs) {
        throw new UnknownOutcomeError({
          transactionId: sending.transactionId,
          waitedMs,
          cause: error,
        });
      }
      const next = (endpoint + 1) % port.endpoints.length;
      sent = await sending.send(next).then(
        () => true,
        () => sent,
      );
      await sleep(fullJitterMs(turn, { baseMs: 200, capMs: 5_000, random: o.random }));
    }
  }
}

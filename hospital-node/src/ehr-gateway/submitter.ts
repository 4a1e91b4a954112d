/**
 * One call from intent to outcome, exactly once as far as the ledger can tell: the transaction id is on the disk before
 * the envelope is sent, and a call whose id is already there is looked up before anything is sent again.
 * @module
 */
import type { DecodedTransaction } from '@bhschain/chaincode-hooks/events';
import type { Logger } from 'pino';
import { fullJitterMs, sleep, type RandomUnit } from '../fabric/backoff.js';
import type { FabricConnection } from '../fabric/connection.js';
import {
  ChaincodeError,
  FabricError,
  TransactionInvalidError,
  UnknownOutcomeError,
} from '../fabric/errors.js';
import type { FabricIdentity } from '../fabric/identity.js';
import { keyOf, type GatewayCall, type Journal, type Outcome } from './journal.js';

const CONTRACT = 'RecordAccessContract';
/** Actors whose detector switches or sessions clash may lose a few races; more than this is a fault to look at. */
const CONFLICT_ROUNDS = 5;

export interface SubmitterOptions {
  readonly fabric: Pick<FabricConnection, 'submit' | 'transaction'>;
  readonly journal: Journal;
  readonly identityOf: (hospital: string, pseudonym: string) => FabricIdentity;
  /** All private handles used so far are on the disk. */
  readonly settled: () => Promise<void>;
  readonly resumePatienceMs: number;
  readonly now: () => number;
  readonly random: RandomUnit;
  readonly log?: Logger;
}

export interface Submitter {
  /** null only if the signal aborted before it was known what became of the call. */
  submit(call: GatewayCall, signal: AbortSignal): Promise<Outcome | null>;
}

export function createSubmitter(o: SubmitterOptions): Submitter {
  const startedMs = o.now();

  const finish = async (
    call: GatewayCall,
    facts: Pick<Outcome, 'txId' | 'disposition' | 'quarantineId' | 'code'>,
  ): Promise<Outcome> => {
    const { eventId, kind, hospital, resubmissionOf } = call;
    const outcome: Outcome = {
      eventId,
      kind,
      hospital,
      function: call.function,
      resubmissionOf,
      atMs: o.now(),
      ...facts,
    };
    await o.journal.record(outcome, call);
    return outcome;
  };

  /** What the ledger already has of this call, from before a crash. */
  const resume = async (call: GatewayCall, signal: AbortSignal): Promise<Outcome | null> => {
    const intents = o.journal.dangling.get(keyOf(call)) ?? [];
    for (const { txId } of intents) {
      const found = await appeared(txId, signal);
      if (found?.code === 0) return finish(call, { txId, ...replyOf(found) });
    }
    return null;
  };

  const appeared = async (
    txId: string,
    signal: AbortSignal,
  ): Promise<DecodedTransaction | null> => {
    for (;;) {
      const found = await o.fabric.transaction(txId);
      const waited = o.now() - startedMs >= o.resumePatienceMs;
      if (found !== null || waited || signal.aborted) return found;
      await sleep(200, signal);
    }
  };

  const send = async (call: GatewayCall): Promise<Outcome> => {
    await o.settled();
    let txId = '';
    try {
      const { result } = await o.fabric.submit(`${CONTRACT}:${call.function}`, call.args, {
        identity: o.identityOf(call.hospital, call.actor),
        beforeSend: async (id) => {
          txId = id;
          await o.journal.intend({ ...call, txId: id });
        },
      });
      return await finish(call, { txId, ...dispositionOf(result) });
    } catch (error) {
      if (error instanceof ChaincodeError) {
        const code = error.chaincodeCode;
        return finish(call, { txId: null, disposition: 'refused', quarantineId: null, code });
      }
      if (error instanceof UnknownOutcomeError) {
        const found = await o.fabric.transaction(error.transactionId);
        if (found?.code === 0) return finish(call, { txId, ...replyOf(found) });
      }
      throw error;
    }
  };

  return {
    async submit(call, signal) {
      if (o.journal.isDone(call)) return null;
      const over = (): boolean => signal.aborted;
      let conflicts = 0;
      for (let turn = 0; !over(); turn += 1) {
        try {
          const resumed = turn === 0 ? await resume(call, signal) : null;
          if (over() && resumed === null) return null;
          return resumed ?? (await send(call));
        } catch (error) {
          if (!(error instanceof FabricError)) throw error;
          if (error instanceof TransactionInvalidError) {
            conflicts += 1;
            if (error.code === 'ERR_FABRIC_INVALID' || conflicts > CONFLICT_ROUNDS) {
              return finish(call, {
                txId: error.transactionId,
                disposition: 'invalid',
                quarantineId: null,
                code: String(error.validationCode),
              });
            }
          }
          o.log?.warn({ code: error.code, function: call.function, turn }, 'call waits');
          await sleep(fullJitterMs(turn, { baseMs: 500, capMs: 15_000, random: o.random }), signal);
        }
      }
      return null;
    },
  };
}

interface Reply {
  readonly disposition: 'allowed' | 'quarantined' | 'denied';
  readonly quarantineId: string | null;
  readonly code: string | null;
}

function replyOf(transaction: DecodedTransaction): Reply {
  return dispositionOf(transaction.response.payload);
}

function dispositionOf(result: Uint8Array): Reply {
  const reply = JSON.parse(Buffer.from(result).toString('utf8')) as {
    disposition: Reply['disposition'];
    quarantineId?: string;
    reason?: string;
  };
  return {
    disposition: reply.disposition,
    quarantineId: reply.quarantineId ?? null,
    code: reply.disposition === 'denied' ? (reply.reason ?? null) : null,
  };
}

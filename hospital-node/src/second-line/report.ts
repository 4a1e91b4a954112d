/**
 * The second line: the hospital finds a committed call strange, by whatever it knows beside the channel, and files a review of
 * it under the node's own identity. The text of the reason stays here, its digest goes onto the channel.
 * Design: fabric §4.8, §5.2.
 * @module
 */
import { HospitalNodeError } from '../errors.js';
import type { FabricConnection } from '../fabric/connection.js';

export interface Report {
  /** The call that is to be reviewed. */
  readonly txId: string;
  readonly actor: string;
  /** `Contract:function`. */
  readonly function: string;
  /** Of the transaction that files the review. */
  readonly reportTxId: string;
}

/**
 * @throws {HospitalNodeError} `ERR_REPORT` if there is no such call, it was not committed validly, or the actor is another
 *   hospital's
 * @throws {ChaincodeError} what the contract says, for example that there is a record of it
 */
export async function reportCall(
  txId: string,
  o: {
    readonly fabric: Pick<FabricConnection, 'transaction' | 'submit'>;
    readonly mspId: string;
    readonly reason: string;
    /** Keeps the text, gives its digest. */
    readonly keepReason: (text: string) => Promise<string>;
  },
): Promise<Report> {
  if (!/^[0-9a-f]{64}$/.test(txId)) throw refusal(txId, 'a transaction id of 64 hex digits');
  if (o.reason.trim() === '') throw refusal(txId, 'a reason in words');
  const found = await o.fabric.transaction(txId);
  if (found === null) throw refusal(txId, 'a transaction of this channel');
  if (found.code !== 0) throw refusal(txId, `a valid transaction; its code is ${found.code}`);
  const { actor, mspId } = found.creator;
  if (mspId !== o.mspId) throw refusal(txId, `a call of ${o.mspId}; it is ${mspId}'s`);
  const digest = await o.keepReason(o.reason);
  const args = [txId, actor, found.function, digest];
  const { txId: reportTxId } = await o.fabric.submit('QuarantineContract:report', args);
  return { txId, actor, function: found.function, reportTxId };
}

function refusal(txId: string, expected: string): HospitalNodeError {
  return new HospitalNodeError('ERR_REPORT', `report ${txId}: expected ${expected}`, {
    txId,
    expected,
  });
}

/**
 * `qscc`, the query system chaincode: chain info, blocks and transactions, asked for through Evaluate.
 * Source: hyperledger/fabric core/scc/qscc/query.go.
 * @module
 */
import { common, peer } from '@hyperledger/fabric-protos';
import type { Ledger } from './ledger.js';

export const SYSTEM_CHAINCODE = 'qscc';

/** Answers like a chaincode: 200 with bytes, or 500 with a sentence. */
export function querySystemChaincode(
  ledger: Ledger,
  channel: string,
  args: readonly Uint8Array[],
): peer.Response {
  const [name = '', about = '', argument = ''] = args.map((arg) => Buffer.from(arg).toString());
  const response = new peer.Response();
  try {
    if (about !== channel) throw new Error(`Invalid chain ID, ${about}`);
    response.setPayload(query(ledger, name, argument));
    response.setStatus(200);
  } catch (error) {
    response.setStatus(500);
    response.setMessage(error instanceof Error ? error.message : String(error));
  }
  return response;
}

function query(ledger: Ledger, name: string, argument: string): Uint8Array {
  switch (name) {
    case 'GetChainInfo': {
      const info = new common.BlockchainInfo();
      info.setHeight(ledger.height);
      info.setCurrentblockhash(ledger.headHash);
      info.setPreviousblockhash(
        ledger
          .block(ledger.height - 1)
          .getHeader()
          ?.getPreviousHash_asU8() ?? new Uint8Array(0),
      );
      return info.serializeBinary();
    }
    case 'GetBlockByNumber': {
      const number = /^\d{1,15}$/.test(argument) ? Number(argument) : -1;
      if (number < 0 || number >= ledger.height) {
        throw new Error(`Failed to get block number ${argument}, error no such block number`);
      }
      return ledger.blockBytes(number);
    }
    case 'GetTransactionByID': {
      const status = ledger.statusOf(argument);
      if (status === null) {
        throw new Error(
          `Failed to get transaction with id ${argument}, error no such transaction ID in index`,
        );
      }
      const processed = new peer.ProcessedTransaction();
      processed.setTransactionenvelope(ledger.envelopeAt(status));
      processed.setValidationcode(status.code);
      return processed.serializeBinary();
    }
    case 'GetBlockByTxID': {
      const status = ledger.statusOf(argument);
      if (status === null) {
        throw new Error(`Failed to get block for txID ${argument}, error no such transaction ID`);
      }
      return ledger.blockBytes(status.block);
    }
    default:
      throw new Error(`Requested function ${name} not found.`);
  }
}

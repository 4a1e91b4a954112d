/**
 * A hello from beside the running node: a command, the doctor. It shows the privacy ledger's head as the node itself does,
 * because an orchestrator that has seen one takes a hello without it for a disk of yesterday.
 * @module
 */
import { join } from 'node:path';
import type { FederationClient, Hello } from '@bhschain/orchestrator/protocol';
import type { NodeConfig } from '../config.js';
import { codeOf } from '../errors.js';
import { readLedger } from '../privacy-ledger/index.js';

export async function greet(
  client: Pick<FederationClient, 'hello'>,
  { stateDir }: NodeConfig,
  o: { readonly software: string; readonly kernelHash?: string },
): Promise<Hello> {
  const hello = (): Promise<Hello> =>
    client.hello({
      software: o.software,
      kernelHash: o.kernelHash ?? '',
      ledgerHead: readLedger(join(stateDir, 'privacy-ledger.jsonl')).head,
    });
  try {
    return await hello();
  } catch (error) {
    // The running node may have shown a newer head between our reading and our call; a second time it cannot be that.
    if (codeOf(error) !== 'ERR_LEDGER_ROLLED_BACK') throw error;
    return await hello();
  }
}

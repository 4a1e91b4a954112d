/**
 * Where the blocks of a stopped demo lie, and who recomputes them: the development ledger's own store, or the block files of
 * the Fabric peers – all of them, since a peer's word is not enough.
 * @module
 */
import { readBlocks, verifyBlocks } from '@bhschain/chaincode-hooks/embedded-peer';
import {
  longestChainDir,
  readPeerBlocks,
  readRecord,
  verifyNetworkChain,
  type Topology,
} from '@bhschain/chaincode-hooks/network';
import { ExperimentError } from '../errors.js';
import type { DemoRecord, StatePaths } from '../demo/state-directory.js';

export interface ChainOnDisk {
  /** Hash chain and data hashes are checked on the way. */
  blocks(): Iterable<{ readonly bytes: Uint8Array; readonly headerHash: Buffer }>;
  /** Everything that can be computed again. @throws BlockCorruptError at the first block that does not hold */
  verify(majority: number): { readonly ok: boolean; readonly detail: string };
}

export function chainOnDisk(paths: StatePaths, record: DemoRecord): ChainOnDisk {
  return record.ledger === 'fabric' ? fabricChain(paths) : developmentChain(paths);
}

function developmentChain(paths: StatePaths): ChainOnDisk {
  return {
    blocks: () => readBlocks(paths.blocks),
    verify(majority) {
      const { blocks, transactions, codes, endorsementsLeast } = verifyBlocks(paths.blocks);
      return {
        ok: blocks > 0 && endorsementsLeast >= majority,
        detail: `${blocks} blocks, ${transactions} transactions (codes ${JSON.stringify(codes)}), at least ${endorsementsLeast} endorsing hospitals each`,
      };
    },
  };
}

function fabricChain(paths: StatePaths): ChainOnDisk {
  const network = (): Topology => {
    const topology = readRecord(paths.network);
    if (topology !== null) return topology;
    throw new ExperimentError('ERR_VERIFY_STATE', `${paths.network} holds no network`, {
      stateDir: paths.root,
    });
  };
  return {
    blocks: () => readPeerBlocks(longestChainDir(network())),
    verify(majority) {
      const topology = network();
      const report = verifyNetworkChain(topology);
      // Of n consenters ⌊(n − 1) / 3⌋ may lie: a block needs ⌈(n + f + 1) / 2⌉ signatures. Under Raft one signs.
      const n = topology.hospitals.length;
      const quorum =
        topology.ordering === 'bft' ? Math.ceil((n + Math.floor((n - 1) / 3) + 1) / 2) : 1;
      const { blocks, transactions, codes, endorsementsLeast, ordererSignaturesLeast } = report;
      return {
        ok: blocks > 1 && endorsementsLeast >= majority && ordererSignaturesLeast >= quorum,
        detail: `${blocks} blocks (peers hold ${report.peerHeights.join(', ')}), ${transactions} transactions (codes ${JSON.stringify(codes)}), at least ${endorsementsLeast} endorsing hospitals each, at least ${ordererSignaturesLeast} orderers' signatures on each block (needed ${quorum})`,
      };
    },
  };
}

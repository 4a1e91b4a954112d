/**
 * `@bhschain/chaincode-hooks/network`: a real Hyperledger Fabric network without containers.
 * @module
 */
export { FABRIC_VERSION, fabricBinaries, type Binaries } from './binaries.js';
export {
  BHSCHAIN,
  serverConfiguration,
  serverPlace,
  type Chaincode,
  type Program,
  type ServerPlace,
} from './chaincode.js';
export { longestChainDir, verifyNetworkChain, type ChainReport } from './chain-verifier.js';
export { surroundings, type Surroundings } from './config.js';
export { administratorOf, rootFileOf } from './crypto-material.js';
export { NetworkError, type NetworkErrorCode } from './errors.js';
export { openNetwork, type FabricNetwork, type UpOptions } from './network.js';
export { chainDir, readPeerBlocks, type PeerBlock } from './peer-blocks.js';
export { freePortBase } from './ports.js';
export { cpuSecondsOf, runningProcesses, stopProcesses, type RunningProcess } from './processes.js';
export { readRecord, wipeDirectory } from './record.js';
export {
  HOST,
  topologyOf,
  type Hospital,
  type NetworkOptions,
  type Organisation,
  type Topology,
} from './topology.js';

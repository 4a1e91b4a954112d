export { loadConfig, type Ceilings, type NodeConfig } from './config.js';
export { startHospitalNode, type HospitalNode } from './node.js';
export { runNodeProcess, type Platform } from './node-process.js';
export type { NodeStatus } from './parts/node-status.js';
export type { Surroundings } from './parts/surroundings.js';
export type { RoundTrainer, Trained, TrainRequest } from './round/round-trainer.js';
export {
  foldReleases,
  readLedger,
  releaseKeyOf,
  spendOf,
  type ReleaseIdentity,
  type ReleaseStage,
  type ReleaseState,
  type SpendReport,
} from './privacy-ledger/index.js';
export {
  AccessLogError,
  ConfigError,
  DetectorRefusedError,
  HospitalNodeError,
  LedgerFileError,
  RoundRefusedError,
  StoreError,
} from './errors.js';
export {
  addPerson,
  PERSON_ROLES,
  type NewPerson,
  type Person,
  type PersonRole,
} from './review/people.js';
export { openNodeDatabase, type NodeDatabase, type StorePlace } from './store/index.js';

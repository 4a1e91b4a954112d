export type { NodeDatabase } from './database.js';
export { engineOf, type Engine } from './engine.js';
export type { Migration } from './migration.js';
export { holderWords, type Holder, type LockState } from './holder.js';
export {
  connectNodeDatabase,
  openNodeDatabase,
  type NodeDatabaseOptions,
  type StorePlace,
} from './node-database.js';
export { untilAnswered } from './patience.js';
export { isPaused, setPaused } from './settings.js';
export { lockServer, serverLockOf, type ServerLock } from './server-lock.js';
export { lockState, stateLockOf, type StateLock } from './state-lock.js';
export { oneRow, rowOf, rowsOf, run, transact } from './statements.js';

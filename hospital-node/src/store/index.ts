export { lockState, type StateLock } from './state-lock.js';
export { engineOf, type Engine } from './engine.js';
export type { Migration } from './migration.js';
export {
  openNodeDatabase,
  type NodeDatabase,
  type NodeDatabaseOptions,
  type StorePlace,
} from './node-database.js';
export { untilAnswered } from './patience.js';
export { isPaused, setPaused } from './settings.js';
export { oneRow, rowOf, rowsOf, run, transact } from './statements.js';

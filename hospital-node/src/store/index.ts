export { lockState, type StateLock } from './state-lock.js';
export type { Migration } from './migration.js';
export { openNodeDatabase, type NodeDatabase, type NodeDatabaseOptions } from './node-database.js';
export { isPaused, setPaused } from './settings.js';

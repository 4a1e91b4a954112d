export {
  createHandles,
  NODE_KEY_BYTES,
  patientHandle,
  type HandleKind,
  type Handles,
} from './handles.js';
export {
  createLogFollower,
  MALFORMED_FROM_LINES,
  MALFORMED_SHARE_MAX,
  type EventCounter,
  type LogFollower,
  type LogFollowerOptions,
  type LogStatus,
  type Place,
} from './log-follower.js';
export { readOrMakeNodeKey } from './node-key.js';
export { PERIOD_MS } from './open-period.js';
export type { WindowLabels, WindowState } from './window-labels.js';
export {
  createWindowStore,
  type Interval,
  type ReadingState,
  type TrainingWindows,
  type WindowStore,
} from './window-store.js';

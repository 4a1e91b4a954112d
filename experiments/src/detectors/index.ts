export { joinMembers, type MemberScores } from './ensemble.js';
export {
  type FittedDetector,
  type SequenceDetector,
  type Session,
  type Standing,
} from './sequence-detector.js';
export { detectorsFor, ENSEMBLE_MEMBERS } from './registry.js';
export { switchedSessions, type SwitchedSessions } from './switched-sessions.js';

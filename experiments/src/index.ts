export { ExperimentError, type ExperimentErrorCode } from './errors.js';
export { verifyState, HOPS, type Claim, type Hop, type VerifyReport } from './verify/index.js';
export { statePaths, type StatePaths } from './demo/state-directory.js';

export {
  createAdam,
  createMomentum,
  type Adam,
  type AdamOptions,
  type Momentum,
} from './optimisers.js';
export { pick, preTrain, type PreTrainingOptions } from './pre-training.js';

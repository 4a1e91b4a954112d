export {
  checkArchitecture,
  DEFAULT_ARCHITECTURE,
  STEPS_MAX,
  WIDTH_MAX,
  type Architecture,
  type ColumnGroup,
} from './architecture.js';
export {
  DEFAULT_LAYOUT_HASH,
  layoutDescription,
  layoutOf,
  type ParameterLayout,
  type TensorLayout,
} from './parameter-layout.js';
export {
  fromFixedPoint,
  PARAMETER_LIMIT,
  PARAMETER_SCALE_LOG2,
  toFixedPoint,
} from './fixed-point.js';
export { initialParameters } from './initial-parameters.js';

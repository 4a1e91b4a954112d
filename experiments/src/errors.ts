/** What can go wrong here, as stable codes. @module */

export type ExperimentErrorCode =
  | 'ERR_DEMO_FLAG'
  | 'ERR_DEMO_NODE_VERSION'
  | 'ERR_DEMO_PORT'
  | 'ERR_DEMO_PROCESS'
  | 'ERR_DEMO_SPARE'
  | 'ERR_DEMO_STATE_FLAGS'
  | 'ERR_DEMO_STATE_FOREIGN'
  | 'ERR_DEMO_STATE_LOCKED'
  | 'ERR_DEMO_STATE_VERSION'
  | 'ERR_DEMO_STOPPED'
  | 'ERR_DEMO_TIMEOUT'
  | 'ERR_EVALUATE_COLUMNS'
  | 'ERR_EVALUATE_DETECTOR'
  | 'ERR_EVALUATE_FILES'
  | 'ERR_EVALUATE_SESSIONS'
  | 'ERR_RUN_QUEUE'
  | 'ERR_RUN_STOPPED'
  | 'ERR_RUN_UNKNOWN'
  | 'ERR_STUDY_CONFIG'
  | 'ERR_STUDY_DATA'
  | 'ERR_VERIFY_STATE';

export class ExperimentError extends Error {
  override readonly name = 'ExperimentError';
  readonly code: ExperimentErrorCode;
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;

  constructor(
    code: ExperimentErrorCode,
    message: string,
    facts: Readonly<Record<string, string | number | boolean | null>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.facts = facts;
  }
}

/**
 * What a command line command has to say: sentences for people, one object for programs, one exit status for both.
 * @module
 */
export interface CommandOutcome {
  readonly sentences: readonly string[];
  readonly facts: object;
  /** 0 fine, 1 a warning or a refusal, 2 a failure. */
  readonly exitCode: 0 | 1 | 2;
}

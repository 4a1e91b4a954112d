/**
 * What a study is to the harness: a schema, the data it reads, and a function of (configuration, seed).
 * @module
 */
import type { TObject } from 'typebox';
import type { Config } from './study-config.js';
import type { CodePart } from './code-hash.js';
import type { StageOutput, StageRequest } from './stages.js';

export interface Study {
  readonly name: string;
  /** One line for people. */
  readonly about: string;
  readonly schema: TObject;
  /** What of the code decides its result; part of a run's name. */
  readonly code: readonly CodePart[];
  /** Content hash of the data read from outside, `''` if there is none; part of a run's name. */
  dataHash(config: Config): string;
  run(config: Config, context: StudyContext): Promise<StudyResult>;
}

export interface StudyContext {
  readonly seed: number;
  /** A step whose result is kept: made only if code, configuration or inputs differ from what made the kept one. */
  stage(request: StageRequest): Promise<StageOutput>;
  /** One line of `metrics.jsonl`. */
  record(line: Readonly<Record<string, unknown>>): void;
  /**
   * Lets messages in, and throws `ERR_RUN_STOPPED` if somebody asked to stop; called between rounds, after their result is on
   * disk. Without it a long computation would hear nobody.
   */
  pause(): Promise<void>;
  say(line: string): void;
  /** Files of the seed's own folder, made before this returns: `model/…`. */
  file(name: string): string;
}

export interface StudyResult {
  /** Flat, by name; what `compare` shows and `repro` compares bit by bit. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Rows for the report, grouped by table. */
  readonly tables: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
  /** SHA-256 of every model that was made. */
  readonly models: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
}

/**
 * What this room refuses, with a stable code; the README says what each one means.
 * @module
 */

export type DatasetErrorCode =
  | 'ERR_DANFO_ABSENT'
  | 'ERR_DATASET_OPTION'
  | 'ERR_EVENT_LOG_MISSING'
  | 'ERR_EVENT_LOG_GZIP'
  | 'ERR_EVENT_LOG_HEADER'
  | 'ERR_EVENT_LOG_MALFORMED'
  | 'ERR_EVENT_LOG_TOO_SMALL'
  | 'ERR_DATASET_MANIFEST'
  | 'ERR_LOG_MAPPING'
  | 'ERR_PARQUET'
  | 'ERR_SCENARIO_CATALOGUE';

export type DatasetFacts = Readonly<Record<string, string | number>>;

export class DatasetError extends Error {
  readonly code: DatasetErrorCode;
  /** What came, what was expected, and where. */
  readonly facts: DatasetFacts;

  constructor(
    code: DatasetErrorCode,
    message: string,
    facts: DatasetFacts = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'DatasetError';
    this.code = code;
    this.facts = facts;
  }
}

/** Checks an integer option at the door. */
export function checkInteger(
  name: string,
  value: number,
  range: Readonly<{ least: number; most: number }>,
): number {
  if (Number.isSafeInteger(value) && value >= range.least && value <= range.most) return value;
  throw new DatasetError(
    'ERR_DATASET_OPTION',
    `${name}: expected an integer from ${range.least} to ${range.most}, got ${value}`,
    { name, got: value, ...range },
  );
}

/** Checks a number option that need not be whole. */
export function checkNumber(
  name: string,
  value: number,
  range: Readonly<{ least: number; most: number }>,
): number {
  if (Number.isFinite(value) && value >= range.least && value <= range.most) return value;
  throw new DatasetError(
    'ERR_DATASET_OPTION',
    `${name}: expected a number from ${range.least} to ${range.most}, got ${value}`,
    { name, got: value, ...range },
  );
}

/** What came, short enough for a message. */
export function pictureOf(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) as string | undefined);
  return (text ?? 'nothing').slice(0, 120);
}

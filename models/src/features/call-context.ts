/**
 * The last argument of every guarded call: `''` or `k=v` pairs joined by `;`, in one fixed order, so that equal contexts
 * are equal bytes. `at`, `time` and `code` are for replayed logs only; the contract refuses them elsewhere.
 * @module
 */

import { FeatureError, pictureOf } from './errors.js';
import {
  ACTIONS,
  CODES_MAX,
  TIME_GRANULARITIES,
  type Action,
  type TimeGranularity,
} from './vocabulary.js';

export interface CallContext {
  /** Declared time of a replayed line; null: the proposal's time counts. */
  readonly atMs: number | null;
  readonly timeGranularity: TimeGranularity;
  readonly code: number | null;
  /** Where it differs from the function's own action. */
  readonly action: Action | null;
  /** Transaction id of the quarantine whose release this call claims. */
  readonly grant: string | null;
}

const EMPTY: CallContext = {
  atMs: null,
  timeGranularity: 'exact',
  code: null,
  action: null,
  grant: null,
};

const FORM =
  /^(?:at=(?<at>0|[1-9]\d{0,14}))?(?:(?:^|;)time=(?<time>[a-z-]+))?(?:(?:^|;)code=(?<code>0|[1-9]\d{0,4}))?(?:(?:^|;)action=(?<action>[a-z]+))?(?:(?:^|;)grant=(?<grant>[0-9a-f]{64}))?$/;

/** @throws {FeatureError} `ERR_CALL_ARGUMENTS` with path `context` */
export function decodeCallContext(text: string): CallContext {
  if (text === '') return EMPTY;
  const groups = FORM.exec(text)?.groups;
  const action = groups?.action as Action | undefined;
  const time = groups?.time as TimeGranularity | undefined;
  const code = groups?.code === undefined ? null : Number(groups.code);
  if (
    groups === undefined ||
    text.startsWith(';') ||
    (action !== undefined && !ACTIONS.includes(action)) ||
    (time !== undefined && (time === 'exact' || !TIME_GRANULARITIES.includes(time))) ||
    (code !== null && code >= CODES_MAX)
  ) {
    throw new FeatureError('ERR_CALL_ARGUMENTS', {
      path: 'context',
      got: pictureOf(text),
      expected:
        'at=<ms>;time=day|case-shifted;code=<n>;action=<action>;grant=<64 hex>, each optional',
    });
  }
  return {
    atMs: groups.at === undefined ? null : Number(groups.at),
    timeGranularity: time ?? 'exact',
    code,
    action: action ?? null,
    grant: groups.grant ?? null,
  };
}

/** The one text of a context. */
export function encodeCallContext(context: Partial<CallContext>): string {
  const { atMs, timeGranularity, code, action, grant } = { ...EMPTY, ...context };
  return [
    atMs === null ? '' : `at=${atMs}`,
    timeGranularity === 'exact' ? '' : `time=${timeGranularity}`,
    code === null ? '' : `code=${code}`,
    action === null ? '' : `action=${action}`,
    grant === null ? '' : `grant=${grant}`,
  ]
    .filter((pair) => pair !== '')
    .join(';');
}

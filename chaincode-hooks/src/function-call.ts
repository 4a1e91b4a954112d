/**
 * Small facts about one call: its digest, its context argument.
 *
 * The context is the last argument of every guarded function: `''`, or `key=value` pairs joined by `;` in the order
 * `at`, `time`, `code`, `action`, `grant`.
 * @module
 */
import { createHash } from 'node:crypto';

import { ChaincodeError } from './errors.js';

const UNIT_SEPARATOR = '\u001f';
const CONTEXT_KEYS = ['at', 'time', 'code', 'action', 'grant'] as const;
const CONTEXT_LENGTH_MAX = 512;

export type CallContext = Readonly<Partial<Record<(typeof CONTEXT_KEYS)[number], string>>>;

/**
 * Hex SHA-256 of function name and arguments, session (first) and context (last) left out: the same request made again in
 * another session has the same digest, and nothing else has.
 */
export function callDigest(functionName: string, args: readonly string[]): string {
  return createHash('sha256')
    .update([functionName, ...args.slice(1, -1)].join(UNIT_SEPARATOR))
    .digest('hex');
}

/**
 * @throws {ChaincodeError} `ERR_ARGUMENT` for an unknown or repeated key, a wrong order, or an empty value
 */
export function parseCallContext(text: string): CallContext {
  if (text === '') return {};
  if (text.length > CONTEXT_LENGTH_MAX) throw malformed('longer than 512 characters');
  const context: Partial<Record<(typeof CONTEXT_KEYS)[number], string>> = {};
  let next = 0;
  for (const pair of text.split(';')) {
    const at = pair.indexOf('=');
    const key = CONTEXT_KEYS.indexOf(pair.slice(0, at) as (typeof CONTEXT_KEYS)[number]);
    const value = pair.slice(at + 1);
    if (at < 1 || key < next || value === '')
      throw malformed('an unknown, repeated or empty entry');
    context[CONTEXT_KEYS[key]!] = value;
    next = key + 1;
  }
  return context;
}

/** The context carries something that only a replay federation may say: a time or a code of the source. */
export function isReplayContext(context: CallContext): boolean {
  return context.at !== undefined || context.time !== undefined || context.code !== undefined;
}

function malformed(got: string): ChaincodeError {
  return new ChaincodeError(
    'ERR_ARGUMENT',
    `context: expected key=value pairs in the order ${CONTEXT_KEYS.join(', ')}, got ${got}`,
  );
}

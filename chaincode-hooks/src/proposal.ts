/**
 * What the proposal's bytes alone say: the call, its context, its session. No state, no clock.
 * @module
 */
import {
  FUNCTION_POLICY,
  FeatureError,
  callFromArguments,
  decodeCallContext,
  type CallContext,
  type GuardedCall,
} from '@bhschain/models/features';

import { BUSINESS_FUNCTIONS, businessCall } from './business-functions.js';
import type { CallFacts } from './disposition.js';
import { callDigest } from './function-call.js';
import type { Call } from './governed-call.js';
import type { Caller } from './guard-context.js';

export interface Proposal {
  readonly name: string;
  readonly class: CallFacts['class'];
  readonly understood: CallFacts['call'];
  readonly call: GuardedCall;
  readonly context: CallContext;
  readonly session: string;
  /** The record handle that the call names; empty if it names none. */
  readonly record: string;
  readonly digest: string;
  /** The transaction's own time; the call's may be declared. */
  readonly filedMs: number;
}

/** Ring of the calls that name no session we can read. */
const NO_SESSION = 'unknown';
const SESSION_FORM = /^[0-9a-f]{16}$/;
const RECORD_FORM = /^H[1-9][0-9]?-[0-9a-f]{16}$/;

/** A call that does not parse is a proposal too: `malformed`, with nothing in it that a detector could judge. */
export function readProposal(call: Call, caller: Caller, filedMs: number): Proposal {
  try {
    return {
      ...unread(call, filedMs, 'malformed'),
      class: classOf(call.name),
      understood: 'understood',
      call: guardedCallOf(call, { ...caller, timeMs: filedMs }),
      context: decodeCallContext(call.args.at(-1) ?? ''),
    };
  } catch (error) {
    if (error instanceof FeatureError) return unread(call, filedMs, 'malformed');
    throw error;
  }
}

/** A call of a function that no contract has. */
export function unknownProposal(call: Call, filedMs: number): Proposal {
  return unread(call, filedMs, 'unknown');
}

function guardedCallOf(
  { name, args }: Call,
  caller: { readonly role: string; readonly mspId: string; readonly timeMs: number },
): GuardedCall {
  const business = BUSINESS_FUNCTIONS[name];
  return business === undefined
    ? callFromArguments(name, args, caller)
    : businessCall(business, args, caller);
}

function classOf(name: string): Proposal['class'] {
  const policy = FUNCTION_POLICY[name]?.class;
  return policy === 'break-glass' || policy === 'shadow' ? policy : 'enforce';
}

function unread({ name, args }: Call, filedMs: number, understood: CallFacts['call']): Proposal {
  const [first = '', second = ''] = args;
  return {
    name,
    class: 'enforce',
    understood,
    call: {
      functionName: 'requestAccess',
      act: 0,
      role: 0,
      purpose: 0,
      section: 0,
      sensitivity: 0,
      breakGlass: false,
      recordTag: 0,
      homeRecord: true,
      recordCount: 1,
      timeMs: filedMs,
      timeGranularity: 'exact',
    },
    context: decodeCallContext(''),
    session: SESSION_FORM.test(first) ? first : NO_SESSION,
    record: RECORD_FORM.test(second) ? second : '',
    digest: callDigest(name, args),
    filedMs,
  };
}

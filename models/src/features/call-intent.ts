/**
 * A call intent: the arguments that an access would send to the ledger, before anybody signs anything.
 * @module
 */

import type { AccessEvent, Handle } from './access-event.js';
import { encodeCallContext } from './call-context.js';
import {
  GUARDED_POLICY,
  guardedFunctionOf,
  type ArgumentName,
  type GuardedFunction,
} from './function-policy.js';
import { recordSetText, type LedgerNames } from './guarded-call.js';

export interface CallIntent {
  readonly functionName: GuardedFunction;
  /** All arguments in the contract's order, session first, context last. */
  readonly args: readonly string[];
  readonly eventId: string;
  /** As the log names the actor; whoever holds the identities turns it into a certificate. */
  readonly actor: Handle;
  /** The ledger's session handle, equal to `args[0]`. */
  readonly session: string;
  readonly timeMs: number;
}

/** The intent of an event, declared time included (a replay federation reads it); null where the event asks nothing of the ledger. */
export function intentFromEvent(event: AccessEvent, names: LedgerNames): CallIntent | null {
  const functionName = guardedFunctionOf(event);
  if (functionName === null) return null;
  const policy = GUARDED_POLICY[functionName];
  const session = names.sessionHandle(event.session ?? event.actor);
  const value: Readonly<Record<ArgumentName, () => string>> = {
    session: () => session,
    record: () => (event.patient === null ? '' : names.recordHandle(event.patient)),
    recordSetDigest: () => names.digestOf(recordSetText(event)),
    ward: () => event.ward ?? '',
    purpose: () => event.purpose,
    section: () => event.section,
    count: () => String(event.recordCount),
    digestBefore: () => names.digestOf(`before ${event.eventId}`),
    digestAfter: () => names.digestOf(`after ${event.eventId}`),
    sizeClass: () => String(Math.max(0, 31 - Math.clz32(Math.min(event.bytes ?? 1, 0xffffffff)))),
    reasonClass: () => event.breakGlassReason,
    context: () =>
      encodeCallContext({
        atMs: event.timeMs,
        timeGranularity: event.timeGranularity,
        code: event.code === null ? null : Number(event.code),
        action: event.action === policy.action ? null : event.action,
      }),
  };
  return {
    functionName,
    args: policy.arguments.map((name) => value[name]()),
    eventId: event.eventId,
    actor: event.actor,
    session,
    timeMs: event.timeMs,
  };
}

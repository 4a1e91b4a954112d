/**
 * What one call carries from the guard to the contract and back. Made anew for every call: contracts have no state.
 * @module
 */
import fabricContractApi from 'fabric-contract-api';

import { canonicalBytes, type JsonObject } from './canonical-json.js';
import { certificateFacts, actorOf } from './certificate.js';
import type { GuardEvent } from './guard-event.js';
import type { ActorClass } from './actor-state.js';

const Context: typeof fabricContractApi.Context = fabricContractApi.Context;

/** Who signed the proposal. */
export interface Caller {
  readonly actor: string;
  readonly mspId: string;
  /** Certificate attribute; empty if there is none. */
  readonly role: string;
  readonly class: ActorClass;
  /** Certificate attribute; empty if there is none. */
  readonly ward: string;
  /** Certificate attribute of a patient's delegate: the record handle that she speaks for. Empty for everybody else. */
  readonly record: string;
}

/** The parts of the guard event that a contract may add. */
export type EventParts = Pick<GuardEvent, 'review' | 'detector' | 'quarantine'>;

export class GuardContext extends Context {
  /** What the business function wanted to emit; travels inside the guard event. */
  innerEvent: { readonly name: string; readonly payload: string } | null = null;
  eventParts: EventParts = {};
  /** The rule that let an access through asks for a review of it. */
  reviewAsked = false;
  readonly #reads = new Map<string, Promise<Uint8Array>>();

  /** The committed value of `key`, empty if there is none; asked of the peer once a call, since a call never sees its own writes. */
  read(key: string): Promise<Uint8Array> {
    const begun = this.#reads.get(key) ?? this.stub.getState(key);
    this.#reads.set(key, begun);
    return begun;
  }

  /** What a business function tells its consumers: travels inside the guard's one event, and only if the call commits. */
  emit(name: string, payload: JsonObject): void {
    this.innerEvent = { name, payload: Buffer.from(canonicalBytes(payload)).toString('base64') };
  }
}

export function callerOf(ctx: GuardContext): Caller {
  const mspId = ctx.clientIdentity.getMSPID();
  const certificatePem = Buffer.from(ctx.clientIdentity.getIDBytes()).toString('utf8');
  const { attributes } = certificateFacts(certificatePem);
  return {
    actor: actorOf(mspId, certificatePem),
    mspId,
    role: attributes['role'] ?? '',
    class: attributes['class'] === 'service' ? 'service' : 'person',
    ward: attributes['ward'] ?? '',
    record: attributes['record'] ?? '',
  };
}

/** The client's claim, which endorsing peers hold to ± 15 minutes of their own clock. */
export function transactionTimeMs(ctx: GuardContext): number {
  const { seconds, nanos } = ctx.stub.getTxTimestamp();
  return seconds.toNumber() * 1000 + Math.floor(nanos / 1_000_000);
}

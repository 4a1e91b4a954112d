/**
 * One line of the native log → one access event under handles, and the guarded call that it is. Everything personal ends here: what leaves this file is
 * keyed hashes and small integers.
 * @module
 */
import {
  callFromEvent,
  decodeAccessEvent,
  FeatureError,
  type AccessEvent,
  type ActorCall,
  type RowOutcome,
} from '@bhschain/models/features';
import { patientHandle, type Handles } from './handles.js';

/** A fault's words never contain what stood in the line. */
export type DecodedLine =
  | {
      readonly kind: 'event';
      /** Under handles. */
      readonly event: AccessEvent;
      /** null: a sound event that asks nothing of the ledger. */
      readonly call: ActorCall | null;
    }
  | { readonly kind: 'malformed'; readonly reason: string };

export interface LineDecoderOptions {
  readonly nodeId: string;
  readonly handles: Handles;
  /** The clock of the source; a line that claims a better one is malformed. */
  readonly timeGranularity: 'exact' | 'day' | 'case-shifted';
}

export type LineDecoder = (text: string) => DecodedLine;

export function createLineDecoder(options: LineDecoderOptions): LineDecoder {
  return (text) => {
    let event: AccessEvent;
    try {
      event = decodeAccessEvent(JSON.parse(text));
    } catch (error) {
      return { kind: 'malformed', reason: reasonOf(error) };
    }
    if (event.nodeId !== options.nodeId) {
      return { kind: 'malformed', reason: `nodeId: expected ${options.nodeId}` };
    }
    if (event.timeGranularity !== options.timeGranularity) {
      return { kind: 'malformed', reason: `timeGranularity: expected ${options.timeGranularity}` };
    }
    const hidden = underHandles(event, options.handles);
    const call = callFromEvent(hidden);
    return {
      kind: 'event',
      event: hidden,
      call:
        call === null
          ? null
          : {
              actor: hidden.actor,
              session: hidden.session ?? '',
              call,
              outcome: outcomeOf(event),
            },
    };
  };
}

function underHandles(event: AccessEvent, handles: Handles): AccessEvent {
  const { session, patient, device } = event;
  return {
    ...event,
    actor: handles.of('actor', event.actor),
    session: session === null ? null : handles.of('session', session),
    patient: patient === null ? null : patientHandle(patient, handles),
    device: device === null ? null : handles.of('device', device),
  };
}

function outcomeOf(event: AccessEvent): RowOutcome {
  if (event.outcome === 'diverted') return 2;
  return event.outcome === 'denied' ? 1 : 0;
}

function reasonOf(error: unknown): string {
  if (error instanceof FeatureError) return `${error.path}: expected ${error.expected}`;
  return error instanceof SyntaxError ? 'not JSON' : 'unreadable';
}

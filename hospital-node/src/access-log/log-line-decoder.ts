/**
 * One line of the native log → one guarded call under handles. Everything personal ends here: what leaves this file is
 * keyed hashes and small integers.
 * @module
 */
import {
  callFromEvent,
  decodeAccessEvent,
  FeatureError,
  homeOf,
  type AccessEvent,
  type ActorCall,
  type RowOutcome,
} from '@bhschain/models/features';
import type { Handles } from './handles.js';

/** `ignored`: a sound event that asks nothing of the ledger. A fault's words never contain what stood in the line. */
export type DecodedLine =
  | { readonly kind: 'call'; readonly eventId: string; readonly call: ActorCall }
  | { readonly kind: 'ignored' }
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
    if (call === null) return { kind: 'ignored' };
    return {
      kind: 'call',
      eventId: event.eventId,
      call: {
        actor: hidden.actor,
        session: hidden.session ?? '',
        call,
        outcome: outcomeOf(event),
      },
    };
  };
}

/** A patient's handle keeps the prefix of its home hospital, which is a feature and not a secret. */
function underHandles(event: AccessEvent, handles: Handles): AccessEvent {
  const { patient } = event;
  const home = patient === null ? null : homeOf(patient);
  return {
    ...event,
    actor: handles.of('actor', event.actor),
    session: event.session === null ? null : handles.of('session', event.session),
    patient:
      patient === null
        ? null
        : `${home === null ? '' : `${home}-`}${handles.of('patient', patient).slice(0, 16)}`,
    device: null,
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

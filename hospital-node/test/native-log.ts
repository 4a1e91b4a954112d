/** Lines of a small hospital's log, made up from a few numbers. */
import { encodeAccessEvent, type AccessEvent } from '@bhschain/models/features';

export const START_MS: number = Date.UTC(2026, 2, 2, 0, 0, 0);
export const HOUR_MS = 3_600_000;
export const PERIOD_MS: number = 6 * HOUR_MS;

export function accessEvent(more: Partial<AccessEvent> & { readonly timeMs: number }): AccessEvent {
  return {
    eventId: `e${more.timeMs}-${more.actor ?? 'nurse-1'}`,
    source: 'native',
    nodeId: 'H1',
    timeBasis: 'recorded',
    timeGranularity: 'exact',
    sequence: null,
    actor: 'nurse-1',
    actorClass: 'person',
    role: 'nurse',
    ward: 'W1',
    session: 's1',
    action: 'read',
    resourceType: 'observation',
    section: 'results',
    sensitivity: 'normal',
    purpose: 'treatment',
    breakGlass: false,
    breakGlassReason: 'none',
    patient: 'P1',
    recordCount: 1,
    bytes: null,
    outcome: 'success',
    channel: 'ui',
    device: null,
    network: 'internal',
    code: null,
    ...more,
  };
}

export function logLine(more: Partial<AccessEvent> & { readonly timeMs: number }): string {
  return `${encodeAccessEvent(accessEvent(more))}\n`;
}

/** `actors` people who do something every `everyMs`, over `[fromMs, toMs)`, in the order of time. */
export function logText(o: {
  readonly fromMs: number;
  readonly toMs: number;
  readonly actors?: number;
  readonly everyMs?: number;
}): string {
  const lines: string[] = [];
  const everyMs = o.everyMs ?? HOUR_MS / 2;
  for (let timeMs = o.fromMs; timeMs < o.toMs; timeMs += everyMs) {
    for (let actor = 0; actor < (o.actors ?? 3); actor++) {
      const step = Math.floor((timeMs - o.fromMs) / everyMs);
      lines.push(
        logLine({
          timeMs: timeMs + actor * 1000,
          actor: `nurse-${actor}`,
          session: `s-${actor}-${Math.floor(timeMs / (4 * HOUR_MS))}`,
          patient: `P${(step * 7 + actor) % 11}`,
          action: step % 5 === 0 ? 'update' : 'read',
        }),
      );
    }
  }
  return lines.join('');
}

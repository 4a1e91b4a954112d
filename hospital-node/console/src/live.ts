/**
 * The node tells what changed; the browser itself comes back after an interruption, with the last event it saw.
 * @module
 */
import { ask, Problem } from './api.js';
import type { Status } from '../../src/http/answers.js';

export interface LiveListener {
  /** Holds were filed or moved on; null: too many to tell which. */
  readonly onHolds: (txIds: ReadonlySet<string> | null) => void;
  /** The list of days differs. */
  readonly onDays: () => void;
  readonly onStatus: (status: Status) => void;
  readonly onConnection: (connected: boolean) => void;
  readonly onSignedOut: () => void;
}

const AGAIN_MS = 5_000;

/** The result ends it. */
export function listen(listener: LiveListener): () => void {
  let source: EventSource | null = null;
  let again: ReturnType<typeof setTimeout> | undefined;
  let isInterrupted = false;
  let isOver = false;
  const open = (): void => {
    source = new EventSource('/api/v1/events');
    source.addEventListener('open', () => {
      listener.onConnection(true);
      // Holds are told again from the last event that came; that the days changed is told once.
      if (isInterrupted) listener.onDays();
      isInterrupted = false;
    });
    source.addEventListener('reset', () => {
      listener.onHolds(null);
    });
    source.addEventListener('holds', (event) => {
      const { changed } = dataOf(event) as {
        readonly changed: readonly { readonly txId: string }[];
      };
      listener.onHolds(new Set(changed.map(({ txId }) => txId)));
    });
    source.addEventListener('days', listener.onDays);
    source.addEventListener('status', (event) => {
      listener.onStatus(dataOf(event) as Status);
    });
    source.addEventListener('session', () => {
      stop();
      listener.onSignedOut();
    });
    source.onerror = () => {
      listener.onConnection(false);
      isInterrupted = true;
      if (source?.readyState === EventSource.CLOSED) void lookAgain();
    };
  };
  // A refused stream does not come back by itself: either nobody is signed in any more, or the node was in trouble.
  const lookAgain = async (): Promise<void> => {
    try {
      await ask('GET', '/session');
    } catch (error) {
      if (!isOver && error instanceof Problem && error.status === 401) {
        stop();
        listener.onSignedOut();
        return;
      }
    }
    if (isOver) return;
    clearTimeout(again);
    again = setTimeout(open, AGAIN_MS);
  };
  const stop = (): void => {
    isOver = true;
    clearTimeout(again);
    source?.close();
  };
  open();
  return stop;
}

function dataOf(event: Event): unknown {
  return JSON.parse((event as Event & { readonly data: string }).data);
}

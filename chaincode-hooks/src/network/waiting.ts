/** Waiting for something to become true, with a bound and a sentence. @module */
import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { NetworkError } from './errors.js';
import { HOST } from './topology.js';

const POLL_MS = 50;

export interface Patience {
  readonly timeoutMs: number;
  /** Aborting makes every wait reject. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks until `attempt` answers true. What it throws is a "not yet", and the reason if time runs out – but for
 * `ERR_NETWORK_PROCESS`: what has ended will not become well by waiting.
 *
 * @throws {NetworkError} `ERR_NETWORK_TIMEOUT` naming `what` and the last reason
 */
export async function until(
  what: string,
  attempt: () => Promise<boolean>,
  { timeoutMs, signal }: Patience,
): Promise<void> {
  const startedMs = performance.now();
  let reason: unknown = null;
  for (;;) {
    signal?.throwIfAborted();
    try {
      if (await attempt()) return;
    } catch (error) {
      if (error instanceof NetworkError && error.code === 'ERR_NETWORK_PROCESS') throw error;
      reason = error;
    }
    if (performance.now() - startedMs > timeoutMs) {
      const said = reason instanceof Error ? `: ${reason.message}` : '';
      throw new NetworkError(
        'ERR_NETWORK_TIMEOUT',
        `${what}: not within ${timeoutMs / 1000} s${said}`,
        { what },
        { cause: reason },
      );
    }
    await sleep(POLL_MS, undefined, { signal });
  }
}

/** Whether a node says that it is well. */
export async function isHealthy(operationsPort: number): Promise<boolean> {
  const response = await fetch(`http://${HOST}:${operationsPort}/healthz`, {
    signal: AbortSignal.timeout(2_000),
  });
  return response.status === 200;
}

export function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: HOST, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

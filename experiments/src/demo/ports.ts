/** Ports on loopback: the analyst pages' are predictable, all others are whatever is free. @module */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { ExperimentError } from '../errors.js';

const DEFAULT_PAGE_PORT = 8787;
const FIRST_PORT = 24_000;
const LAST_PORT = 32_000;
/** Two demonstrations that begin at once look in different places. */
let nextPort = randomInt(FIRST_PORT, LAST_PORT);

/** Whether nothing listens on 127.0.0.1:`port`. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      // Taken, or kept back by the system; anything else would be so for every port.
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    probe.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      probe.close(() => resolve(true));
    });
  });
}

/**
 * `count` free ports, other ones at every call: they are bound only when their process is up. Until then no client and no
 * server on port 0 gets one, since they lie below what systems hand out by themselves; whoever wants one by its number
 * does, and start-up says so.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = nextPort;
    nextPort = port + 1 < LAST_PORT ? port + 1 : FIRST_PORT;
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

/**
 * One port per analyst page.
 *
 * @param asked - a port the user named: taken exactly, or refused; null: from 8787 upwards, skipping what is taken
 * @throws {ExperimentError} `ERR_DEMO_PORT` naming the taken port
 */
export async function pagePorts(asked: number | null, count: number): Promise<number[]> {
  if (asked !== null) {
    const ports = Array.from({ length: count }, (_, index) => asked + index);
    for (const port of ports) {
      if (!(await isFree(port))) {
        throw new ExperimentError(
          'ERR_DEMO_PORT',
          `port ${port} on 127.0.0.1 is in use; stop what listens there, or choose another with --port (${count} ports in a row are needed)`,
          { port },
        );
      }
    }
    return ports;
  }
  const ports: number[] = [];
  for (let port = DEFAULT_PAGE_PORT; ports.length < count; port++) {
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

/** Ports on loopback: the analyst pages' are predictable, all others are whatever is free. @module */
import { createServer } from 'node:net';
import { ExperimentError } from '../errors.js';

const DEFAULT_PAGE_PORT = 8787;

/** Whether nothing listens on 127.0.0.1:`port`. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      probe.close(() => resolve(true));
    });
  });
}

/** `count` distinct free ports chosen by the system. Another program may still take one before we do; then start-up says so. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.once('error', reject);
          server.listen({ host: '127.0.0.1', port: 0 }, () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
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

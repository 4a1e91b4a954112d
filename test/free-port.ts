/**
 * A port for a program that cannot take port 0: somebody has to know it before, or the program comes back to it.
 */
import { createServer } from 'node:net';

/** Below what Linux gives to those who ask for any port (from 32,768) and to connections, so that nobody has it in between. */
const FROM = 11_000;
const SPAN = 9_000;
/** Ports of one process; those that run side by side have numbers near one another. */
const OWN = 16;
let asked = 0;

/** Of 127.0.0.1; nobody listens there now. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FROM + ((process.pid * OWN + asked++) % SPAN);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

/**
 * A TCP proxy between one node and the orchestrator that can be cut, slowed down and made to flip bits. It understands
 * nothing of what passes.
 * @module
 */
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface LinkFaults {
  readonly cut: boolean;
  /** Every chunk that passes has one bit flipped. */
  readonly corrupt: boolean;
  readonly delayMs: number;
  /** Infinity for as fast as it goes. */
  readonly bytesPerSecond: number;
}

export const SOUND: LinkFaults = {
  cut: false,
  corrupt: false,
  delayMs: 0,
  bytesPerSecond: Number.POSITIVE_INFINITY,
};

export interface FaultyLink {
  readonly port: number;
  /** From now on; `cut` also ends the connections that are open. */
  set(faults: LinkFaults): void;
  close(): Promise<void>;
}

export async function openFaultyLink(
  o: Readonly<{ port: number; targetPort: number }>,
): Promise<FaultyLink> {
  let faults = SOUND;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // An end that breaks is what this proxy is for.
    socket.on('error', () => socket.destroy());
  };
  const server = createServer((near) => {
    keep(near);
    if (faults.cut) {
      near.destroy();
      return;
    }
    const far = createConnection({ host: '127.0.0.1', port: o.targetPort });
    keep(far);
    void carry(near, far, () => faults);
    void carry(far, near, () => faults);
  });
  await listen(server, o.port);
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : o.port,
    set: (next) => {
      faults = next;
      if (next.cut) for (const socket of sockets) socket.destroy();
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
}

/** Chunk by chunk, so that what is slow is slow for both ends. */
async function carry(from: Socket, to: Socket, faultsNow: () => LinkFaults): Promise<void> {
  try {
    for await (const data of from) {
      const chunk = data as Buffer;
      const { corrupt, delayMs, bytesPerSecond } = faultsNow();
      if (corrupt) chunk[chunk.length >> 1]! ^= 1;
      const waitMs = delayMs + (chunk.length / bytesPerSecond) * 1_000;
      if (waitMs > 0) await sleep(waitMs);
      if (!to.write(chunk)) await drained(to);
    }
    to.end();
  } catch {
    to.destroy();
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('drain', resolve);
    socket.once('close', resolve);
  });
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      resolve();
    });
  });
}

/** A TCP proxy for tests: cuts after so many bytes, flips a bit, or is slow. What passes through is opaque to it. */
import { createConnection, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface FaultyLink {
  readonly port: number;
  /** Where it leads: a server that was started again has another port. */
  targetPort: number;
  /** Bytes that may still pass towards the server before the connection is cut. */
  cutAfterBytes: number;
  /** Flips one bit in each piece towards the server. */
  corrupt: boolean;
  bytesPerSecond: number;
  /** Bytes that have passed towards the server. */
  passedBytes: number;
  close(): void;
}

export async function openFaultyLink(targetPort: number): Promise<FaultyLink> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((near) => {
    keep(near);
    const far = keep(createConnection({ host: '127.0.0.1', port: link.targetPort }));
    far.once('error', () => near.destroy());
    far.pipe(near);
    near.once('close', () => far.destroy());
    void forward(near, far);
  });
  const forward = async (near: Socket, far: Socket): Promise<void> => {
    try {
      for await (const data of near) {
        const piece = data as Buffer;
        if (piece.length > link.cutAfterBytes) {
          link.cutAfterBytes = Number.POSITIVE_INFINITY;
          near.destroy();
          return;
        }
        link.cutAfterBytes -= piece.length;
        link.passedBytes += piece.length;
        if (link.corrupt) piece[piece.length >> 1]! ^= 1;
        await sleep((piece.length / link.bytesPerSecond) * 1_000);
        far.write(piece);
      }
    } catch {
      far.destroy();
    }
  };
  const link: FaultyLink = {
    port: 0,
    targetPort,
    cutAfterBytes: Number.POSITIVE_INFINITY,
    corrupt: false,
    bytesPerSecond: Number.POSITIVE_INFINITY,
    passedBytes: 0,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(link, { port: (server.address() as { port: number }).port });
}

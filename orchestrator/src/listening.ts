/**
 * A gRPC server behind a door that counts: so many connections at once, and one that says nothing is shown out. grpc-js
 * itself has no limit of either kind.
 * @module
 */
import { createServer, type Socket } from 'node:net';
import type { Server, ServerCredentials } from '@grpc/grpc-js';
import { OrchestratorError } from './errors.js';

/** A listening server. */
export interface ListeningServer {
  readonly port: number;
  close(): Promise<void>;
}

export interface GrpcServer extends ListeningServer {
  /** Closes the connection of a peer, `address:port`; nothing if there is none. */
  showOut(peer: string): void;
}

export interface ConnectionLimits {
  /** Connections at once; beyond it a new one is closed at once. */
  readonly connectionsMax: number;
  /** A connection from which nothing has come after this long is closed. */
  readonly silenceMs: number;
}

export const DEFAULT_CONNECTION_LIMITS: ConnectionLimits = Object.freeze({
  connectionsMax: 1_024,
  silenceMs: 10_000,
});

const DRAIN_MS = 1_000;

/** @throws {OrchestratorError} `ERR_LISTEN` if the address cannot be bound */
export async function listen(
  o: Readonly<{
    server: Server;
    credentials: ServerCredentials;
    host: string;
    port: number;
    limits?: ConnectionLimits;
  }>,
): Promise<GrpcServer> {
  const { connectionsMax, silenceMs } = o.limits ?? DEFAULT_CONNECTION_LIMITS;
  const injector = o.server.createConnectionInjector(o.credentials);
  const open = new Set<Socket>();
  const door = createServer((socket) => {
    open.add(socket);
    const silence = setTimeout(() => {
      // After a stall timers come before what has arrived meanwhile: that is read first.
      setImmediate(() => {
        if (socket.bytesRead === 0) socket.destroy();
      });
    }, silenceMs).unref();
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      clearTimeout(silence);
      open.delete(socket);
    });
    injector.injectConnection(socket);
  });
  door.maxConnections = connectionsMax;
  const port = await bind(door, o.host, o.port);
  return {
    port,
    showOut: (peer) => {
      for (const socket of open) if (peerOf(socket) === peer) socket.destroy();
    },
    close: async () => {
      const closed = new Promise((resolve) => door.close(resolve));
      injector.drain(DRAIN_MS);
      await shutDown(o.server);
      injector.destroy();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

/** As grpc-js names the peer of a call. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}

function bind(door: ReturnType<typeof createServer>, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    door.once('error', (cause) => {
      reject(
        new OrchestratorError(
          'ERR_LISTEN',
          `listen: ${host}:${port} cannot be bound: ${cause.message}`,
          { host, port },
          cause,
        ),
      );
    });
    door.listen(port, host, () => {
      const address = door.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

/** Lets calls end for a moment, then ends them. */
function shutDown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, DRAIN_MS);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

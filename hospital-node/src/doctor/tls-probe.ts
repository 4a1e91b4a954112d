/**
 * One handshake with the orchestrator, looked at from outside: chain, names, protocol. No trust decision is taken here,
 * so that each of them can be told apart.
 * @module
 */
import { isIP } from 'node:net';
import { checkServerIdentity, connect, type PeerCertificate } from 'node:tls';
import { SERVER_NAME } from '@bhschain/orchestrator/protocol';
import type { NodeConfig } from '../config.js';
import { readIdentityFiles } from '../enrolment/node-identity.js';

export interface TlsProbe {
  /** null: the chain ends in our authority and every certificate in it is valid now. */
  readonly chainFault: string | null;
  /** null: the certificate carries the name that we dial. */
  readonly nameFault: string | null;
  readonly names: string;
  readonly protocol: string | null;
  readonly alpn: string | null;
  readonly serverNotAfter: string;
}

const TIMEOUT_MS = 3_000;

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export function endpointOf(address: string): Endpoint {
  const colon = address.lastIndexOf(':');
  return {
    host: address.slice(0, colon).replace(/^\[|\]$/g, ''),
    port: Number(address.slice(colon + 1)),
  };
}

/** @throws what node:tls throws if there is no handshake at all */
export function probeTls({ federation }: NodeConfig): Promise<TlsProbe> {
  const { host, port } = endpointOf(federation.address);
  const { ca, certificate, privateKey } = readIdentityFiles(federation.tls);
  // RFC 6066 has no addresses in the server name; the authority certifies one name for all orchestrators of its own.
  const name = isIP(host) === 0 ? host : SERVER_NAME;
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      servername: name,
      ca,
      cert: certificate,
      key: privateKey,
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['h2'],
      // Told apart below instead of refused in one go.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      timeout: TIMEOUT_MS,
    });
    const fault = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.once('error', fault);
    socket.once('timeout', () => fault(new Error(`no handshake within ${TIMEOUT_MS} ms`)));
    socket.once('secureConnect', () => {
      const peer: PeerCertificate = socket.getPeerCertificate();
      const probe: TlsProbe = {
        chainFault: socket.authorized ? null : String(socket.authorizationError),
        nameFault: checkServerIdentity(name, peer)?.message ?? null,
        names: peer.subjectaltname ?? '',
        protocol: socket.getProtocol(),
        alpn: socket.alpnProtocol === false ? null : socket.alpnProtocol,
        serverNotAfter: peer.valid_to,
      };
      socket.destroy();
      resolve(probe);
    });
  });
}

/**
 * Why a server does not let us in. A Node.js server verifies the client's certificate after the handshake and then just
 * hangs up, and grpc-js says only that it failed to connect; so we look at our own certificate and shake hands once more.
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect } from 'node:tls';
import { SERVER_NAME } from './identifiers.js';
import { isLinkDamage } from './link-damage.js';

export interface TlsIdentity {
  /** `host:port` */
  readonly address: string;
  /** PEM */
  readonly ca: string;
  readonly certificate: string;
  readonly privateKey: string;
}

const PROBE_MS = 5_000;
const SECOND_PROBE_MS = 300;

/** One sentence if TLS is the reason, null if it is not or cannot be told. */
export async function tlsRefusalOf(identity: TlsIdentity, nowMs: number): Promise<string | null> {
  const own = new X509Certificate(identity.certificate);
  const [from, to] = [Date.parse(own.validFrom), Date.parse(own.validTo)];
  const name = own.subject.replaceAll('\n', ', ');
  if (nowMs >= to) return `our certificate (${name}) expired on ${new Date(to).toISOString()}`;
  if (nowMs < from) {
    return `our certificate (${name}) is not good before ${new Date(from).toISOString()}`;
  }
  const first = await probe(identity);
  if (first === null) return null;
  // A server that is going down hangs up, too; the next moment it is not there.
  await sleep(SECOND_PROBE_MS);
  const second = await probe(identity);
  return second === null
    ? null
    : `${second} (${name}, issued by ${own.issuer.replaceAll('\n', ', ')})`;
}

/** What went wrong in one handshake, or null if nothing did or it is not about certificates. */
function probe(identity: TlsIdentity): Promise<string | null> {
  const { address } = identity;
  const host = address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port: Number(address.slice(address.lastIndexOf(':') + 1)),
      servername: isIP(host) === 0 ? host : SERVER_NAME,
      ca: identity.ca,
      cert: identity.certificate,
      key: identity.privateKey,
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['h2'],
    });
    let shaken = false;
    const answer = (reason: string | null): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(reason);
    };
    const timer = setTimeout(() => {
      answer(null);
    }, PROBE_MS);
    socket.once('secureConnect', () => {
      shaken = true;
    });
    // Whoever is let in hears the server's HTTP/2 settings.
    socket.once('data', () => {
      answer(null);
    });
    socket.once('end', () => {
      answer(shaken ? 'the server does not accept our certificate' : null);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? '';
      const aboutTls = /^(ERR_(SSL|TLS)|CERT_|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO)/.test(code);
      answer(
        aboutTls && !isLinkDamage(code) ? `the handshake failed: ${code} ${error.message}` : null,
      );
    });
  });
}

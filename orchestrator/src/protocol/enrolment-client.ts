/**
 * How a hospital gets its first certificate: the authority is checked against the pin of the invitation before anything
 * is sent; the key is made here and never leaves.
 * @module
 */
// @peculiar/x509 does not load without it, and it must come first.
import 'reflect-metadata';
import { createHash, createPrivateKey, sign, webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { Client, credentials } from '@grpc/grpc-js';
import * as x509 from '@peculiar/x509';
import { FederationError } from '../errors.js';
import { EnrolmentServiceService as rpc } from './generated/federation.js';
import { nodeUri, SERVER_NAME } from './identifiers.js';
import { keyFingerprint, type Invitation } from './invitation.js';
import { signDocument } from './signing.js';
import { unaryCall, type UnaryMethod } from './unary-call.js';

x509.cryptoProvider.set(webcrypto);

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

export interface EnrolmentKey {
  /** PEM (PKCS#8) */
  readonly privateKey: string;
  /** PKCS#10 in DER */
  readonly csr: Uint8Array;
  /** What the administrator reads out, too. */
  readonly fingerprint: string;
}

/** A new P-256 key and the request for its certificate. Keep the key with mode 0600. */
export async function createEnrolmentKey(
  o: Readonly<{ federationId: string; nodeId: string }>,
): Promise<EnrolmentKey> {
  const keys = await webcrypto.subtle.generateKey(P256, true, ['sign', 'verify']);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: `CN=${o.nodeId}`,
    keys,
    signingAlgorithm: P256,
    extensions: [
      new x509.SubjectAlternativeNameExtension([
        { type: 'url', value: nodeUri(o.federationId, o.nodeId) },
      ]),
    ],
  });
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const spki = new Uint8Array(await webcrypto.subtle.exportKey('spki', keys.publicKey));
  const lines = pkcs8.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    privateKey: `-----BEGIN PRIVATE KEY-----\n${lines.join('\n')}\n-----END PRIVATE KEY-----\n`,
    csr: new Uint8Array(request.rawData),
    fingerprint: keyFingerprint(spki),
  };
}

export interface MspIdentity {
  readonly mspId: string;
  /** PEM */
  readonly certificate: string;
  readonly privateKey: string;
}

export type EnrolmentAnswer =
  | Readonly<{ state: 'pending' }>
  | Readonly<{ state: 'refused'; reason: string }>
  | Readonly<{
      state: 'approved';
      certificate: string;
      ca: string;
      federationDocument: Uint8Array;
      /** `host:port` of FederationService. */
      address: string;
    }>;

export interface EnrolmentClient {
  /** PEM of the authority, checked against the pin. */
  readonly ca: string;
  /** Asking again with the same key gives the same request. */
  request(
    key: EnrolmentKey,
    msp: MspIdentity,
  ): Promise<Readonly<{ requestId: string; fingerprint: string; expiresAtMs: number }>>;
  poll(requestId: string, key: EnrolmentKey): Promise<EnrolmentAnswer>;
  close(): void;
}

/**
 * Connects to the address of an invitation.
 * @throws {FederationError} `ERR_TLS_REFUSED` if the authority there is not the pinned one, `ERR_UNREACHABLE`
 */
export async function connectEnrolment(invitation: Invitation): Promise<EnrolmentClient> {
  const ca = await pinnedAuthority(invitation);
  const host = hostOf(invitation.address);
  const client = new Client(
    invitation.address,
    credentials.createSsl(Buffer.from(ca)),
    isIP(host) === 0 ? {} : { 'grpc.ssl_target_name_override': SERVER_NAME },
  );
  const unary = <Request, Answer>(
    method: UnaryMethod<Request, Answer>,
    request: Request,
  ): Promise<Answer> => unaryCall(client, method, request, 10_000);
  return {
    ca,
    request: async (key, msp) => {
      const proof = mspProof(key.csr, invitation.token);
      const answer = await unary(rpc.requestEnrolment, {
        token: invitation.token,
        nodeId: invitation.nodeId,
        csr: Buffer.from(key.csr),
        mspId: msp.mspId,
        mspCertificate: msp.certificate,
        mspSignature: sign('sha256', proof, createPrivateKey(msp.privateKey)),
      });
      return {
        requestId: answer.requestId,
        fingerprint: answer.fingerprint,
        expiresAtMs: Number(answer.expiresAtMs),
      };
    },
    poll: async (requestId, key) => {
      const signature = signDocument(
        'bhs-poll-v1',
        Buffer.from(requestId),
        createPrivateKey(key.privateKey),
      );
      const answer = await unary(rpc.pollEnrolment, {
        requestId,
        signature: Buffer.from(signature),
      });
      if (answer.state === 'refused') return { state: 'refused', reason: answer.reason };
      if (answer.state !== 'approved') return { state: 'pending' };
      return {
        state: 'approved',
        certificate: answer.certificate,
        ca: answer.caBundle,
        federationDocument: new Uint8Array(answer.federationDocument),
        address: answer.address,
      };
    },
    close: () => {
      client.close();
    },
  };
}

/** What the hospital's MSP identity signs, so that a stolen invitation is worth nothing without it. */
export function mspProof(csr: Uint8Array, token: string): Uint8Array {
  const digest = (bytes: Uint8Array | string): Buffer =>
    createHash('sha256').update(bytes).digest();
  return Buffer.concat([Buffer.from('bhs-enrol-v1'), digest(csr), digest(token)]);
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}

/** Shakes hands once without trust, only to read the chain, and keeps the certificate whose key is pinned. */
function pinnedAuthority(invitation: Invitation): Promise<string> {
  const port = Number(invitation.address.slice(invitation.address.lastIndexOf(':') + 1));
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: hostOf(invitation.address),
      port,
      servername: SERVER_NAME,
      rejectUnauthorized: false,
      ALPNProtocols: ['h2'],
      timeout: 10_000,
    });
    const fail = (cause: unknown): void => {
      socket.destroy();
      reject(
        cause instanceof FederationError
          ? cause
          : new FederationError('ERR_UNREACHABLE', `${invitation.address} does not answer`, {
              cause,
            }),
      );
    };
    socket.once('error', fail);
    socket.once('timeout', () => {
      fail(new Error('timeout'));
    });
    socket.once('secureConnect', () => {
      const found = chainOf(socket.getPeerCertificate(true)).find(
        (each) => spkiSha256(each) === invitation.caSpkiSha256,
      );
      if (found === undefined) {
        fail(
          new FederationError(
            'ERR_TLS_REFUSED',
            `the authority at ${invitation.address} is not the one of the invitation; do not go on`,
          ),
        );
        return;
      }
      socket.destroy();
      resolve(found.toString());
    });
  });
}

function chainOf(leaf: DetailedPeerCertificate): X509Certificate[] {
  const chain: X509Certificate[] = [];
  // A root is its own issuer; a chain that does not end is cut.
  for (let next = leaf; chain.length < 8; next = next.issuerCertificate) {
    chain.push(new X509Certificate(next.raw));
    if ((next.issuerCertificate as DetailedPeerCertificate | undefined) === undefined) break;
    if (next.issuerCertificate === next) break;
  }
  return chain;
}

function spkiSha256(certificate: X509Certificate): string {
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('hex');
}

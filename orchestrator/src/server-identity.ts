/**
 * The certificate that our servers show and the authorities whose certificates they accept, kept fresh while the process
 * runs: a new certificate at two thirds of its life, and both at once when one authority takes over from another.
 * @module
 */
import { X509Certificate } from 'node:crypto';
import type { experimental } from '@grpc/grpc-js';
import type { Authority, IssuedIdentity } from './enrolment/authority.js';
import { SILENT, type Log } from './federation.js';

type CaListener = experimental.CaCertificateUpdateListener;
type IdentityListener = experimental.IdentityCertificateUpdateListener;

export interface ServerIdentityOptions {
  readonly authority: Authority;
  /** Names and addresses that hospitals dial. */
  readonly serverNames: readonly string[];
  readonly nowMs: () => number;
  readonly log?: Log;
}

const LOOK_EVERY_MS = 60_000;

/** What grpc-js asks for certificates; it applies a change to the connections that come after it. */
export class ServerIdentity implements experimental.CertificateProvider {
  readonly #o: ServerIdentityOptions;
  readonly #caListeners = new Set<CaListener>();
  readonly #identityListeners = new Set<IdentityListener>();
  #identity: IssuedIdentity;
  #timer: NodeJS.Timeout;

  private constructor(options: ServerIdentityOptions, identity: IssuedIdentity) {
    this.#o = options;
    this.#identity = identity;
    this.#timer = setInterval(() => {
      this.refresh().catch((cause: unknown) => {
        const error = cause instanceof Error ? cause.message : 'unknown';
        (options.log ?? SILENT).error({ error }, 'server certificate not renewed');
      });
    }, LOOK_EVERY_MS).unref();
  }

  static async open(options: ServerIdentityOptions): Promise<ServerIdentity> {
    const { authority, serverNames, nowMs } = options;
    return new ServerIdentity(options, await authority.issueServer(serverNames, nowMs()));
  }

  get identity(): IssuedIdentity {
    return this.#identity;
  }

  /** Makes a new certificate if the present one is due or of an authority that certifies no more. */
  async refresh(): Promise<void> {
    const { authority, serverNames, nowMs } = this.#o;
    const shown = new X509Certificate(this.#identity.certificate);
    const issuer = new X509Certificate(authority.certificatePem);
    const current = shown.checkIssued(issuer) && !isDue(shown, nowMs());
    if (current && this.#identity.ca === authority.bundlePem) return;
    this.#identity = current
      ? { ...this.#identity, ca: authority.bundlePem }
      : await authority.issueServer(serverNames, nowMs());
    for (const listener of this.#caListeners) listener(this.#ca());
    for (const listener of this.#identityListeners) listener(this.#own());
  }

  close(): void {
    clearInterval(this.#timer);
  }

  addCaCertificateListener(listener: CaListener): void {
    this.#caListeners.add(listener);
    // Not at once: grpc-js registers itself before it can pass an answer on.
    queueMicrotask(() => {
      listener(this.#ca());
    });
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.#caListeners.delete(listener);
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.add(listener);
    queueMicrotask(() => {
      listener(this.#own());
    });
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#identityListeners.delete(listener);
  }

  #ca(): experimental.CaCertificateUpdate {
    return { caCertificate: Buffer.from(this.#identity.ca) };
  }

  /** The authorities travel in the chain, so that a newcomer can compare them with the pin of its invitation. */
  #own(): experimental.IdentityCertificateUpdate {
    return {
      certificate: Buffer.from(`${this.#identity.certificate}${this.#identity.ca}`),
      privateKey: Buffer.from(this.#identity.privateKey),
    };
  }
}

/** Past two thirds of its life. */
export function isDue(certificate: X509Certificate, nowMs: number): boolean {
  const fromMs = Date.parse(certificate.validFrom);
  const toMs = Date.parse(certificate.validTo);
  return nowMs > fromMs + ((toMs - fromMs) * 2) / 3;
}

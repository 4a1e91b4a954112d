/**
 * Enrolment: an invitation is used once, by one key, of one node, with the consent of that hospital's MSP; a person
 * compares fingerprints and approves. Design: federation §4.
 * @module
 */
import { createPublicKey, randomBytes, verify, X509Certificate } from 'node:crypto';
import { sha256Hex } from '@bhschain/dp';
import { FederationError, OrchestratorError } from '../errors.js';
import { mspProof } from '../protocol/enrolment-client.js';
import { encodeInvitation, keyFingerprint } from '../protocol/invitation.js';
import { isIssuedBy, isSignatureValid } from '../protocol/signing.js';
import { isName } from '../protocol/identifiers.js';
import type { EnrolmentRequest, FederationStore, NodeRow } from '../store/store.js';
import { spkiOfRequest, type Authority } from './authority.js';

export interface EnrolmentDeskOptions {
  readonly federationId: string;
  readonly authority: Authority;
  readonly store: FederationStore;
  readonly nowMs: () => number;
}

const TRIES_MAX = 5;
const TRIES_WINDOW_MS = 600_000;
const REQUEST_LIFE_MS = 7 * 86_400_000;

export class EnrolmentDesk {
  readonly #o: EnrolmentDeskOptions;

  constructor(options: EnrolmentDeskOptions) {
    this.#o = options;
  }

  /** One line for the hospital. Only the token's hash is stored. */
  async invite(
    o: Readonly<{
      nodeId: string;
      address: string;
      lifeMs: number;
      by: string;
      /** For a hospital that is not on record yet: its MSP and the PEM of that MSP's root. */
      msp?: Readonly<{ mspId: string; mspRoot: string }> | undefined;
    }>,
  ): Promise<string> {
    const { store, authority, federationId, nowMs } = this.#o;
    if (o.msp !== undefined) await this.#record(o.nodeId, o.msp);
    const { mspRoot } = await this.#member(o.nodeId);
    if (mspRoot === '') {
      throw new OrchestratorError(
        'ERR_MSP_ROOT',
        `node: ${o.nodeId} has no MSP root on record, so its consent cannot be checked; give --msp-root`,
      );
    }
    const token = randomBytes(16).toString('hex');
    await store.enrolment.addInvite({
      tokenHash: sha256Hex(token),
      nodeId: o.nodeId,
      expiresAtMs: nowMs() + o.lifeMs,
      tries: 0,
      triesSinceMs: nowMs(),
      requestId: '',
    });
    await store.audit.append('invited', nowMs(), { nodeId: o.nodeId, by: o.by });
    return encodeInvitation({
      address: o.address,
      federationId,
      nodeId: o.nodeId,
      token,
      caSpkiSha256: authority.spkiSha256,
    });
  }

  /** A new member starts as invited; one that is on record keeps its MSP. */
  async #record(nodeId: string, msp: Readonly<{ mspId: string; mspRoot: string }>): Promise<void> {
    if (!isName(nodeId) || !isName(msp.mspId)) {
      throw new OrchestratorError(
        'ERR_NODE_NAME',
        'node, msp: expected 1 to 64 of letters, digits, . _ -',
      );
    }
    const { store } = this.#o;
    const members = await store.roster.list();
    const taken = members.find((each) => (each.nodeId === nodeId) !== (each.mspId === msp.mspId));
    if (taken !== undefined) {
      throw new OrchestratorError(
        'ERR_NODE_NAME',
        `node: ${taken.nodeId} of ${taken.mspId} is on record; one node a hospital, one hospital a node`,
      );
    }
    await store.roster.ensure({ nodeId, ...msp, state: 'invited', admitted: false });
  }

  /** @throws {FederationError} `ERR_TOKEN_INVALID`, `ERR_REQUEST`, `ERR_SIGNATURE` */
  async request(
    o: Readonly<{
      token: string;
      nodeId: string;
      csr: Uint8Array;
      mspId: string;
      mspCertificate: string;
      mspSignature: Uint8Array;
    }>,
  ): Promise<EnrolmentRequest> {
    const { store, nowMs } = this.#o;
    const tokenHash = sha256Hex(o.token);
    const invite = await store.enrolment.invite(tokenHash);
    const atMs = nowMs();
    if (invite === null || invite.expiresAtMs <= atMs || invite.nodeId !== o.nodeId) {
      throw tokenInvalid();
    }
    const fresh = atMs - invite.triesSinceMs >= TRIES_WINDOW_MS;
    const tries = fresh ? 1 : invite.tries + 1;
    await store.enrolment.countTry(tokenHash, tries, fresh ? atMs : invite.triesSinceMs);
    if (tries > TRIES_MAX) throw tokenInvalid();

    const { federationId } = this.#o;
    const spki = await spkiOfRequest(o.csr, { federationId, nodeId: o.nodeId });
    await this.#assertConsent(o);
    if (invite.requestId !== '') {
      // `join` again with the same key finds its request; another key finds a token that is used.
      const before = await store.enrolment.request(invite.requestId);
      if (before !== null && sha256Hex(before.csr) === sha256Hex(o.csr)) return before;
      throw tokenInvalid();
    }
    const request: EnrolmentRequest = {
      requestId: randomBytes(16).toString('hex'),
      nodeId: o.nodeId,
      csr: o.csr,
      fingerprint: keyFingerprint(spki),
      state: 'pending',
      reason: '',
      certificate: '',
      createdAtMs: atMs,
      expiresAtMs: atMs + REQUEST_LIFE_MS,
    };
    if (!(await store.enrolment.use(tokenHash, request))) throw tokenInvalid();
    await store.audit.append('enrolment-requested', atMs, {
      nodeId: o.nodeId,
      requestId: request.requestId,
      fingerprint: request.fingerprint,
    });
    return request;
  }

  /** The hospital's MSP must have signed this request with this token. */
  async #assertConsent(
    o: Readonly<{
      nodeId: string;
      csr: Uint8Array;
      token: string;
      mspId: string;
      mspCertificate: string;
      mspSignature: Uint8Array;
    }>,
  ): Promise<void> {
    const { mspId, mspRoot } = await this.#member(o.nodeId);
    const right =
      mspId === o.mspId &&
      mspRoot !== '' &&
      isIssuedBy(o.mspCertificate, [mspRoot]) &&
      isSignedBy(o.mspCertificate, mspProof(o.csr, o.token), o.mspSignature);
    if (!right) {
      throw new FederationError('ERR_SIGNATURE', `the MSP of ${o.nodeId} has not signed this`);
    }
  }

  /** @throws {FederationError} `ERR_TOKEN_INVALID` for an unknown request or a signature of another key */
  async poll(requestId: string, signature: Uint8Array): Promise<EnrolmentRequest> {
    const request = await this.#o.store.enrolment.request(requestId);
    if (request === null) throw tokenInvalid();
    const { federationId } = this.#o;
    const spki = await spkiOfRequest(request.csr, { federationId, nodeId: request.nodeId });
    const key = createPublicKey({ key: Buffer.from(spki), type: 'spki', format: 'der' });
    if (!isSignatureValid('bhs-poll-v1', Buffer.from(requestId), signature, key)) {
      throw tokenInvalid();
    }
    return request;
  }

  /** After two people compared the fingerprint. Repeating it is harmless. */
  async approve(
    o: Readonly<{ requestId: string; fingerprint: string; by: string }>,
  ): Promise<EnrolmentRequest> {
    const { store, authority, nowMs } = this.#o;
    const request = await this.#pending(o.requestId);
    if (request.fingerprint.replaceAll(' ', '') !== o.fingerprint.replaceAll(' ', '')) {
      throw new OrchestratorError(
        'ERR_FINGERPRINT',
        `fingerprint: the request of ${request.nodeId} has another one; do not approve it`,
      );
    }
    const certificate = await authority.signRequest(request.csr, request.nodeId, nowMs());
    // Also brings back a node that was revoked or has left: key, consent and approval are new.
    const decision = { state: 'approved', reason: '', certificate } as const;
    if (!(await store.enrolment.decide(o.requestId, decision))) throw await this.#decided(o);
    await store.audit.append('enrolment-approved', nowMs(), {
      nodeId: request.nodeId,
      requestId: o.requestId,
      by: o.by,
      serial: new X509Certificate(certificate).serialNumber,
    });
    return { ...request, state: 'approved', certificate };
  }

  async refuse(o: Readonly<{ requestId: string; reason: string; by: string }>): Promise<void> {
    const { store, nowMs } = this.#o;
    const request = await this.#pending(o.requestId);
    const { reason } = o;
    const decision = { state: 'refused', reason, certificate: '' } as const;
    if (!(await store.enrolment.decide(o.requestId, decision))) throw await this.#decided(o);
    await store.audit.append('enrolment-refused', nowMs(), {
      nodeId: request.nodeId,
      requestId: o.requestId,
      by: o.by,
      reason,
    });
  }

  async #pending(requestId: string): Promise<EnrolmentRequest> {
    const request = await this.#o.store.enrolment.request(requestId);
    if (request?.state === 'pending' && request.expiresAtMs > this.#o.nowMs()) return request;
    throw await this.#decided({ requestId });
  }

  /** Also for the second of two who decide at once: only one decision is written. */
  async #decided({ requestId }: Readonly<{ requestId: string }>): Promise<OrchestratorError> {
    const request = await this.#o.store.enrolment.request(requestId);
    return new OrchestratorError(
      'ERR_REQUEST_DECIDED',
      `request: expected a pending one, got ${request === null ? 'an unknown one' : `one that is ${request.state}`}`,
    );
  }

  async #member(nodeId: string): Promise<NodeRow> {
    const found = await this.#o.store.roster.find(nodeId);
    if (found !== null) return found;
    throw new OrchestratorError(
      'ERR_NODE_NAME',
      `node: ${nodeId} is not on record; invite it with --msp and --msp-root`,
    );
  }
}

function isSignedBy(certificate: string, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify('sha256', message, new X509Certificate(certificate).publicKey, signature);
  } catch {
    return false;
  }
}

/** Unknown, used, expired, exhausted: they look alike, so that guessing teaches nothing. */
function tokenInvalid(): FederationError {
  return new FederationError('ERR_TOKEN_INVALID', 'the invitation is not valid; ask for a new one');
}

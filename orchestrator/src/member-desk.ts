/**
 * What a member may ask about its own membership: whom to trust, a new certificate, a pause, to leave.
 * @module
 */
import type { Authority } from './enrolment/authority.js';
import { authoriseNode } from './enrolment/roster.js';
import { withdrawNode } from './enrolment/revocation.js';
import { FederationError } from './errors.js';
import type { Signer } from './federation.js';
import type { Caller } from './gates.js';
import type { BudgetDeclaration, Participation } from './protocol/client.js';
import { isSignatureValid, publicKeyOf } from './protocol/signing.js';
import { encodeTrust } from './protocol/trust.js';
import type { FederationStore } from './store/store.js';

export interface MemberDeskOptions {
  readonly store: FederationStore;
  readonly authority: Authority;
  readonly signer: Signer;
  readonly nowMs: () => number;
  /** Called after a change that may have made effects due. */
  readonly wake?: () => void;
}

/** The revocation list as it is signed, and the authorities. */
export interface WireTrust {
  readonly epoch: number;
  readonly document: Uint8Array;
  readonly signature: Uint8Array;
  /** PEM */
  readonly signerCertificate: string;
  readonly ca: string;
}

/** Renewals of one node in a day; a node that asks more often than that is not well. */
const RENEWALS_PER_DAY = 8;
const DAY_MS = 86_400_000;

export class MemberDesk {
  readonly #o: MemberDeskOptions;
  readonly #renewedAtMs = new Map<string, readonly number[]>();

  constructor(options: MemberDeskOptions) {
    this.#o = options;
  }

  /** @throws {FederationError} `ERR_IDENTITY_UNKNOWN`, `ERR_CERTIFICATE_REVOKED` */
  authorise(caller: Caller): Promise<void> {
    return authoriseNode(this.#o.store, caller.nodeId, caller.serial, this.#o.nowMs());
  }

  async trust(): Promise<WireTrust> {
    const { store, signer, authority } = this.#o;
    const revoked = await store.roster.revocations();
    const epoch = revoked.at(-1)?.epoch ?? 0;
    const document = encodeTrust({ epoch, revoked });
    return {
      epoch,
      document,
      signature: signer.sign('bhs-trust-v1', document),
      signerCertificate: signer.certificatePem,
      ca: authority.bundlePem,
    };
  }

  /**
   * @param o.signature - of the key of the present certificate, so that a stolen connection is not enough
   * @throws {FederationError} `ERR_SIGNATURE`, `ERR_BUSY`
   * @throws {OrchestratorError} `ERR_CSR`
   */
  async renew(
    caller: Caller,
    o: Readonly<{ csr: Uint8Array; signature: Uint8Array }>,
  ): Promise<Readonly<{ certificate: string; ca: string }>> {
    const { store, authority, nowMs } = this.#o;
    const atMs = nowMs();
    if (!isSignatureValid('bhs-renew-v1', o.csr, o.signature, publicKeyOf(caller.certificate))) {
      throw new FederationError('ERR_SIGNATURE', 'renewal: not signed by the present key');
    }
    this.#count(caller.nodeId, atMs);
    const certificate = await authority.signRequest(o.csr, caller.nodeId, atMs);
    await store.roster.replaceCertificate({
      serial: caller.serial.toUpperCase(),
      nodeId: caller.nodeId,
      atMs,
    });
    await store.audit.append('certificate-renewed', atMs, {
      nodeId: caller.nodeId,
      replaced: caller.serial,
    });
    return { certificate, ca: authority.bundlePem };
  }

  #count(nodeId: string, atMs: number): void {
    const recent = (this.#renewedAtMs.get(nodeId) ?? []).filter((each) => atMs - each < DAY_MS);
    if (recent.length >= RENEWALS_PER_DAY) {
      const retryAfterMs = DAY_MS - (atMs - recent[0]!);
      throw new FederationError(
        'ERR_BUSY',
        `too many renewals of ${nodeId} today; wait ${retryAfterMs} ms`,
        { retryAfterMs },
      );
    }
    this.#renewedAtMs.set(nodeId, [...recent, atMs]);
  }

  /** Repeating it is harmless; after `leaving` nobody can repeat it. */
  async setParticipation(caller: Caller, participation: Participation): Promise<void> {
    const { store, authority, nowMs } = this.#o;
    const { nodeId } = caller;
    if (participation === 'leaving') {
      await withdrawNode({
        store,
        nodeId,
        state: 'left',
        serials: authority.serialsOf(nodeId),
        reason: 'left the federation',
        by: nodeId,
        nowMs: nowMs(),
      });
      this.#o.wake?.();
      return;
    }
    if ((await store.roster.find(nodeId))?.state === participation) return;
    await store.roster.setState(nodeId, participation);
    await store.audit.append(`member-${participation}`, nowMs(), { nodeId });
  }

  /** @throws {FederationError} `ERR_REQUEST` for numbers that no budget has */
  async declareBudget(caller: Caller, budget: BudgetDeclaration): Promise<void> {
    const { store, nowMs } = this.#o;
    for (const [field, least, most] of BUDGET_BOUNDS) {
      const value = budget[field];
      if (Number.isSafeInteger(value) && value >= least && value <= most) continue;
      throw new FederationError(
        'ERR_REQUEST',
        `${field}: expected an integer from ${least} to ${most}, got ${value}`,
      );
    }
    await store.budgets.declare({ nodeId: caller.nodeId, ...budget, atMs: nowMs() });
  }
}

const EPSILON_MICRO_MAX = 1e9;
const BUDGET_BOUNDS: readonly (readonly [keyof BudgetDeclaration, number, number])[] = [
  ['spentMicro', 0, EPSILON_MICRO_MAX],
  ['ceilingMicro', 1, EPSILON_MICRO_MAX],
  ['horizonDays', 1, 36_500],
  ['deltaExponent', 1, 30],
  ['roundsLeft', 0, 1_000_000],
  ['ledgerSeq', 0, Number.MAX_SAFE_INTEGER],
];

/**
 * What a federation has agreed on, as the running orchestrator uses it: roster, policy, plan, layout, first model.
 * @module
 */
import type { NormBounds } from './aggregation/norm-bounds.js';
import type { HistogramFacts } from './aggregation/screening.js';
import type { Manifest } from './protocol/manifest.js';
import type { SignatureDomain } from './protocol/signing.js';
import type { ReplayMode } from './round/calendar.js';
import type { RoundPolicy } from './round/policy.js';

/** A member that the federation starts with; others join by invitation and stand in the roster only. */
export interface Hospital {
  readonly nodeId: string;
  readonly mspId: string;
  /** PEM of the root of its MSP, for those that may enrol by invitation and review updates. */
  readonly mspRoot?: string;
}

/** The frozen privacy plan, as far as the orchestrator needs to understand it. */
export interface PlanFacts {
  /** Canonical bytes; `hash` is their SHA-256. */
  readonly bytes: Uint8Array;
  readonly hash: string;
  readonly parameterCount: number;
  readonly privacy: Manifest['privacy'];
  readonly bounds: NormBounds;
  /** The histogram of scores that leaves beside the update; null where the federation has not switched it on. */
  readonly histogram: HistogramFacts | null;
}

export interface Federation {
  readonly federationId: string;
  readonly hospitals: readonly Hospital[];
  readonly policy: RoundPolicy;
  readonly replay: ReplayMode | null;
  readonly plan: PlanFacts;
  readonly layoutHash: string;
  /** Canonical int32 bytes of the parameters that the first round starts from. */
  readonly genesisModel: Uint8Array;
}

/** The ordering organisation's identity: signs manifests and receipts, never an attestation or a review. */
export interface Signer {
  readonly certificatePem: string;
  sign(domain: SignatureDomain, document: Uint8Array): Uint8Array;
}

/** The little of a logger that this room uses; pino fits. Silent where none is given. */
export interface Log {
  info(facts: object, phrase: string): void;
  warn(facts: object, phrase: string): void;
  error(facts: object, phrase: string): void;
}

const nothing = (): void => undefined;
export const SILENT: Log = { info: nothing, warn: nothing, error: nothing };

/**
 * A claim as a pure state machine: (claim, step, who, when) → next claim, or a denial.
 *
 * | from                   | step              | by                                     | to          |
 * |------------------------|-------------------|----------------------------------------|-------------|
 * | –                      | submit            | provider                               | submitted   |
 * | submitted              | withdraw          | provider                               | withdrawn   |
 * | submitted              | adjudicate        | payer; never more than was claimed     | adjudicated |
 * | adjudicated            | revise            | provider; the old version's digest stays | submitted |
 * | adjudicated            | dispute           | provider, within 30 days, once         | disputed    |
 * | disputed               | proposeResolution | provider or payer                      | disputed    |
 * | disputed               | resolve           | the other side, the same amount        | resolved    |
 * | adjudicated, resolved  | settle            | payer                                  | settled     |
 * @module
 */
import { Denial } from '../denial.js';
import type { Caller } from '../guard-context.js';

export const CLAIM_STATES = [
  'submitted',
  'withdrawn',
  'adjudicated',
  'disputed',
  'resolved',
  'settled',
] as const;
export type ClaimState = (typeof CLAIM_STATES)[number];

export const CLAIM_STEPS = [
  'withdraw',
  'adjudicate',
  'revise',
  'dispute',
  'proposeResolution',
  'resolve',
  'settle',
] as const;
export type ClaimStep = (typeof CLAIM_STEPS)[number];

export interface ClaimLine {
  readonly code: string;
  /** yyyymmdd. */
  readonly day: string;
  readonly units: number;
  /** For all units. */
  readonly amountMinor: number;
}

export interface Claim {
  /** Transaction id of the submission. */
  readonly claim: string;
  readonly encounter: string;
  readonly record: string;
  /** MSP ids. */
  readonly provider: string;
  readonly payer: string;
  readonly lines: readonly ClaimLine[];
  readonly totalMinor: number;
  /** SHA-256 of the evidence, or of the last document that a step brought. */
  readonly documentDigest: string;
  readonly state: ClaimState;
  readonly version: number;
  readonly approvedMinor: number | null;
  readonly reasonClass: string;
  readonly adjudicatedMs: number | null;
  readonly wasDisputed: boolean;
  readonly resolution: { readonly mspId: string; readonly amountMinor: number } | null;
  /** SHA-256 of the versions before each revision, oldest first. */
  readonly previous: readonly string[];
}

export interface ClaimCommand {
  readonly caller: Caller;
  readonly atMs: number;
  readonly amountMinor?: number;
  readonly reasonClass?: string;
  readonly documentDigest?: string;
  readonly lines?: readonly ClaimLine[];
  /** SHA-256 of the stored version, for a revision. */
  readonly digest: string;
}

type Side = 'provider' | 'payer' | 'either' | 'other';

export const CLAIM_TRANSITIONS: Readonly<
  Record<ClaimStep, { readonly from: readonly ClaimState[]; readonly by: Side }>
> = {
  withdraw: { from: ['submitted'], by: 'provider' },
  adjudicate: { from: ['submitted'], by: 'payer' },
  revise: { from: ['adjudicated'], by: 'provider' },
  dispute: { from: ['adjudicated'], by: 'provider' },
  proposeResolution: { from: ['disputed'], by: 'either' },
  resolve: { from: ['disputed'], by: 'other' },
  settle: { from: ['adjudicated', 'resolved'], by: 'payer' },
};

export const DISPUTE_MS: number = 30 * 24 * 3_600_000;
/** Revisions beyond these are a new claim. */
const REVISIONS_MAX = 8;

export function totalOf(lines: readonly ClaimLine[]): number {
  return lines.reduce((sum, { amountMinor }) => sum + amountMinor, 0);
}

export function advanceClaim(claim: Claim, step: ClaimStep, command: ClaimCommand): Claim | Denial {
  const { from, by } = CLAIM_TRANSITIONS[step];
  if (!isSide(by, claim, command.caller.mspId)) return new Denial('wrong-organisation');
  if (!from.includes(claim.state)) return new Denial('wrong-state');
  const changed = RULES[step](claim, command);
  return changed instanceof Denial ? changed : { ...claim, ...changed, version: claim.version + 1 };
}

type Rule = (claim: Claim, command: ClaimCommand) => Partial<Claim> | Denial;

const RULES: Readonly<Record<ClaimStep, Rule>> = {
  withdraw: () => ({ state: 'withdrawn' }),
  adjudicate(claim, { amountMinor = 0, reasonClass = 'none', atMs }) {
    if (amountMinor > claim.totalMinor) return new Denial('quantity');
    return { state: 'adjudicated', approvedMinor: amountMinor, reasonClass, adjudicatedMs: atMs };
  },
  revise(claim, { lines = [], documentDigest = '', digest }) {
    if (claim.previous.length >= REVISIONS_MAX) return new Denial('quantity');
    return {
      state: 'submitted',
      lines,
      totalMinor: totalOf(lines),
      documentDigest,
      approvedMinor: null,
      adjudicatedMs: null,
      previous: [...claim.previous, digest],
    };
  },
  dispute(claim, { documentDigest = '', atMs }) {
    if (claim.wasDisputed) return new Denial('wrong-state');
    if (atMs > (claim.adjudicatedMs ?? 0) + DISPUTE_MS) return new Denial('too-late');
    return { state: 'disputed', wasDisputed: true, documentDigest };
  },
  proposeResolution(claim, { caller, amountMinor = 0 }) {
    if (amountMinor > claim.totalMinor) return new Denial('quantity');
    return { resolution: { mspId: caller.mspId, amountMinor } };
  },
  resolve(claim, { amountMinor = 0 }) {
    if (claim.resolution === null) return new Denial('wrong-state');
    if (claim.resolution.amountMinor !== amountMinor) return new Denial('quantity');
    return { state: 'resolved', approvedMinor: amountMinor };
  },
  settle: (_claim, { documentDigest = '' }) => ({ state: 'settled', documentDigest }),
};

function isSide(side: Side, { provider, payer, resolution }: Claim, mspId: string): boolean {
  const party = mspId === provider || mspId === payer;
  switch (side) {
    case 'provider':
      return mspId === provider;
    case 'payer':
      return mspId === payer;
    case 'either':
      return party;
    case 'other':
      return party && mspId !== resolution?.mspId;
  }
}

/**
 * A drug batch as a pure state machine: (batch, lot, step, who, when) → next batch, or a denial.
 *
 * | from      | step         | by                                        | to                                        |
 * |-----------|--------------|-------------------------------------------|-------------------------------------------|
 * | –         | register     | manufacturer                              | available                                 |
 * | available | offer        | holder                                    | offered                                   |
 * | offered   | retract      | holder                                    | available                                 |
 * | offered   | accept       | the organisation that it was offered to   | available: all of it there, or split      |
 * | available | dispense     | clinician of the holder                   | available, depleted when nothing is left  |
 * | available | waste        | holder                                    | wasting                                   |
 * | wasting   | witnessWaste | a second person of the holder             | available, depleted when nothing is left  |
 *
 * A recalled lot and an expired batch are neither offered, accepted nor dispensed. Quantities are integers in base units;
 * a split keeps their sum.
 * @module
 */
import { Denial } from '../denial.js';
import type { Caller } from '../guard-context.js';

export const BATCH_STATES = ['available', 'offered', 'wasting', 'depleted'] as const;
export type BatchState = (typeof BATCH_STATES)[number];

export const BATCH_STEPS = [
  'offer',
  'retract',
  'accept',
  'dispense',
  'waste',
  'witnessWaste',
] as const;
export type BatchStep = (typeof BATCH_STEPS)[number];

export interface DrugBatch {
  /** Transaction id of the registration, or of the transfer that split it off. */
  readonly batch: string;
  /** The batch it was split from; empty for a registered one. */
  readonly parent: string;
  readonly product: string;
  readonly lot: string;
  readonly expiresMs: number;
  readonly quantity: number;
  readonly unit: string;
  /** MSP id. */
  readonly holder: string;
  readonly state: BatchState;
  readonly version: number;
  readonly documentDigest: string;
  readonly offer: { readonly to: string; readonly quantity: number } | null;
  readonly waste: {
    readonly quantity: number;
    readonly by: string;
    readonly reasonClass: string;
  } | null;
}

/** `lot~<product>~<lot>`: read by every step, so a recall stops all parts of a lot at once. */
export interface DrugLot {
  readonly manufacturer: string;
  readonly recall: {
    readonly by: string;
    readonly mspId: string;
    readonly atMs: number;
    readonly reasonClass: string;
  } | null;
}

export interface BatchCommand {
  readonly caller: Caller;
  readonly atMs: number;
  readonly quantity?: number;
  readonly to?: string;
  readonly reasonClass?: string;
  /** Names the part that an acceptance may split off. */
  readonly txId: string;
}

/** What a step leaves: the batch, and the part that was split off. */
export interface BatchChange {
  readonly batch: DrugBatch;
  readonly part: DrugBatch | null;
}

export const MANUFACTURER_ROLE = 'manufacturer';
const RECALL_ROLES: readonly string[] = [MANUFACTURER_ROLE, 'regulator'];
const DISPENSING_ROLES: readonly string[] = ['pharmacist', 'nurse', 'physician', 'resident'];

export const BATCH_FROM: Readonly<Record<BatchStep, BatchState>> = {
  offer: 'available',
  retract: 'offered',
  accept: 'offered',
  dispense: 'available',
  waste: 'available',
  witnessWaste: 'wasting',
};

/** Steps that a recall or the expiry date forbids. */
const MOVES: readonly BatchStep[] = ['offer', 'accept', 'dispense'];

export function advanceBatch(
  batch: DrugBatch,
  lot: DrugLot,
  step: BatchStep,
  command: BatchCommand,
): BatchChange | Denial {
  const { caller, atMs } = command;
  const party = step === 'accept' ? (batch.offer?.to ?? batch.holder) : batch.holder;
  if (caller.mspId !== party) return new Denial('wrong-organisation');
  if (batch.state !== BATCH_FROM[step]) return new Denial('wrong-state');
  if (MOVES.includes(step) && lot.recall !== null) return new Denial('recalled');
  if (MOVES.includes(step) && atMs > batch.expiresMs) return new Denial('expired');
  return RULES[step]({ ...batch, version: batch.version + 1 }, command);
}

/** A recall by the lot's own manufacturer or by a regulator; once. */
export function recallLot(
  lot: DrugLot,
  { caller, atMs, reasonClass = 'none' }: BatchCommand,
): DrugLot | Denial {
  if (!RECALL_ROLES.includes(caller.role)) return new Denial('wrong-role');
  if (caller.role === MANUFACTURER_ROLE && caller.mspId !== lot.manufacturer) {
    return new Denial('wrong-organisation');
  }
  if (lot.recall !== null) return new Denial('wrong-state');
  return { ...lot, recall: { by: caller.actor, mspId: caller.mspId, atMs, reasonClass } };
}

type Rule = (batch: DrugBatch, command: BatchCommand) => BatchChange | Denial;

const RULES: Readonly<Record<BatchStep, Rule>> = {
  offer(batch, { quantity = 0, to = '' }) {
    if (quantity > batch.quantity) return new Denial('quantity');
    if (to === batch.holder) return new Denial('wrong-organisation');
    return whole({ ...batch, state: 'offered', offer: { to, quantity } });
  },
  retract(batch) {
    return whole({ ...batch, state: 'available', offer: null });
  },
  accept(batch, { txId }) {
    const { to, quantity } = batch.offer!;
    if (quantity === batch.quantity) {
      return whole({ ...batch, state: 'available', offer: null, holder: to });
    }
    return {
      batch: { ...batch, state: 'available', offer: null, quantity: batch.quantity - quantity },
      part: {
        ...batch,
        batch: txId,
        parent: batch.batch,
        version: 1,
        state: 'available',
        offer: null,
        holder: to,
        quantity,
      },
    };
  },
  dispense(batch, { caller, quantity = 0 }) {
    if (!DISPENSING_ROLES.includes(caller.role)) return new Denial('wrong-role');
    return reduced(batch, quantity);
  },
  waste(batch, { caller, quantity = 0, reasonClass = 'none' }) {
    if (quantity > batch.quantity) return new Denial('quantity');
    return whole({
      ...batch,
      state: 'wasting',
      waste: { quantity, by: caller.actor, reasonClass },
    });
  },
  witnessWaste(batch, { caller }) {
    const { by, quantity } = batch.waste!;
    if (caller.actor === by) return new Denial('same-person');
    return reduced({ ...batch, waste: null }, quantity);
  },
};

function whole(batch: DrugBatch): BatchChange {
  return { batch, part: null };
}

function reduced(batch: DrugBatch, by: number): BatchChange | Denial {
  if (by > batch.quantity) return new Denial('quantity');
  const quantity = batch.quantity - by;
  return whole({ ...batch, quantity, state: quantity === 0 ? 'depleted' : 'available' });
}

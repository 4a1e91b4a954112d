/**
 * Where a drug came from and where it went. The rules are in `business/drug-batch.ts`.
 * @module
 */
import { hashArgument } from '../arguments.js';
import {
  MANUFACTURER_ROLE,
  advanceBatch,
  recallLot,
  type BatchCommand,
  type BatchStep,
  type DrugBatch,
  type DrugLot,
} from '../business/drug-batch.js';
import { type JsonObject } from '../canonical-json.js';
import { Denial, type BusinessResult } from '../denial.js';
import { ChaincodeError } from '../errors.js';
import { callerOf, transactionTimeMs, type GuardContext } from '../guard-context.js';
import type { GuardOptions } from '../guard.js';
import { GuardedContract } from '../guarded-contract.js';
import { drugBatchKey, drugLotKey } from '../ledger-keys.js';
import { readObject, writeObject } from '../ledger.js';

type Args = readonly string[];

export class ProvenanceContract extends GuardedContract {
  constructor(options: GuardOptions) {
    super('ProvenanceContract', options);
  }

  /** The batch's name is the id of this transaction. A lot belongs to the manufacturer that registered it first. */
  async register(
    ctx: GuardContext,
    ...[, product, lot, expiresMs, quantity, unit, documentDigest]: Args
  ): Promise<BusinessResult> {
    const { caller, atMs, txId } = commandOf(ctx);
    if (caller.role !== MANUFACTURER_ROLE) return new Denial('wrong-role');
    if (Number(expiresMs) < atMs) return new Denial('expired');
    const lotKey = drugLotKey(product!, lot!);
    const known = (await readObject(ctx, lotKey, 'lot')) as unknown as DrugLot | null;
    if (known !== null && known.manufacturer !== caller.mspId) {
      return new Denial('wrong-organisation');
    }
    if (known !== null && known.recall !== null) return new Denial('recalled');
    if (known === null) {
      await writeObject(ctx, lotKey, { manufacturer: caller.mspId, recall: null });
    }
    return write(ctx, {
      batch: txId,
      parent: '',
      product: product!,
      lot: lot!,
      expiresMs: Number(expiresMs),
      quantity: Number(quantity),
      unit: unit!,
      holder: caller.mspId,
      state: 'available',
      version: 1,
      documentDigest: documentDigest!,
      offer: null,
      waste: null,
    });
  }

  async offer(ctx: GuardContext, ...[, batch, to, quantity]: Args): Promise<BusinessResult> {
    return step(ctx, 'offer', batch!, { to: to!, quantity: Number(quantity) });
  }

  async retract(ctx: GuardContext, ...[, batch]: Args): Promise<BusinessResult> {
    return step(ctx, 'retract', batch!, {});
  }

  async accept(ctx: GuardContext, ...[, batch]: Args): Promise<BusinessResult> {
    return step(ctx, 'accept', batch!, {});
  }

  /** Record handle and digest of the prescription are bound by the transaction itself. */
  async dispense(ctx: GuardContext, ...[, , batch, quantity]: Args): Promise<BusinessResult> {
    return step(ctx, 'dispense', batch!, { quantity: Number(quantity) });
  }

  async waste(
    ctx: GuardContext,
    ...[, batch, quantity, reasonClass]: Args
  ): Promise<BusinessResult> {
    return step(ctx, 'waste', batch!, {
      quantity: Number(quantity),
      reasonClass: reasonClass!,
    });
  }

  async witnessWaste(ctx: GuardContext, ...[, batch]: Args): Promise<BusinessResult> {
    return step(ctx, 'witnessWaste', batch!, {});
  }

  async recall(ctx: GuardContext, ...[, product, lot, reasonClass]: Args): Promise<BusinessResult> {
    const key = drugLotKey(product!, lot!);
    const known = (await readObject(ctx, key, 'lot')) as unknown as DrugLot | null;
    if (known === null) return new Denial('not-found');
    const recalled = recallLot(known, { ...commandOf(ctx), reasonClass: reasonClass! });
    if (recalled instanceof Denial) return recalled;
    await writeObject(ctx, key, recalled);
    const facts = { product: product!, lot: lot!, recalled: true };
    ctx.emit('lot', facts);
    return facts;
  }

  /** A batch and what is known of its lot. */
  async get(ctx: GuardContext, ...[batch]: Args): Promise<JsonObject> {
    const found = await readObject(ctx, drugBatchKey(hashArgument(batch, 'batch')), 'batch');
    if (found === null) throw new ChaincodeError('ERR_NOT_FOUND', 'no such batch');
    const { product, lot } = found as unknown as DrugBatch;
    return { batch: found, lot: await readObject(ctx, drugLotKey(product, lot), 'lot') };
  }
}

function commandOf(ctx: GuardContext): BatchCommand {
  return { caller: callerOf(ctx), atMs: transactionTimeMs(ctx), txId: ctx.stub.getTxID() };
}

async function step(
  ctx: GuardContext,
  name: BatchStep,
  batch: string,
  more: Partial<BatchCommand>,
): Promise<BusinessResult> {
  const stored = (await readObject(
    ctx,
    drugBatchKey(batch),
    'batch',
  )) as unknown as DrugBatch | null;
  if (stored === null) return new Denial('not-found');
  const lot = await readObject(ctx, drugLotKey(stored.product, stored.lot), 'lot');
  const change = advanceBatch(stored, lot as unknown as DrugLot, name, {
    ...commandOf(ctx),
    ...more,
  });
  if (change instanceof Denial) return change;
  const written = await write(ctx, change.batch);
  if (change.part === null) return written;
  await writeObject(ctx, drugBatchKey(change.part.batch), change.part);
  return { ...written, part: change.part.batch };
}

async function write(ctx: GuardContext, batch: DrugBatch): Promise<JsonObject> {
  await writeObject(ctx, drugBatchKey(batch.batch), batch);
  const { batch: name, state, quantity, holder, version } = batch;
  const facts = { batch: name, state, quantity, holder, version };
  ctx.emit('batch', facts);
  return facts;
}

/**
 * Access to records: the guarded business functions.
 *
 * Nothing here returns a record. A call that runs writes a ticket, and the home hospital releases data off-chain when it
 * sees the ticket *committed*: reads leave no trace in Fabric, and an endorsement alone must not be worth anything.
 *
 * Arguments are handles, codes and digests; the guard has checked number and form of each before any of these runs.
 * @module
 */
import type { JsonObject } from '../canonical-json.js';
import { canonicalBytes } from '../canonical-json.js';
import { transactionTimeMs, type GuardContext } from '../guard-context.js';
import type { GuardOptions } from '../guard.js';
import { GuardedContract } from '../guarded-contract.js';
import { accessTicketKey } from '../ledger-keys.js';
import { writeObject } from '../ledger.js';

/** A ticket is worth something for as long as a person may take to open what she asked for. */
const TICKET_MS = 15 * 60 * 1000;

type Args = readonly string[];

export class RecordAccessContract extends GuardedContract {
  constructor(options: GuardOptions) {
    super('RecordAccessContract', options);
  }

  async openSession(ctx: GuardContext, ...[, ward, purpose]: Args): Promise<JsonObject> {
    return ticket(ctx, 'openSession', { ward, purpose });
  }

  async closeSession(ctx: GuardContext): Promise<JsonObject> {
    return ticket(ctx, 'closeSession', {});
  }

  async requestAccess(
    ctx: GuardContext,
    ...[, record, purpose, section, count]: Args
  ): Promise<JsonObject> {
    return ticket(ctx, 'requestAccess', { record, purpose, section, count });
  }

  async export(
    ctx: GuardContext,
    ...[, recordSetDigest, count, purpose, section]: Args
  ): Promise<JsonObject> {
    return ticket(ctx, 'export', { recordSetDigest, count, purpose, section });
  }

  async amend(
    ctx: GuardContext,
    ...[, record, section, digestBefore, digestAfter, sizeClass, purpose]: Args
  ): Promise<JsonObject> {
    return ticket(ctx, 'amend', {
      record,
      section,
      digestBefore,
      digestAfter,
      sizeClass,
      purpose,
    });
  }

  async erase(
    ctx: GuardContext,
    ...[, record, section, reasonClass, purpose]: Args
  ): Promise<JsonObject> {
    return ticket(ctx, 'erase', { record, section, reasonClass, purpose });
  }

  async breakGlass(
    ctx: GuardContext,
    ...[, record, reasonClass, section]: Args
  ): Promise<JsonObject> {
    return ticket(ctx, 'breakGlass', { record, reasonClass, section });
  }
}

/** Writes `acc~<txid>` and announces it; what was asked is in the ticket, so the holder of the data needs nothing else. */
async function ticket(
  ctx: GuardContext,
  functionName: string,
  asked: Readonly<Record<string, string | undefined>>,
): Promise<JsonObject> {
  const txId = ctx.stub.getTxID();
  const expiresMs = transactionTimeMs(ctx) + TICKET_MS;
  const value = { function: functionName, ...asked, expiresMs };
  await writeObject(ctx, accessTicketKey(txId), value);
  ctx.stub.setEvent('ticket', canonicalBytes(value));
  return { ticket: txId, expiresMs };
}

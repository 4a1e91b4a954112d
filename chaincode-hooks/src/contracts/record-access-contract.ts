/**
 * Access to records: the guarded business functions.
 *
 * Nothing here returns a record. A call that runs writes a ticket, and the home hospital releases data off-chain when it
 * sees the ticket *committed*: reads leave no trace in Fabric, and an endorsement alone must not be worth anything.
 *
 * Arguments are handles, codes and digests; the guard has checked number and form of each before any of these runs.
 * @module
 */
import { checkAccess, type AskedAccess } from '../business/access-check.js';
import { TICKET_MINUTES } from '../business/access-policy.js';
import { type JsonObject } from '../canonical-json.js';
import { Denial, type BusinessResult } from '../denial.js';
import { callDigest } from '../function-call.js';
import { transactionTimeMs, type GuardContext } from '../guard-context.js';
import type { GuardOptions } from '../guard.js';
import { GuardedContract } from '../guarded-contract.js';
import { ACTIVE_POLICY_KEY, accessTicketKey } from '../ledger-keys.js';
import { writeObject } from '../ledger.js';

const MINUTE_MS = 60_000;

type Args = readonly string[];
type Asked = Readonly<Record<string, string>>;

export class RecordAccessContract extends GuardedContract {
  constructor(options: GuardOptions) {
    super('RecordAccessContract', options, {
      requestAccess: [ACTIVE_POLICY_KEY],
      export: [ACTIVE_POLICY_KEY],
      amend: [ACTIVE_POLICY_KEY],
      erase: [ACTIVE_POLICY_KEY],
    });
  }

  async openSession(ctx: GuardContext, ...[, ward, purpose]: Args): Promise<JsonObject> {
    return ticket(ctx, 'openSession', { ward: ward!, purpose: purpose! });
  }

  async closeSession(ctx: GuardContext): Promise<JsonObject> {
    return ticket(ctx, 'closeSession', {});
  }

  async requestAccess(ctx: GuardContext, ...args: Args): Promise<BusinessResult> {
    const [, record, purpose, section, count] = args as AtLeast5;
    const access = { action: 'read', record, section, purpose } as const;
    return checkedTicket(ctx, { name: 'requestAccess', args }, access, {
      record,
      purpose,
      section,
      count,
    });
  }

  async export(ctx: GuardContext, ...args: Args): Promise<BusinessResult> {
    const [, recordSetDigest, count, purpose, section] = args as AtLeast5;
    const access = { action: 'export', record: '', section, purpose } as const;
    return checkedTicket(ctx, { name: 'export', args }, access, {
      recordSetDigest,
      count,
      purpose,
      section,
    });
  }

  async amend(ctx: GuardContext, ...args: Args): Promise<BusinessResult> {
    const [, record, section, digestBefore, digestAfter, sizeClass = '', purpose = ''] =
      args as AtLeast5;
    const access = { action: 'amend', record, section, purpose } as const;
    const asked = { record, section, digestBefore, digestAfter, sizeClass, purpose };
    return checkedTicket(ctx, { name: 'amend', args }, access, asked);
  }

  async erase(ctx: GuardContext, ...args: Args): Promise<BusinessResult> {
    const [, record, section, reasonClass, purpose] = args as AtLeast5;
    const access = { action: 'erase', record, section, purpose } as const;
    return checkedTicket(ctx, { name: 'erase', args }, access, {
      record,
      section,
      reasonClass,
      purpose,
    });
  }

  /** Waits for no policy and no consent: it is flagged, and people look at it afterwards. */
  async breakGlass(
    ctx: GuardContext,
    ...[, record, reasonClass, section]: Args
  ): Promise<JsonObject> {
    const asked = { record: record!, reasonClass: reasonClass!, section: section! };
    return ticket(ctx, 'breakGlass', asked);
  }
}

type AtLeast5 = readonly [string, string, string, string, string, ...Args];

async function checkedTicket(
  ctx: GuardContext,
  call: { readonly name: string; readonly args: Args },
  access: Omit<AskedAccess, 'digest'>,
  asked: Asked,
): Promise<BusinessResult> {
  const digest = callDigest(`RecordAccessContract:${call.name}`, call.args);
  const terms = await checkAccess(ctx, { ...access, digest });
  if (terms instanceof Denial) return terms;
  const { minutes, ...restsOn } = terms;
  return ticket(ctx, call.name, { ...asked, ...restsOn }, minutes);
}

/** Writes `acc~<txid>` and announces it; what was asked is in the ticket, so the holder of the data needs nothing else. */
async function ticket(
  ctx: GuardContext,
  functionName: string,
  asked: Asked,
  minutes = TICKET_MINUTES,
): Promise<JsonObject> {
  const txId = ctx.stub.getTxID();
  const expiresMs = transactionTimeMs(ctx) + minutes * MINUTE_MS;
  const value = { function: functionName, ...asked, expiresMs };
  await writeObject(ctx, accessTicketKey(txId), value);
  ctx.emit('ticket', value);
  return { ticket: txId, expiresMs };
}

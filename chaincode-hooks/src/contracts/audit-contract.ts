/**
 * Questions about what happened: evaluated, never submitted, for people whose role it is to ask.
 *
 * Each answer names the transaction, the key and the SHA-256 of the value, so that anyone with the block can prove it:
 * `proveAuditItem` in `@bhschain/chaincode-hooks/events`.
 * @module
 */
import { actorArgument, integerArgument, refusedArgument } from '../arguments.js';
import { AUDITED_KEY, auditDayOf, type AuditKind } from '../audit-trail.js';
import { parseJsonObject, type JsonObject } from '../canonical-json.js';
import { sha256Hex } from '../digest.js';
import type { GuardContext } from '../guard-context.js';
import type { GuardOptions } from '../guard.js';
import { GuardedContract } from '../guarded-contract.js';
import { NO_RECORD, ledgerKey, parseLedgerKey } from '../ledger-keys.js';

type Args = readonly string[];

const PAGE_SIZE = 100;
const DAYS_MAX = 31;

export class AuditContract extends GuardedContract {
  constructor(options: GuardOptions) {
    super('AuditContract', options);
  }

  /** Everything that touched a record, in [fromMs, toMs], at most 31 days; `bookmark` of the answer before, or empty. */
  async byRecord(
    ctx: GuardContext,
    ...[record, fromMs, toMs, bookmark]: Args
  ): Promise<JsonObject> {
    if (!/^H[1-9][0-9]?-[0-9a-f]{16}$/.test(record!)) {
      throw refusedArgument('record', 'a record handle');
    }
    return search(ctx, { record: record!, ...range(fromMs, toMs), bookmark: bookmark! });
  }

  async byActor(ctx: GuardContext, ...[actor, fromMs, toMs, bookmark]: Args): Promise<JsonObject> {
    const wanted = actorArgument(actor, 'actor');
    return search(ctx, { actor: wanted, ...range(fromMs, toMs), bookmark: bookmark! });
  }

  async byTime(ctx: GuardContext, ...[fromMs, toMs, bookmark]: Args): Promise<JsonObject> {
    return search(ctx, { ...range(fromMs, toMs), bookmark: bookmark! });
  }
}

interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

interface Search extends Range {
  readonly record?: string;
  readonly actor?: string;
  /** Key of the last row that an answer gave, its parts joined by `~`. */
  readonly bookmark: string;
}

function range(fromText: string | undefined, toText: string | undefined): Range {
  const fromMs = integerArgument(fromText, 'fromMs');
  const toMs = integerArgument(toText, 'toMs');
  if (toMs < fromMs || auditDayOf(toMs) - auditDayOf(fromMs) >= DAYS_MAX) {
    throw refusedArgument('toMs', `not before fromMs, and at most ${DAYS_MAX} days in all`);
  }
  return { fromMs, toMs };
}

async function search(ctx: GuardContext, o: Search): Promise<JsonObject> {
  const after = o.bookmark === '' ? '' : bookmarkKey(o.bookmark);
  const items: JsonObject[] = [];
  let last = '';
  const firstDay = o.bookmark === '' ? auditDayOf(o.fromMs) : Number(o.bookmark.split('~')[1]);
  for (let day = firstDay; day <= auditDayOf(o.toMs); day++) {
    const attributes = [String(day), ...(o.record === undefined ? [] : [o.record])];
    for await (const { key, value } of ctx.stub.getStateByPartialCompositeKey('aud', attributes)) {
      const parts = parseLedgerKey(key);
      const [, , record = '', actor = '', txId = ''] = parts;
      if (key <= after || (o.actor !== undefined && actor !== o.actor)) continue;
      const row = parseJsonObject(value, 'audit row');
      const atMs = row['atMs'] as number;
      if (atMs < o.fromMs || atMs > o.toMs) continue;
      if (items.length === PAGE_SIZE) return { items, bookmark: last };
      const kind = row['kind'] as AuditKind;
      items.push({
        txId,
        kind,
        function: row['function']!,
        actor,
        record: record === NO_RECORD ? '' : record,
        atMs,
        ...(await evidence(ctx, { kind, txId, rowKey: key, row: value })),
      });
      last = parts.join('~');
    }
  }
  return { items, bookmark: '' };
}

/** The record of the call as it is now; of a business function, whose record is its own object, the audit row itself. */
async function evidence(
  ctx: GuardContext,
  o: { kind: AuditKind; txId: string; rowKey: string; row: Uint8Array },
): Promise<JsonObject> {
  const key = AUDITED_KEY[o.kind](o.txId);
  const value = await ctx.stub.getState(key);
  const [named, bytes] = value.length > 0 ? [key, value] : [o.rowKey, o.row];
  return { key: parseLedgerKey(named).join('~'), digest: sha256Hex(bytes) };
}

function bookmarkKey(bookmark: string): string {
  const parts = bookmark.split('~');
  if (parts.length !== 5 || parts[0] !== 'aud' || !/^[0-9]{1,6}$/.test(parts[1]!)) {
    throw refusedArgument('bookmark', 'the bookmark of an earlier answer');
  }
  return ledgerKey(...parts);
}

/**
 * Reading and writing canonical JSON on the ledger.
 * @module
 */
import { canonicalBytes, parseJsonObject, type JsonObject } from './canonical-json.js';
import type { GuardContext } from './guard-context.js';

/** The object under `key`; null if there is none. */
export async function readObject(
  ctx: GuardContext,
  key: string,
  what: string,
): Promise<JsonObject | null> {
  const bytes = await ctx.read(key);
  return bytes.length === 0 ? null : parseJsonObject(bytes, what);
}

export async function writeObject(ctx: GuardContext, key: string, value: object): Promise<void> {
  await ctx.stub.putState(key, canonicalBytes(value as JsonObject));
}

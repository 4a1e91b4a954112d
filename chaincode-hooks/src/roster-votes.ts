/**
 * The roster on the ledger, and the votes by which hospitals change it.
 * @module
 */
import { refusedArgument } from './arguments.js';
import type { JsonObject } from './canonical-json.js';
import { ChaincodeError } from './errors.js';
import { callerOf, transactionTimeMs, type GuardContext } from './guard-context.js';
import { nodeKey, nodeVoteKey } from './ledger-keys.js';
import { readObject, writeObject } from './ledger.js';
import type { NodeState, RosterEntry } from './roster.js';

export function nodeArgument(text: string | undefined): string {
  if (text === undefined || !/^[A-Za-z0-9-]{1,32}$/.test(text)) {
    throw refusedArgument('node', '1 to 32 letters, digits or -');
  }
  return text;
}

export async function readNode(ctx: GuardContext, node: string): Promise<RosterEntry | null> {
  return (await readObject(ctx, nodeKey(node), 'node')) as unknown as RosterEntry | null;
}

export async function requireNode(ctx: GuardContext, node: string): Promise<RosterEntry> {
  const entry = await readNode(ctx, node);
  if (entry === null) throw new ChaincodeError('ERR_NOT_FOUND', 'nobody requested this node');
  return entry;
}

export function nodeState({ node, state }: RosterEntry, step: string): ChaincodeError {
  return new ChaincodeError('ERR_NODE_STATE', `${step}: node ${node} is ${state}`, { node, state });
}

/** The hospitals whose vote is on the ledger. */
export async function readVoters(
  hospitals: readonly string[],
  voteOf: (mspId: string) => Promise<Uint8Array>,
): Promise<readonly string[]> {
  const votes = await Promise.all(hospitals.map(voteOf));
  return hospitals.filter((_, i) => votes[i]!.length > 0);
}

/** Counts a vote; the deciding one changes the state and uses all of them up. */
export async function decideNode(
  ctx: GuardContext,
  entry: RosterEntry,
  step: string,
  to: NodeState,
  agreed: readonly string[],
  needed: number,
): Promise<JsonObject> {
  const { node } = entry;
  const { mspId } = callerOf(ctx);
  const atMs = transactionTimeMs(ctx);
  const decided = agreed.length >= needed;
  if (decided) {
    for (const voter of agreed) {
      await ctx.stub.deleteState(nodeVoteKey(node, step, voter));
    }
    await writeObject(ctx, nodeKey(node), { ...entry, state: to, atMs });
  } else {
    await writeObject(ctx, nodeVoteKey(node, step, mspId), { atMs });
  }
  return { node, state: decided ? to : entry.state, votes: agreed };
}
